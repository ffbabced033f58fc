"""The Lambda function with cargo-lambda's emulator: every kind of event, the answers, and the log."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import shapes
from programs import NAME, Function
from redirector import Redirector
from store import BUCKET, client, environment, objects

SETTINGS = {"HLSNAP_ALLOW_PRIVATE": "true", "HLSNAP_ALLOW_HOST": "127.0.0.1"}
KEY = "the operator's key"
SECRET = "t0ken-of-the-tests"


@contextmanager
def function(tally, parts, name, settings=None, without_metrics=0):
    """A function with these settings, whose log is checked at the end. `without_metrics` of its invocations take no picture."""
    one = Function([str(parts.binaries / "bootstrap")], parts.emulator, {**SETTINGS, **environment(parts.moto.url), **(settings or {})})
    try:
        yield one
        # The answer may arrive before the last line of the log
        time.sleep(0.1)
    finally:
        one.close()
    log(tally, name, one, without_metrics)


def parsed(lines):
    """The JSON object of each line; None for other lines."""

    def of(line):
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    return [of(line) for line in lines]


def log(tally, name, one, without_metrics):
    lines = parsed(one.out)
    tally.check(f"{name}: the log is JSON, one object a line", lines and None not in lines, one.out[-5:])
    lines = [line for line in lines if line]
    messages = [line for line in lines if "_aws" not in line]
    ids = set(one.relay.ids)
    strange = [line for line in messages if line.get("span", {}).get("request_id") not in ids]
    tally.check(f"{name}: each line of the log has its request id", messages and not strange, strange[:2])
    silent = ids - {line.get("span", {}).get("request_id") for line in messages}
    tally.check(f"{name}: each invocation is in the log", not silent, silent)
    metrics = [line for line in lines if "_aws" in line]
    counted = [line["RequestId"] for line in metrics]
    right = len(counted) == len(set(counted)) == len(ids) - without_metrics and set(counted) <= ids
    tally.check(f"{name}: one line of metrics for each invocation", right, (len(ids), len(counted), without_metrics))
    wrong = [line for line in metrics if not is_emf(line)]
    tally.check(f"{name}: metrics are in the Embedded Metric Format", not wrong, wrong[:1])
    tally.check(f"{name}: no secret is in the log", not any(text in line for line in one.out for text in (SECRET, KEY)))
    tally.check(f"{name}: nothing on stderr", not one.err, one.err[:3])


def is_emf(line):
    """The Embedded Metric Format: each named metric and dimension is a field next to `_aws`."""
    metadata = line["_aws"]
    directive = metadata["CloudWatchMetrics"][0]
    dimensions = [name for names in directive["Dimensions"] for name in names]
    numbers = [line.get(metric["Name"]) for metric in directive["Metrics"]]
    flat = [number for one in numbers for number in (one if isinstance(one, list) else [one])]
    return (
        directive["Namespace"] == "hlsnap"
        and abs(time.time() * 1000 - metadata["Timestamp"]) < 120_000
        and all(isinstance(line.get(name), str) for name in dimensions)
        and line["FunctionName"] == NAME
        and all(isinstance(number, (int, float)) for number in flat)
    )


def size_of_jpeg(data):
    """Width and height in the frame header of a complete JPEG."""
    assert data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9", data[:16]
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")


def is_picture(tally, name, data, size, same):
    tally.equal(f"{name}: a JPEG of that size", size_of_jpeg(data), size)
    tally.check(f"{name}: the same bytes as the command line's", data == same, (len(data), len(same)))


def fails(tally, name, done, kind):
    """Checks an error in Lambda's format."""
    status, answer = done
    tally.equal(f"{name}: errorType", answer.get("errorType"), kind)
    message = answer.get("errorMessage", "")
    tally.check(f"{name}: errorMessage is one line", status != 200 and message and "\n" not in message, (status, answer))


