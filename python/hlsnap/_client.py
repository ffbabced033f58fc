"""Clients, whose calls wait, and the functions that use the shared one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _native
from ._errors import VerdictError
from ._picture import Picture
from ._series import MissingPicture, SeriesState
from ._values import split_compare, to_json, url_text

if TYPE_CHECKING:
    import os

    from typing_extensions import Self, Unpack

    from .options import ClientOptions, InspectOptions, PicturesOptions, SnapshotOptions

    URL = Union[str, os.PathLike[str]]


class BaseClient:
    """The jobs of a client."""

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._native = _native.Client(to_json(options))

    def _snapshot(self, url: URL, options: dict[str, Any]) -> _native.Job[_native.Picture]:
        compare = split_compare(options)
        return self._native.snapshot(url_text(url), to_json(options), compare)

    def _pictures(self, url: URL, options: dict[str, Any]) -> SeriesState:
        compare = split_compare(options)
        return SeriesState(self._native.series(url_text(url), to_json(options), compare))

    def _inspect(self, url: URL, options: dict[str, Any]) -> _native.Job[str]:
        return self._native.inspect(url_text(url), to_json(options))


def checked(picture: Picture, options: dict[str, Any]) -> Picture:
    """The picture, unless it is what ``fail_on`` lists."""
    failed = picture.report["verdict"].get("failed") if options.get("fail_on") else None
    if failed:
        error = VerdictError(f"the picture is {' and '.join(failed)}", hint="the exception's picture attribute holds it")
        error.picture = picture
        raise error
    return picture


class Pictures(Iterator[Picture]):
    """Pictures at a regular interval, taken one by one as they are asked for. Closing it stops the work."""

    def __init__(self, state: SeriesState) -> None:
        self._state = state

    @property
    def missing(self) -> list[MissingPicture]:
        """The moments without a picture until now, at most the last 1000. Each is logged as a warning of ``hlsnap`` too."""
        self._state.read_messages()
        return list(self._state.missing)

    @property
    def report(self) -> Optional[dict[str, Any]]:
        """The report on all pictures, after the last one."""
        return self._state.report

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Picture:
        if self._state.is_closed:
            raise StopIteration
        try:
            picture = self._state.accept(self._state.native.next().wait())
        except BaseException:
            self.close()
            raise
        if picture is None:
            raise StopIteration
        return picture

    def close(self) -> None:
        """Stops the work. The iterator then has no further pictures."""
        self._state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()


class Client(BaseClient):
    """Connections that stay open, and options that hold for all requests.

    The functions of the package share one client. Make another one for other options of the connections::

        client = hlsnap.Client(proxy="http://proxy:3128", user_agent="thumbnails/1.0", timeout=5)
        picture = client.snapshot(url)

    For URLs of strangers give ``allow_private=False``: then neither private addresses nor local files are read.
    """

    def snapshot(self, url: URL, **options: Unpack[SnapshotOptions]) -> Picture:
        """Takes a picture: see :func:`hlsnap.snapshot`."""
        given: dict[str, Any] = dict(options)
        return checked(Picture(self._snapshot(url, given.copy()).wait()), given)

    def pictures(self, url: URL, **options: Unpack[PicturesOptions]) -> Pictures:
        """Takes pictures at a regular interval: see :func:`hlsnap.pictures`."""
        return Pictures(self._pictures(url, dict(options)))

    def inspect(self, url: URL, **options: Unpack[InspectOptions]) -> dict[str, Any]:
        """Reads the playlists: see :func:`hlsnap.inspect`."""
        inspection: dict[str, Any] = json.loads(self._inspect(url, dict(options)).wait())
        return inspection


_shared: Optional[Client] = None


def shared() -> Client:
    """The client of this process."""
    global _shared
    if _shared is None:
        _shared = Client()
    return _shared


def snapshot(url: URL, **options: Unpack[SnapshotOptions]) -> Picture:
    """Takes a picture of a stream.

    The options have the names of the command line, with ``_`` for ``-``::

        hlsnap.snapshot(url)                                # the newest picture of a live stream
        hlsnap.snapshot(url, at="1:30", format="png")       # the exact frame at 1 min 30 s
        hlsnap.snapshot(url, at=-10, width=640)             # 10 s before the live edge

    Raises a subclass of :class:`hlsnap.Error`.
    """
    return shared().snapshot(url, **options)


def pictures(url: URL, **options: Unpack[PicturesOptions]) -> Pictures:
    """Takes pictures at a regular interval: of a recording as fast as they are asked for, of a live stream at its own pace::

        for picture in hlsnap.pictures(url, every=10):
            print(picture.seconds, picture.report["verdict"]["sharpness"])

    ``from_`` and ``for_`` are the options ``--from`` and ``--for``. Moments without a picture are skipped, unless ``strict`` is set.
    """
    return shared().pictures(url, **options)


def inspect(url: URL, **options: Unpack[InspectOptions]) -> dict[str, Any]:
    """Reads the playlists alone: Variants, segments, codecs, encryption, live edge. The result is that of ``hlsnap inspect --json``."""
    return shared().inspect(url, **options)
