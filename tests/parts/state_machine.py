"""deploy/step-functions: moto runs the state machine, and its tasks invoke the real function."""

import http.client
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from function import function
from programs import NAME, REGION, ask
from store import BUCKET, client, objects

DEFINITION = Path("deploy/step-functions/state-machine.asl.json")
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
# Those of deploy/step-functions/template.yaml
SUBSTITUTIONS = {"Function": FUNCTION, "Bucket": BUCKET, "ResultPrefix": "results/"}
LIST = "lists/channels.jsonl"
# Seconds that a run may take, and between two looks at it
PATIENCE = 60
PAUSE = 0.2


class Gateway(BaseHTTPRequestHandler):
    """What moto's state machines take for AWS: Lambda's invocations go to the function, all else back to moto."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.forward()

    do_GET = do_PUT = do_POST

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if re.fullmatch(r"/2015-03-31/functions/[^/]+/invocations", self.path):
            return self.invoke(json.loads(body))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.moto.port, timeout=PATIENCE)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        return self.answer(answer.status, answer.read(), {"content-type": answer.getheader("content-type", "")})

    def invoke(self, event):
        # The emulator answers one invocation of a function at a time
        with self.server.lock:
            self.server.events.append(event)
            status, answer = self.server.function.invoke(event)
        # Lambda marks failed invocations by a header, the emulator by the status
        return self.answer(200, json.dumps(answer).encode(), {} if status == 200 else {"x-amz-function-error": "Unhandled"})

    def answer(self, status, content, headers):
        self.send_response_only(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """The gateway, while it is open."""

    daemon_threads = True

    def __init__(self, moto, one):
        super().__init__(("127.0.0.1", moto.gateway_port), Gateway)
        self.moto, self.function, self.events, self.lock = moto, one, [], threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def for_moto(text):
    """The definition without what moto does not know: child executions of the type EXPRESS, JSON lines, and the form of the results. Waits
    between two tries are a second."""
    for name, value in SUBSTITUTIONS.items():
        text = text.replace(f"${{{name}}}", value)
    definition = json.loads(text)
    pictures = definition["States"]["Pictures"]
    pictures["ItemReader"]["ReaderConfig"]["InputType"] = "JSON"
    pictures["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    del pictures["ResultWriter"]["WriterConfig"]
    for retry in pictures["ItemProcessor"]["States"]["Picture"]["Retry"]:
        retry |= {"IntervalSeconds": 1, "BackoffRate": 1.0, "JitterStrategy": "NONE"}
    return json.dumps(definition)


def finished(states, run):
    end = time.monotonic() + PATIENCE
    while (found := states.describe_execution(executionArn=run))["status"] == "RUNNING" and time.monotonic() < end:
        time.sleep(PAUSE)
    return found


def a_picture_of_every_line(tally, parts):
    s3 = client("s3", parts.moto.url)
    # moto's interpreter takes long to load
    states = client("stepfunctions", parts.moto.url, seconds=PATIENCE)
    status, _, _ = ask(f"{parts.moto.url}/moto-api/config", json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode())
    tally.equal("state machine: moto executes it", status, 201)
    ts, mp4, gone = (parts.origin.url(f"/{path}") for path in ("vod-ts/master.m3u8", "vod-fmp4/master.m3u8", "none.m3u8"))

    def to(name, url, **options):
        return {"url": url, "output": f"s3://{BUCKET}/map/{name}.jpg", **options}

    requests = [to("ts", ts), to("small", ts, width=160), to("gone", gone), to("wrong", ts, widht=5), to("mp4", mp4)]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    # moto reads no JSON lines, so the file has them as one array
    s3.put_object(Bucket=BUCKET, Key=LIST, Body=json.dumps([json.loads(line) for line in lines.splitlines()]))
    machine = states.create_state_machine(name=NAME, definition=for_moto(DEFINITION.read_text()), roleArn=ROLE)["stateMachineArn"]
    with function(tally, parts, "a state machine") as one, Server(parts.moto, one) as gateway:
        run = states.start_execution(stateMachineArn=machine, input=json.dumps({"key": LIST, "tolerated_failure_percentage": 50}))
        done = finished(states, run["executionArn"])
        events = [event["output"].rsplit("/", 1)[1] for event in gateway.events]
    tally.equal("state machine: it succeeds, though items fail", done["status"], "SUCCEEDED")
    tries = {name: events.count(f"{name}.jpg") for name in ("ts", "small", "gone", "wrong", "mp4")}
    tally.equal("state machine: only what may pass is tried again", tries, {"ts": 1, "small": 1, "gone": 3, "wrong": 1, "mp4": 1})
    maps = states.list_map_runs(executionArn=run["executionArn"])["mapRuns"]
    counts = states.describe_map_run(mapRunArn=maps[0]["mapRunArn"])
    items = {name: counts["itemCounts"][name] for name in ("total", "succeeded", "failed")}
    tally.equal("state machine: the counts of its items", items, {"total": 5, "succeeded": 3, "failed": 2})
    settings = (counts["maxConcurrency"], counts["toleratedFailurePercentage"])
    tally.equal("state machine: the default of concurrency, and the input's share of failures", settings, (10, 50.0))
    stored = objects(s3)
    manifest = json.loads(done["output"])["ResultWriterDetails"]["Key"]
    wanted = sorted(["map/mp4.jpg", "map/small.jpg", "map/ts.jpg", LIST, manifest])
    tally.equal("state machine: the pictures, and the manifest of the results", sorted(stored), wanted)
    same = parts.hlsnap.picture(mp4, "jpg")
    tally.check("state machine: the same bytes as the command line's", stored["map/mp4.jpg"]["Body"].read() == same)
    for key in stored:
        s3.delete_object(Bucket=BUCKET, Key=key)


ALL = [a_picture_of_every_line]