def direct(tally, parts):
    s3 = client("s3", parts.moto.url)
    url = parts.origin.url("/vod-ts/master.m3u8")
    with function(tally, parts, "direct events") as one:
        status, answer = one.invoke({"url": url, "at": 3, "width": 320})
        tally.equal("direct: status", status, 200)
        same = parts.hlsnap.picture(url, "jpg", "--at", "3", "--width", "320")
        is_picture(tally, "direct", base64.b64decode(answer["image_base64"]), (320, 180), same)
        tally.equal("direct: the report's size", (answer["width"], answer["height"], answer["output"]), (320, 180, None))

        # EventBridge Scheduler sends its input unchanged, here with all values as text
        _, answer = one.invoke({"url": url, "at": "00:00:03", "width": "320", "format": "jpeg"})
        is_picture(tally, "a schedule's input", base64.b64decode(answer["image_base64"]), (320, 180), same)

        event = {"url": url, "output": f"s3://{BUCKET}/direct/{{msn}}.{{ext}}", "cache_control": "max-age=7"}
        status, answer = one.invoke(event)
        tally.equal("direct to S3: the report names the object", answer.get("output"), f"s3://{BUCKET}/direct/0.jpg")
        tally.check("direct to S3: no picture in the answer", status == 200 and "image_base64" not in answer, list(answer))
        stored = s3.get_object(Bucket=BUCKET, Key="direct/0.jpg")
        tally.check("direct to S3: the picture is there", stored["Body"].read() == parts.hlsnap.picture(url, "jpg"))
        kept = (stored["ContentType"], stored.get("CacheControl"), stored["Metadata"].get("width"))
        tally.equal("direct to S3: what the store keeps with it", kept, ("image/jpeg", "max-age=7", "640"))
        s3.delete_object(Bucket=BUCKET, Key="direct/0.jpg")

        event = shapes.rule({"url": url, "output": f"s3://{BUCKET}/rule.jpg"})
        status, answer = one.invoke(event)
        tally.equal("an EventBridge rule's event", (status, answer.get("output")), (200, f"s3://{BUCKET}/rule.jpg"))
        tally.equal("an EventBridge rule's event: the object", list(objects(s3)), ["rule.jpg"])
        s3.delete_object(Bucket=BUCKET, Key="rule.jpg")


def direct_failures(tally, parts):
    s3 = client("s3", parts.moto.url)
    url, none = parts.origin.url("/vod-ts/master.m3u8"), parts.origin.url(f"/none.m3u8?token={SECRET}")
    with function(tally, parts, "direct failures") as one:
        done = one.invoke({"url": none})
        fails(tally, "direct, a missing playlist", done, "http_status")
        tally.check("direct, a missing playlist: the message names 404", "404" in done[1].get("errorMessage", ""), done)
        fails(tally, "direct, a wrong option", one.invoke({"url": url, "widht": 5}), "usage")
        fails(tally, "direct, a host that is not allowed", one.invoke({"url": "http://127.0.0.2/x.m3u8"}), "not_allowed")
        fails(tally, "direct, this machine's files", one.invoke({"url": url, "output": "/tmp/x.jpg"}), "not_allowed")
        fails(tally, "direct, a missing bucket", one.invoke({"url": url, "output": "s3://no-such-bucket/x.jpg"}), "output")
        tool = one.invoke_by_tool({"url": none})
        tally.check("cargo lambda invoke shows the kind", tool.returncode != 0 and "http_status" in tool.stderr, tool)
    tally.equal("direct failures: nothing is stored", objects(s3), {})


def many(tally, parts):
    url, none = parts.origin.url("/vod-fmp4/master.m3u8"), parts.origin.url("/none.m3u8")
    with function(tally, parts, "many requests") as one:
        event = {"width": 320, "requests": [{"url": url}, {"url": none}, {"url": url, "width": 160}, {"url": url, "at": "2"}]}
        status, answer = one.invoke(event)
        results = answer.get("results", [])
        tally.equal("many: as many results as requests", (status, len(results)), (200, 4))
        failed = [place for place, result in enumerate(results) if "error" in result]
        tally.equal("many: only the one that fails has an error", failed, [1])
        error = results[1]["error"]
        tally.equal("many: the error's kind and status", (error["kind"], error["status"]), ("http_status", 404))
        sizes = [size_of_jpeg(base64.b64decode(results[place]["image_base64"])) for place in (0, 2, 3)]
        tally.equal("many: the pictures' sizes", sizes, [(320, 180), (160, 90), (320, 180)])


