"""Events as AWS sends them. The templates in events/ have the constant parts; these functions fill in the request like each service."""

import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qsl, unquote

FOLDER = Path(__file__).parent / "events"


def template(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def decoded(query):
    """The decoded parameters, each with all of its values."""
    many = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        many.setdefault(name, []).append(text)
    return many


def undecoded(query):
    """The parameters of a load balancer, which does not decode them."""
    many = {}
    for pair in filter(None, query.split("&")):
        name, _, text = pair.partition("=")
        many.setdefault(name, []).append(text)
    return many


def last(many):
    """The single-value form, with the last values."""
    return {name: texts[-1] for name, texts in many.items()}


def version_2(name, path, query, method="GET", stage=""):
    event = template(name)
    raw = f"{stage}{path}"
    event |= {"rawPath": raw, "rawQueryString": query}
    if query:
        event["queryStringParameters"] = {name: ",".join(texts) for name, texts in decoded(query).items()}
    event["requestContext"]["http"] |= {"method": method, "path": raw}
    return event


def function_url(path, query="", method="GET"):
    return version_2("function-url", path, query, method)


def http_api(path, query="", method="GET"):
    """With a named stage, which is part of the path."""
    event = version_2("http-api-v2", path, query, method, "/prod")
    event["pathParameters"] = {"proxy": path.lstrip("/")}
    return event


def rest_api(path, query="", method="GET"):
    event = template("rest-api-v1")
    many = decoded(query)
    event |= {"path": path, "httpMethod": method, "pathParameters": {"proxy": unquote(path.lstrip("/"))}}
    event |= {"queryStringParameters": last(many) or None, "multiValueQueryStringParameters": many or None}
    event["requestContext"] |= {"path": f"/prod{path}", "httpMethod": method}
    return event


def load_balancer(path, query="", method="GET"):
    return template("alb") | {"path": path, "httpMethod": method, "queryStringParameters": last(undecoded(query))}


def load_balancer_of_many(path, query="", method="GET"):
    """With multi-value headers enabled for the target group."""
    return template("alb-multi-value") | {"path": path, "httpMethod": method, "multiValueQueryStringParameters": undecoded(query)}


WEB = {
    "function URL": function_url,
    "HTTP API v2": http_api,
    "REST API v1": rest_api,
    "ALB": load_balancer,
    "ALB with multi-value headers": load_balancer_of_many,
}


def message(place, body, group=None):
    """One record of a queue; `group` is for a FIFO queue."""
    record = template("sqs-record" if group is None else "sqs-fifo-record")
    text = body if isinstance(body, str) else json.dumps(body)
    record |= {"messageId": message_id(place), "body": text, "md5OfBody": hashlib.md5(text.encode()).hexdigest()}
    if group is not None:
        record["attributes"] |= {"MessageGroupId": group, "SequenceNumber": f"188494000000000{place:05}"}
        record["attributes"]["MessageDeduplicationId"] = hashlib.sha256(text.encode()).hexdigest()
    return record


def message_id(place):
    return f"00000000-1111-4222-8333-{place:012}"


def queue(*bodies):
    return {"Records": [message(place, body) for place, body in enumerate(bodies)]}


def fifo_queue(*grouped):
    return {"Records": [message(place, body, group) for place, (group, body) in enumerate(grouped)]}


def rule(detail):
    """The event of an EventBridge rule."""
    return template("eventbridge-rule") | {"detail": detail}
