"""examples/lambda_function.py, called by AWS's own runtime client, which cargo-lambda's emulator of the Runtime API drives."""

from __future__ import annotations

import base64
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Iterator

import boto3
import pytest
from conftest import ROOT, Origin
from frames import decoded, number

# The emulators that tests/parts uses
sys.path.append(str(ROOT / "tests" / "parts"))
import programs  # noqa: E402

BUCKET = "pictures"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    tools = Path(os.environ["HLSNAP_TEST_TOOLS"])
    with (
        closing(programs.Moto(tools)) as moto,
        closing(programs.Emulator(tools, tmp_path_factory.mktemp("emulator") / "project")) as emulator,
    ):
        moto.wait()
        emulator.wait()
        settings = {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": moto.url,
            "LAMBDA_TASK_ROOT": str(ROOT / "examples"),
            "_HANDLER": "lambda_function.handler",
        }
        command = [sys.executable, "-B", "-m", "awslambdaric", "lambda_function.handler"]
        yield moto, command, emulator, settings


@pytest.fixture
def function(parts: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    _, command, emulator, settings = parts
    monkeypatch.chdir(ROOT / "examples")
    with closing(programs.Function(command, emulator, settings)) as one:
        yield one


def test_the_picture_comes_back_in_base64(function: Any, origin: Origin) -> None:
    for at, wanted in ((3, 75), ("-1s", 125)):
        status, answer = function.invoke({"url": origin.url("/vod-ts/master.m3u8"), "at": at, "width": 320})
        assert status == 200, answer
        picture = decoded(base64.b64decode(answer["image_base64"]))
        assert (picture.shape, number(picture), answer["format"]) == ((180, 320, 3), wanted, "jpeg")


def test_the_picture_goes_to_s3(function: Any, parts: Any, origin: Origin) -> None:
    s3 = boto3.client(
        "s3", endpoint_url=parts[0].url, region_name=programs.REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )
    s3.create_bucket(Bucket=BUCKET)
    event = {"url": origin.url("/live/master.m3u8"), "bucket": BUCKET, "key": "live.jpg"}
    status, answer = function.invoke(event)
    assert status == 200 and answer["live"] is True, answer
    stored = s3.get_object(Bucket=BUCKET, Key="live.jpg")
    assert stored["ContentType"] == "image/jpeg"
    assert decoded(stored["Body"].read()).shape == (360, 640, 3)


def test_an_error_is_lambdas_error_type(function: Any) -> None:
    status, answer = function.invoke({"url": "http://127.0.0.1:1/x.m3u8"})
    assert (answer["errorType"], "http://127.0.0.1:1/x.m3u8" in answer["errorMessage"]) == ("UnreachableError", True), (status, answer)
