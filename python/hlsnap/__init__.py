"""Still pictures out of HLS streams, live or recorded, with few bytes and round trips::

    import hlsnap

    picture = hlsnap.snapshot("https://example.com/live/master.m3u8", at="-10s", width=640)
    picture.save("before.jpg")

:mod:`hlsnap.aio` has the same for asyncio.
"""

from importlib.metadata import version as _version

from . import aio
from ._client import Client, Pictures, inspect, pictures, snapshot
from ._errors import (
    BadPlaylistError,
    EncryptedError,
    Error,
    HttpStatusError,
    InternalError,
    NotAllowedError,
    NotFoundError,
    NoVideoError,
    OutputError,
    PartialError,
    TimeoutError,
    TooLargeError,
    UndecodableError,
    UnreachableError,
    UnsupportedError,
    UsageError,
    VerdictError,
)
from ._picture import Picture
from ._series import MissingPicture

__version__ = _version("hlsnap")

__all__ = [
    "BadPlaylistError",
    "Client",
    "EncryptedError",
    "Error",
    "HttpStatusError",
    "InternalError",
    "MissingPicture",
    "NoVideoError",
    "NotAllowedError",
    "NotFoundError",
    "OutputError",
    "PartialError",
    "Picture",
    "Pictures",
    "TimeoutError",
    "TooLargeError",
    "UndecodableError",
    "UnreachableError",
    "UnsupportedError",
    "UsageError",
    "VerdictError",
    "aio",
    "inspect",
    "pictures",
    "snapshot",
]
