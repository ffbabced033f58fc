#!/usr/bin/env python3
"""The cost of the Lambda function, compared with the command line: `benches/function.py FOLDER-OF-THE-BINARIES URL [RUNS]`.

The release binaries `bootstrap` and `hlsnap` take the same snapshot of URL on this machine. It prints the time from the start of the process
to its first request of an event, the processor time of a warm invocation and of a run of the command line, and the peak memory with one
snapshot, with eight at once, and after 200 invocations. It asserts nothing, since only the ratios are the same on other machines.
"""

import json
import os
import queue
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Api(BaseHTTPRequestHandler):
    """The parts of Lambda's Runtime API that a function uses."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.polls.put(time.monotonic())
        event = self.server.events.get()
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "1")
        self.send_header("lambda-runtime-deadline-ms", str(int((time.time() + 60) * 1000)))
        self.send_header("content-length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        if length := self.headers.get("content-length"):
            body = self.rfile.read(int(length))
        else:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rsplit("/", 1)[-1], body))

    def log_message(self, *_):
        pass


class Function:
    def __init__(self, binaries, memory):
        self.api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.api.daemon_threads = True
        self.api.polls, self.api.events, self.api.answers = queue.Queue(), queue.Queue(), queue.Queue()
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        settings = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "pictures",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "HLSNAP_ALLOW_PRIVATE": "true",
        }
        began = time.monotonic()
        self.process = subprocess.Popen([binaries / "bootstrap"], env=settings, stdout=subprocess.DEVNULL)
        self.start_ms = (self.api.polls.get(timeout=20) - began) * 1000

    def invoke(self, event):
        self.api.events.put(json.dumps(event).encode())
        kind, body = self.api.answers.get(timeout=60)
        assert kind == "response", body
        return json.loads(body)

    def cpu_ms(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def peak_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.api.shutdown()


def command_line_cpu_ms(binaries, url, runs):
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(runs):
            subprocess.run([binaries / "hlsnap", url, "-o", "out.jpg", "--quiet"], cwd=folder, check=True, env={})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / runs


def main(binaries, url, runs=30):
    binaries, runs = Path(binaries).resolve(), int(runs)
    starts = []
    for _ in range(runs):
        with Function(binaries, 256) as one:
            starts.append(one.start_ms)
    print(f"start to the first request: {statistics.median(starts):.1f} ms ({min(starts):.1f} to {max(starts):.1f}, {runs} starts)")

    with Function(binaries, 256) as one:
        one.invoke({"url": url})
        ratios = []
        for _ in range(5):
            before = one.cpu_ms()
            for _ in range(runs):
                one.invoke({"url": url})
            warm = (one.cpu_ms() - before) / runs
            alone = command_line_cpu_ms(binaries, url, runs)
            ratios.append((warm / alone, warm, alone))
        ratio, warm, alone = sorted(ratios)[2]
        print(f"a warm invocation: {warm:.1f} ms of CPU, {ratio:.2f} of the command line's {alone:.1f} ms")
        peaks = [one.peak_mb()]
        for _ in range(200):
            one.invoke({"url": url})
        peaks.append(one.peak_mb())
        print(f"peak memory: {peaks[0]:.1f} MB, and after 200 more invocations {peaks[1]:.1f} MB")
    with Function(binaries, 512) as one:
        for _ in range(5):
            results = one.invoke({"requests": [{"url": url}] * 8})["results"]
            assert all("image_base64" in result for result in results), results
        print(f"peak memory with 8 pictures at once: {one.peak_mb():.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