def a_queue(tally, parts):
    s3 = client("s3", parts.moto.url)
    good = {"url": parts.origin.url("/vod-ts/master.m3u8"), "output": f"s3://{BUCKET}/queue/{{width}}.jpg"}
    gone = good | {"url": parts.origin.url("/none.m3u8")}
    wrong = good | {"width": "wide"}
    back = {"batchItemFailures": [{"itemIdentifier": shapes.message_id(1)}]}
    with function(tally, parts, "a queue") as one:
        _, answer = one.invoke(shapes.queue(good, gone, good | {"width": 320}))
        tally.equal("a queue: only the failed message is returned", answer, back)
        tally.equal("a queue: the pictures of the others", sorted(objects(s3)), ["queue/320.jpg", "queue/640.jpg"])
        _, answer = one.invoke(shapes.queue(good, wrong, good))
        tally.equal("a queue: a message that can never succeed is returned too", answer, back)
        _, answer = one.invoke(shapes.queue(good, good["url"], good))
        tally.equal("a queue: a message without an output is returned", answer, back)
        _, answer = one.invoke(shapes.queue(good))
        tally.equal("a queue: without failures", answer, {"batchItemFailures": []})
        s3.delete_object(Bucket=BUCKET, Key="queue/640.jpg")
    with function(tally, parts, "a queue that drops", {"HLSNAP_DROP_PERMANENT": "true", "HLSNAP_OUTPUT": f"s3://{BUCKET}/all.jpg"}) as one:
        _, answer = one.invoke(shapes.queue(wrong, gone, good))
        tally.equal("a queue that drops: only a message that may succeed later is returned", answer, back)
        _, answer = one.invoke(shapes.queue(good["url"]))
        tally.equal("a queue of bare URLs, with the output from the settings", answer, {"batchItemFailures": []})
    tally.equal("a queue: the pictures", sorted(objects(s3)), ["all.jpg", "queue/320.jpg", "queue/640.jpg"])
    for key in objects(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)


def a_fifo_queue(tally, parts):
    s3 = client("s3", parts.moto.url)
    good = {"url": parts.origin.url("/vod-ts/master.m3u8")}
    gone = {"url": parts.origin.url("/none.m3u8"), "output": f"s3://{BUCKET}/gone.jpg"}

    def to(name):
        return good | {"output": f"s3://{BUCKET}/{name}.jpg"}

    with function(tally, parts, "a FIFO queue") as one:
        event = shapes.fifo_queue(("a", to("a0")), ("a", gone), ("b", to("b2")), ("a", to("a3")), ("b", to("b4")))
        _, answer = one.invoke(event)
        names = sorted(failure["itemIdentifier"] for failure in answer["batchItemFailures"])
        tally.equal("a FIFO queue: the rest of the group is returned too", names, [shapes.message_id(1), shapes.message_id(3)])
        tally.equal("a FIFO queue: the pictures before it and of other groups", sorted(objects(s3)), ["a0.jpg", "b2.jpg", "b4.jpg"])
    for key in objects(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)


def header(answer, name, kind):
    """The header that the service reads: a REST API merges both forms, a load balancer reads the configured one, the others the plain one."""
    plain = answer.get("headers") or {}
    many = {name: texts[-1] for name, texts in (answer.get("multiValueHeaders") or {}).items()}
    read = {"REST API v1": plain | many, "ALB with multi-value headers": many}
    return read.get(kind, plain).get(name)


def is_problem(tally, name, kind, answer, status, problem):
    tally.equal(f"{name}: status", answer.get("statusCode"), status)
    tally.equal(f"{name}: content type", header(answer, "content-type", kind), "application/problem+json")
    tally.check(f"{name}: the body is text", not answer.get("isBase64Encoded"), answer)
    found = json.loads(answer["body"])
    tally.equal(f"{name}: kind and status in it", (found["kind"], found["status"]), (problem, status))


