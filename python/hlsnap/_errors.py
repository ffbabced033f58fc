"""The exceptions: one class for each kind of error."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, ClassVar, Optional

from . import _native

if TYPE_CHECKING:
    from ._picture import Picture


class Error(Exception):
    """A failure. Its text is a single line: what happened, where, and what to do."""

    #: The kind, as in the command line's messages and reports.
    kind: ClassVar[str] = ""
    #: The exit code of the command line.
    exit_code: ClassVar[int] = 70

    def __init__(
        self, message: str, url: Optional[str] = None, status: Optional[int] = None, hint: Optional[str] = None
    ) -> None:
        super().__init__(message)
        #: What happened, without URL and hint.
        self.message = message
        #: The URL that failed, without secrets.
        self.url = url
        #: The HTTP status of the origin's answer.
        self.status = status
        #: What to do.
        self.hint = hint

    def __str__(self) -> str:
        line = self.message
        if self.url is not None:
            line = f"{line}, {self.url}"
        if self.hint is not None:
            line = f"{line}; {self.hint}"
        return " ".join(line.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Workers of multiprocessing pass exceptions on
        return (type(self), (self.message, self.url, self.status, self.hint))


class UsageError(Error, ValueError):
    """The request is invalid: an unknown option, a malformed value or URL."""

    kind = "usage"


class NotAllowedError(Error, PermissionError):
    """The policy forbids it: the host, the scheme, a private address."""

    kind = "not_allowed"


class UnreachableError(Error, ConnectionError):
    """DNS, connect, TLS, reset, or a truncated body."""

    kind = "unreachable"


class HttpStatusError(Error):
    """The origin answered 4xx or 5xx: ``status``."""

    kind = "http_status"


class TimeoutError(Error, builtins.TimeoutError):
    """The deadline passed, or the origin stalled."""

    kind = "timeout"


class TooLargeError(Error):
    """A limit on bytes, requests, pixels, entries or redirects is exceeded."""

    kind = "too_large"


class BadPlaylistError(Error):
    """The playlist is not HLS, or too damaged to read."""

    kind = "bad_playlist"


class NoVideoError(Error):
    """The stream has only audio or subtitles, or no Variant can be decoded."""

    kind = "no_video"


class NotFoundError(Error, LookupError):
    """Nothing exists at the requested time, or the playlist holds no segments but gaps."""

    kind = "not_found"


class EncryptedError(Error):
    """DRM, or a key that is missing, of the wrong size or wrong."""

    kind = "encrypted"


class UndecodableError(Error):
    """No clean frame could be decoded."""

    kind = "undecodable"


class UnsupportedError(Error):
    """A codec or feature that this build lacks."""

    kind = "unsupported"


class OutputError(Error, OSError):
    """The picture cannot be written. No partial file is left."""

    kind = "output"


class VerdictError(Error):
    """The picture is what ``fail_on`` lists. ``picture`` holds it."""

    kind = "verdict"

    #: The picture, as it was taken.
    picture: Optional[Picture] = None

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"picture": self.picture})


class PartialError(Error):
    """Some of many pictures could not be had."""

    kind = "partial"


class InternalError(Error, RuntimeError):
    """A bug in hlsnap."""

    kind = "internal"


_CLASSES: dict[str, type[Error]] = {one.kind: one for one in Error.__subclasses__()}

for _kind, _exit_code in _native.kinds():
    _CLASSES[_kind].exit_code = _exit_code


def from_native(kind: str, message: str, url: Optional[str], status: Optional[int], hint: Optional[str]) -> Error:
    """The exception of a kind."""
    return _CLASSES.get(kind, InternalError)(message, url, status, hint)
