"""Each kind of error is an exception class."""

from __future__ import annotations

import builtins
import pickle
import socket
from typing import Any, Callable

import pytest
from conftest import FIXTURES, FaultyOrigin, Origin

import hlsnap
from hlsnap import _native


def test_each_kind_has_a_class_with_its_exit_code() -> None:
    classes = {one.kind: one for one in hlsnap.Error.__subclasses__()}
    assert {kind: one.exit_code for kind, one in classes.items()} == dict(_native.kinds())
    assert all(getattr(hlsnap, one.__name__) is one and one.__name__ in hlsnap.__all__ for one in classes.values())


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


FAULTS: dict[type[hlsnap.Error], Callable[[FaultyOrigin, Origin], Any]] = {
    hlsnap.UsageError: lambda faulty, origin: hlsnap.snapshot("ftp://host/x.m3u8"),
    hlsnap.NotAllowedError: lambda faulty, origin: hlsnap.Client(allow_private=False).snapshot(faulty.url("/ladder-ts/v0.m3u8")),
    hlsnap.UnreachableError: lambda faulty, origin: hlsnap.snapshot(f"http://127.0.0.1:{closed_port()}/x.m3u8", retries=0),
    hlsnap.HttpStatusError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/status/404/x.m3u8?token=secret")),
    hlsnap.TimeoutError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/hang.m3u8"), timeout=0.5),
    hlsnap.TooLargeError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/ladder-ts/v0.m3u8"), max_bytes=1000),
    hlsnap.BadPlaylistError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/page.m3u8")),
    hlsnap.NoVideoError: lambda faulty, origin: hlsnap.snapshot(origin.url("/audio-aac/index.m3u8")),
    hlsnap.NotFoundError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/empty.m3u8")),
    hlsnap.EncryptedError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/fairplay.m3u8")),
    hlsnap.UndecodableError: lambda faulty, origin: hlsnap.snapshot(origin.url("/broken/noise.m3u8")),
    hlsnap.UnsupportedError: lambda faulty, origin: hlsnap.snapshot(faulty.url("/codec.m3u8")),
    hlsnap.OutputError: lambda faulty, origin: hlsnap.snapshot(FIXTURES / "ladder-ts/v2.m3u8").save("/no/such/folder/a.jpg"),
    hlsnap.VerdictError: lambda faulty, origin: hlsnap.snapshot(FIXTURES / "dull/black.ts", fail_on="black"),
}


@pytest.mark.parametrize("wanted", FAULTS, ids=lambda one: one.kind)
def test_each_fault_raises_its_exception(wanted: type[hlsnap.Error], faulty: FaultyOrigin, origin: Origin) -> None:
    with pytest.raises(hlsnap.Error) as raised:
        FAULTS[wanted](faulty, origin)
    error = raised.value
    assert type(error) is wanted
    assert error.message and "\n" not in str(error) and error.message.split()[0] in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args, str(copy), copy.url, copy.status) == (wanted, error.args, str(error), error.url, error.status)


def test_an_error_says_what_and_where_and_what_to_do(faulty: FaultyOrigin) -> None:
    with pytest.raises(hlsnap.HttpStatusError) as raised:
        hlsnap.snapshot(faulty.url("/status/404/x.m3u8?token=secret"))
    error = raised.value
    assert (error.kind, error.exit_code, error.status) == ("http_status", 12, 404)
    assert error.url == faulty.url("/status/404/x.m3u8?...")
    assert error.hint and str(error) == f"{error.message}, {error.url}; {error.hint}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (hlsnap.TimeoutError, builtins.TimeoutError),
        (hlsnap.UsageError, ValueError),
        (hlsnap.UnreachableError, ConnectionError),
        (hlsnap.NotAllowedError, PermissionError),
        (hlsnap.NotFoundError, LookupError),
        (hlsnap.OutputError, OSError),
    ],
)
def test_exceptions_are_also_what_python_has_for_them(one: type[hlsnap.Error], other: type[Exception]) -> None:
    error = one("it failed", hint="do something")
    assert isinstance(error, other) and isinstance(error, hlsnap.Error)
    assert str(error) == "it failed; do something"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 320}, "the option \"widht\" is not known; use the names of the command line's options"),
        ({"every": 10}, "does not apply here"),
        ({"proxy": "http://127.0.0.1:1"}, "give it to the client"),
        ({"output": "a.jpg"}, "save the picture instead"),
        ({"width": 0}, 'width "0" is not a number from 1 to 65500'),
        ({"quality": 1.5}, "is not a number from 1 to 100"),
        ({"at": "yesterday"}, '--at "yesterday" is not a moment'),
        ({"exact": True, "key_frame": True}, "exclude each other"),
        ({"at": float("nan")}, "give a finite number"),
        ({"at": object()}, "at is a object"),
        ({"header": {"A": 1}}, "header holds more than text"),
        ({"header": "no colon"}, "a --header has no colon"),
    ],
)
def test_wrong_options_are_usage_errors_before_any_request(options: Any, message: str, faulty: FaultyOrigin) -> None:
    with pytest.raises(hlsnap.UsageError) as raised:
        hlsnap.snapshot(faulty.url("/ladder-ts/master.m3u8"), **options)
    assert message in str(raised.value)
    assert faulty.requests == []


def test_options_of_pictures_and_clients_are_checked_at_once() -> None:
    with pytest.raises(hlsnap.UsageError, match="hlsnap series --help"):
        hlsnap.pictures("http://127.0.0.1:1/", at=3)
    with pytest.raises(hlsnap.UsageError, match="give it to each call"):
        hlsnap.Client(width=3)
    with pytest.raises(hlsnap.UsageError, match="cacert|certificate|/no/such/file"):
        hlsnap.Client(cacert="/no/such/file")
    with pytest.raises(hlsnap.UsageError, match="neither text nor a path"):
        hlsnap.snapshot(3)  # type: ignore[arg-type]


def test_strangers_may_not_name_local_files() -> None:
    client = hlsnap.Client(allow_private=False)
    for url in (FIXTURES / "ladder-ts/v2.m3u8", f"file://{FIXTURES}/ladder-ts/v2.m3u8"):
        with pytest.raises(hlsnap.NotAllowedError):
            client.snapshot(url)
        with pytest.raises(hlsnap.NotAllowedError):
            client.pictures(url)


def test_a_picture_that_fails_its_check_is_in_the_exception() -> None:
    with pytest.raises(hlsnap.VerdictError, match="the picture is black") as raised:
        hlsnap.snapshot(FIXTURES / "dull/black.ts", fail_on="black,frozen")
    picture = raised.value.picture
    assert picture is not None and picture.array().max() < 8
    assert pickle.loads(pickle.dumps(raised.value)).picture.bytes == picture.bytes
