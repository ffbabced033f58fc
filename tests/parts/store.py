"""Object stores as the output of the command line: moto's S3, and stores that fail."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import boto3
from botocore.config import Config

import stand_in
from programs import REGION

BUCKET = "pictures-of-tests"
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
ADMIN = ("test", "test")
MAY_PUT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}]}


def client(service, url, keys=ADMIN, seconds=10):
    options = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=seconds)
    return boto3.client(
        service, endpoint_url=url, aws_access_key_id=keys[0], aws_secret_access_key=keys[1], region_name=REGION, config=options
    )


def environment(url, keys=ADMIN):
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1], "AWS_REGION": REGION}


class Hlsnap:
    """The command line, in an empty folder."""

    def __init__(self, binaries):
        self.program = str(binaries / "hlsnap")

    def run(self, *arguments, settings=None):
        with tempfile.TemporaryDirectory() as folder:
            return self.run_in(folder, *arguments, settings=settings)

    def run_in(self, folder, *arguments, settings=None):
        began = time.monotonic()
        # run.py has removed all other AWS_… variables
        variables = {**os.environ, **(settings or {})}
        command = [self.program, *arguments]
        done = subprocess.run(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        done.seconds = time.monotonic() - began
        done.left = sorted(path.name for path in Path(folder).iterdir())
        done.lines = done.stderr.decode().splitlines()
        return done

    def picture(self, url, ending, *arguments):
        """The bytes of the picture as a file."""
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_in(folder, url, "-o", f"picture.{ending}", *arguments)
            assert done.returncode == 0, done.stderr
            return (Path(folder) / f"picture.{ending}").read_bytes()


def objects(s3, bucket=BUCKET):
    return {found["Key"]: s3.get_object(Bucket=bucket, Key=found["Key"]) for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def summary(done):
    return done.returncode, done.stdout[:300], done.stderr[:600]


def refused(tally, name, done):
    """Exit code 30, one line that names the kind, and nothing in the folder."""
    tally.equal(f"{name}: exit code 30", done.returncode, 30)
    one = len(done.lines) == 1 and done.lines[0].startswith("hlsnap: output: ")
    tally.check(f"{name}: one line on stderr", one, done.lines)
    tally.equal(f"{name}: no file is left", done.left, [])


def pictures_and_reports(tally, parts):
    s3 = client("s3", parts.moto.url)
    s3.create_bucket(Bucket=BUCKET)
    url = parts.origin.url("/vod-ts/master.m3u8")
    for ending, media_type in MEDIA_TYPES.items():
        where = f"s3://{BUCKET}/pictures/{{msn}}"
        arguments = [url, "-f", {"jpg": "jpeg"}.get(ending, ending), "-o", where + ".{ext}", "--report-output", where + ".json", "--json"]
        done = parts.hlsnap.run(*arguments, "--cache-control", "max-age=5", settings=environment(parts.moto.url))
        tally.check(f"{ending} to S3: exit code 0, nothing on stderr", done.returncode == 0 and not done.lines, summary(done))
        found = objects(s3)
        tally.equal(f"{ending} to S3: picture and report are there", sorted(found), sorted(["pictures/0.json", f"pictures/0.{ending}"]))
        stored = found[f"pictures/0.{ending}"]
        tally.equal(f"{ending} to S3: the same bytes as in a file", stored["Body"].read(), parts.hlsnap.picture(url, ending))
        tally.equal(f"{ending} to S3: content type", stored["ContentType"], media_type)
        tally.equal(f"{ending} to S3: Cache-Control", stored.get("CacheControl"), "max-age=5")
        report = json.loads(done.stdout)
        wanted = {"msn": "0", "width": "640", "height": "360", "seconds": "0", "url": url, "hash": report["verdict"]["hash"]}
        tally.equal(f"{ending} to S3: metadata", stored["Metadata"], wanted)
        kept = found["pictures/0.json"]
        tally.equal(f"{ending} to S3: content type of the report", kept["ContentType"], "application/json")
        tally.equal(f"{ending} to S3: the report that was printed", json.loads(kept["Body"].read()), report)
        tally.equal(f"{ending} to S3: the report names the object", report["output"], f"s3://{BUCKET}/pictures/0.{ending}")
        for key in found:
            s3.delete_object(Bucket=BUCKET, Key=key)


def a_live_picture(tally, parts):
    s3 = client("s3", parts.moto.url)
    arguments = [parts.origin.url("/live/master.m3u8"), "-o", f"s3://{BUCKET}/live/{{pdt}}.jpg", "--json"]
    done = parts.hlsnap.run(*arguments, settings=environment(parts.moto.url))
    tally.check("a live picture to S3: exit code 0", done.returncode == 0, summary(done))
    report = json.loads(done.stdout)
    key = report["output"].removeprefix(f"s3://{BUCKET}/")
    stored = s3.get_object(Bucket=BUCKET, Key=key)
    tally.equal("a live picture to S3: its time is in the metadata", stored["Metadata"]["pdt"], report["frame"]["program_date_time"])
    tally.equal("a live picture to S3: whole", len(stored["Body"].read()), report["bytes"])
    s3.delete_object(Bucket=BUCKET, Key=key)


def no_clobber(tally, parts):
    s3 = client("s3", parts.moto.url)
    first = [parts.origin.url("/vod-ts/master.m3u8"), "-o", f"s3://{BUCKET}/once.jpg", "--no-clobber"]
    done = parts.hlsnap.run(*first, settings=environment(parts.moto.url))
    tally.check("--no-clobber on S3: the first is written", done.returncode == 0, summary(done))
    before = s3.get_object(Bucket=BUCKET, Key="once.jpg")["Body"].read()
    # Another picture, to detect a replaced object
    done = parts.hlsnap.run(*first, "--width", "100", settings=environment(parts.moto.url))
    refused(tally, "--no-clobber on S3, again", done)
    after = s3.get_object(Bucket=BUCKET, Key="once.jpg")["Body"].read()
    tally.check("--no-clobber on S3: the object is as it was", before == after and len(before) > 100, (len(before), len(after)))
    done = parts.hlsnap.run(*first[:-1], "--width", "100", settings=environment(parts.moto.url))
    after = s3.get_object(Bucket=BUCKET, Key="once.jpg")["Body"].read()
    tally.check("without --no-clobber it is replaced", done.returncode == 0 and before != after, summary(done))
    s3.delete_object(Bucket=BUCKET, Key="once.jpg")


def a_missing_bucket(tally, parts):
    s3 = client("s3", parts.moto.url)
    arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", "s3://no-such-bucket/a.jpg"]
    done = parts.hlsnap.run(*arguments, settings=environment(parts.moto.url))
    refused(tally, "a missing bucket", done)
    tally.check("a missing bucket: the line names it", "bucket" in done.lines[0] and "no-such-bucket" in done.lines[0], done.lines)
    tally.equal("a missing bucket: it is not created", [one["Name"] for one in s3.list_buckets()["Buckets"]], [BUCKET])


def user(iam, name, policy):
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="put", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def policies(tally, parts):
    """moto checks signatures and IAM policies here, so this also covers the signatures of requests."""
    iam, s3 = client("iam", parts.moto.url), client("s3", parts.moto.url)
    may, may_not = user(iam, "may", MAY_PUT), user(iam, "may-not", None)
    arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", f"s3://{BUCKET}/a folder/ü+{{msn}}.jpg"]
    parts.moto.check_policies(True)
    try:
        allowed = parts.hlsnap.run(*arguments, settings=environment(parts.moto.url, may))
        denied = parts.hlsnap.run(*arguments, "-w", "99", settings=environment(parts.moto.url, may_not))
        wrong = parts.hlsnap.run(*arguments, "-w", "99", settings=environment(parts.moto.url, (may[0], "not-the-secret")))
        unknown = parts.hlsnap.run(*arguments, "-w", "99", settings=environment(parts.moto.url, ("AKIAUNKNOWNUNKNOWN00", "x")))
    finally:
        parts.moto.check_policies(False)
    tally.check("s3:PutObject alone is enough", allowed.returncode == 0, summary(allowed))
    refused(tally, "denied by policy", denied)
    tally.check("denied by policy: the line names the permission", "s3:PutObject" in denied.lines[0], denied.lines)
    refused(tally, "a wrong secret", wrong)
    refused(tally, "an unknown key", unknown)
    output = b"".join(done.stdout + done.stderr for done in (allowed, denied, wrong, unknown))
    tally.check("no secret is shown", not any(key.encode() in output for key in (may[1], may_not[1], "not-the-secret")))
    whole = parts.hlsnap.picture(arguments[0], "jpg")
    found = {key: found["Body"].read() for key, found in objects(s3).items()}
    tally.equal("only the allowed picture is there", found, {"a folder/ü+0.jpg": whole})
    for key in found:
        s3.delete_object(Bucket=BUCKET, Key=key)


def put(parts, store, *arguments):
    arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", "s3://store/a.jpg", "--json", *arguments]
    return parts.hlsnap.run(*arguments, settings=environment(store.url))


def kind(done):
    return json.loads(done.stdout)["error"]["kind"]


def a_store_that_never_answers(tally, parts):
    with stand_in.Store(stand_in.SILENCE) as store:
        done = put(parts, store, "--timeout", "3")
    refused(tally, "a store that never answers", done)
    tally.equal("a store that never answers: kind", kind(done), "output")
    tally.check("a store that never answers: it ends with --timeout", 2.5 < done.seconds < 3.6, done.seconds)


def a_store_that_breaks_off(tally, parts):
    whole = parts.hlsnap.picture(parts.origin.url("/vod-ts/master.m3u8"), "jpg")
    cuts = {"its answer's head": stand_in.CUT_IN_HEAD, "its answer's body": stand_in.CUT_IN_BODY, "the upload": stand_in.CUT_IN_UPLOAD}
    for name, cut in cuts.items():
        with stand_in.Store(cut, stand_in.OK) as store:
            done = put(parts, store)
            works = done.returncode == 0 and not done.lines and store.objects == {"/store/a.jpg": whole}
            tally.check(f"a store that once breaks off in {name}: the picture is there", works, (summary(done), store.objects.keys()))
        with stand_in.Store(cut) as store:
            done = put(parts, store, "--timeout", "10")
            refused(tally, f"a store that always breaks off in {name}", done)
            tally.equal(f"a store that always breaks off in {name}: kind", kind(done), "output")
            no_halves = all(body == whole for body in store.objects.values())
            tally.check(f"a store that always breaks off in {name}: no half object", no_halves, store.objects)


def a_store_that_is_busy(tally, parts):
    whole = parts.hlsnap.picture(parts.origin.url("/vod-ts/master.m3u8"), "jpg")
    with stand_in.Store(stand_in.SLOW_DOWN, stand_in.SLOW_DOWN, stand_in.OK) as store:
        done = put(parts, store)
        tally.check("503 SlowDown twice: exit code 0", done.returncode == 0 and not done.lines, summary(done))
        tally.equal("503 SlowDown twice: three tries", [seen[:2] for seen in store.seen], [("PUT", "/store/a.jpg")] * 3)
        tally.check("503 SlowDown twice: the whole picture at each", all(seen[3] == whole for seen in store.seen), summary(done))
        signed = [seen[2].get("authorization", "").startswith("AWS4-HMAC-SHA256 ") for seen in store.seen]
        tally.equal("503 SlowDown twice: signed each time", signed, [True] * 3)
    with stand_in.Store(stand_in.SLOW_DOWN) as store:
        done = put(parts, store, "--timeout", "10")
        refused(tally, "503 SlowDown for ever", done)
        tally.equal("503 SlowDown for ever: no object", store.objects, {})


def a_role_s_token(tally, parts):
    """Lambda's credentials belong to a role: they have a token besides the two keys."""
    with stand_in.Store(stand_in.OK) as store:
        arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", "s3://store/a.jpg"]
        done = parts.hlsnap.run(*arguments, settings=environment(store.url) | {"AWS_SESSION_TOKEN": "a-token-of-a-role"})
        tally.check("a role's token: exit code 0", done.returncode == 0, summary(done))
        headers = store.seen[0][2]
        signed = "x-amz-security-token" in headers.get("authorization", "")
        tally.equal("a role's token is sent and signed", (headers.get("x-amz-security-token"), signed), ("a-token-of-a-role", True))


def no_credentials(tally, parts):
    with stand_in.Store(stand_in.OK) as store:
        arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", "s3://store/a.jpg", "--timeout", "10"]
        done = parts.hlsnap.run(*arguments, settings={"AWS_ENDPOINT_URL": store.url, "AWS_REGION": REGION})
        refused(tally, "no credentials", done)
        tally.equal("no credentials: no request is sent", store.seen, [])


def a_store_that_is_not_there(tally, parts):
    with stand_in.Store(stand_in.OK) as store:
        url = store.url
    # Nothing listens there any more
    arguments = [parts.origin.url("/vod-ts/master.m3u8"), "-o", "s3://store/a.jpg", "--timeout", "10"]
    refused(tally, "a store that is not there", parts.hlsnap.run(*arguments, settings=environment(url)))


ALL = [
    pictures_and_reports,
    a_live_picture,
    no_clobber,
    a_missing_bucket,
    policies,
    a_store_that_never_answers,
    a_store_that_breaks_off,
    a_store_that_is_busy,
    a_role_s_token,
    no_credentials,
    a_store_that_is_not_there,
]