def web(tally, parts):
    origin = parts.origin.url("/vod-ts/master.m3u8")
    # Without metadata, since the URL of the source differs
    same = parts.hlsnap.picture(origin, "jpg", "--width", "320", "--strip")
    # As in signed URLs of CDNs, which the origin must get unchanged
    path = f"/a%20b/live.m3u8?token={SECRET}%2Fx%2By%3D%3D~1&until=5&empty="
    with Redirector(origin) as redirector, function(tally, parts, "web events", without_metrics=len(shapes.WEB)) as one:
        url = quote(redirector.base + path, safe="")
        for kind, event in shapes.WEB.items():

            def answer(path, query="", method="GET"):
                return one.invoke(event(path, query, method))[1]

            found = answer("/snapshot.jpg", f"url={url}&width=320&strip=true")
            tally.equal(f"{kind}: status", (found["statusCode"], found["isBase64Encoded"]), (200, True))
            tally.equal(f"{kind}: content type", header(found, "content-type", kind), "image/jpeg")
            if found["statusCode"] == 200:
                is_picture(tally, kind, base64.b64decode(found["body"]), (320, 180), same)
            else:
                tally.check(f"{kind}: a picture", False, found)
            tally.equal(f"{kind}: the origin gets the exact path", redirector.paths[-1:], [path])
            headers = [header(found, name, kind) for name in ("cache-control", "x-hlsnap-width", "x-hlsnap-requests")]
            tally.equal(f"{kind}: other headers", headers, ["public, max-age=86400", "320", "4"])

            found = answer("/healthz")
            tally.equal(f"{kind}: /healthz", (found["statusCode"], found["isBase64Encoded"], found["body"]), (200, False, "ok\n"))
            found = answer("/snapshot.jpg", f"url={url}&widht=320")
            is_problem(tally, f"{kind}, a wrong parameter", kind, found, 400, "usage")
            found = answer("/snapshot.jpg", "url=" + quote("http://127.0.0.2/live.m3u8", safe=""))
            is_problem(tally, f"{kind}, a host that is not allowed", kind, found, 403, "not_allowed")
            found = answer("/nothing")
            is_problem(tally, f"{kind}, a path that is not there", kind, found, 404, "not_found")
            found = answer("/snapshot.jpg", f"url={url}", "POST")
            tally.equal(f"{kind}, POST", found["statusCode"], 405)


def web_by_the_emulator(tally, parts):
    """The emulator makes the event and reads the answer, like a function URL."""
    url = parts.origin.url("/vod-ts/master.m3u8")
    with function(tally, parts, "the emulator's own function URL") as one:
        status, headers, body = one.get("/snapshot.jpg?width=320&url=" + quote(url, safe=""))
        tally.equal("the emulator's own function URL", (status, headers["content-type"]), (200, "image/jpeg"))
        is_picture(tally, "the emulator's own function URL", body, (320, 180), parts.hlsnap.picture(url, "jpg", "--width", "320"))
        status, headers, body = one.get("/snapshot.jpg?url=" + quote(parts.origin.url("/none.m3u8"), safe=""))
        problem = (status, headers["content-type"], json.loads(body)["origin_status"])
        tally.equal("the emulator's own function URL, a missing playlist", problem, (502, "application/problem+json", 404))


def signature(query):
    return hmac.new(KEY.encode(), f"/snapshot.jpg?{query}".encode(), hashlib.sha256).hexdigest()


def signed_requests(tally, parts):
    # Not in alphabetical order, and with an encoding that not every service preserves
    pairs = [("width", "320"), ("url", parts.origin.url(f"/vod-ts/master.m3u8?a=b c&token={SECRET}")), ("expires", str(int(time.time()) + 60))]
    sent, in_order = urlencode(pairs), urlencode(sorted(pairs))
    with function(tally, parts, "signed requests", {"HLSNAP_KEY": KEY}) as one:
        for kind, event in shapes.WEB.items():

            def status(query):
                return one.invoke(event("/snapshot.jpg", query))[1]["statusCode"]

            # A signature of the sorted query is valid in any order, as needed for services that do not preserve the order
            tally.equal(f"{kind}, signed in order", status(f"{sent}&sig={signature(in_order)}"), 200)
            if kind in ("function URL", "HTTP API v2"):
                tally.equal(f"{kind}, signed as sent", status(f"{sent}&sig={signature(sent)}"), 200)
            tally.equal(f"{kind}, not signed", status(sent), 403)
            tally.equal(f"{kind}, changed after it was signed", status(f"{sent}&quality=5&sig={signature(in_order)}"), 403)
            past = urlencode(sorted([*pairs[:2], ("expires", "1700000000")]))
            tally.equal(f"{kind}, the signature has expired", status(f"{past}&sig={signature(past)}"), 403)


def closed(tally, parts):
    """Without allowed hosts and without a key, HTTP requests are refused."""
    query = "url=" + quote(parts.origin.url("/vod-ts/master.m3u8"), safe="")
    with function(tally, parts, "closed", {"HLSNAP_ALLOW_HOST": ""}) as one:
        _, answer = one.invoke(shapes.function_url("/snapshot.jpg", query))
        is_problem(tally, "closed", "function URL", answer, 403, "not_allowed")


ALL = [direct, direct_failures, many, a_queue, a_fifo_queue, web, web_by_the_emulator, signed_requests, closed]
