"""The same for asyncio. Cancelling a task stops its job, and closing an iterator stops its work::

    picture = await hlsnap.aio.snapshot(url, width=640)

    async with hlsnap.aio.pictures(url, every=10) as pictures:
        async for picture in pictures:
            ...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from . import _native
from ._client import BaseClient, checked
from ._client import shared as _shared
from ._picture import Picture
from ._series import MissingPicture, SeriesState

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._client import URL
    from .options import InspectOptions, PicturesOptions, SnapshotOptions

__all__ = ["Client", "Pictures", "inspect", "pictures", "snapshot"]

_Result = TypeVar("_Result")


async def _finished(job: _native.Job[_Result]) -> _Result:
    """Waits for a job, and cancels it if the task is cancelled."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not finished.done():
            finished.set_result(None)

    def on_another_thread() -> None:
        # The loop may be closed by now
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(wake)

    job.notify(on_another_thread)
    try:
        await finished
    except BaseException:
        job.cancel()
        raise
    return job.result()


class Pictures(AsyncIterator[Picture]):
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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Picture:
        if self._state.is_closed:
            raise StopAsyncIteration
        try:
            picture = self._state.accept(await _finished(self._state.native.next()))
        except BaseException:
            self._state.close()
            raise
        if picture is None:
            raise StopAsyncIteration
        return picture

    async def aclose(self) -> None:
        """Stops the work. The iterator then has no further pictures."""
        self._state.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.aclose()


class Client(BaseClient):
    """As :class:`hlsnap.Client`, for asyncio."""

    async def snapshot(self, url: URL, **options: Unpack[SnapshotOptions]) -> Picture:
        """Takes a picture: see :func:`hlsnap.snapshot`."""
        return await _snapshot(self, url, dict(options))

    def pictures(self, url: URL, **options: Unpack[PicturesOptions]) -> Pictures:
        """Takes pictures at a regular interval: see :func:`hlsnap.pictures`."""
        return Pictures(self._pictures(url, dict(options)))

    async def inspect(self, url: URL, **options: Unpack[InspectOptions]) -> dict[str, Any]:
        """Reads the playlists: see :func:`hlsnap.inspect`."""
        return await _inspect(self, url, dict(options))


async def _snapshot(client: BaseClient, url: URL, options: dict[str, Any]) -> Picture:
    return checked(Picture(await _finished(client._snapshot(url, options.copy()))), options)


async def _inspect(client: BaseClient, url: URL, options: dict[str, Any]) -> dict[str, Any]:
    inspection: dict[str, Any] = json.loads(await _finished(client._inspect(url, options)))
    return inspection


async def snapshot(url: URL, **options: Unpack[SnapshotOptions]) -> Picture:
    """Takes a picture: see :func:`hlsnap.snapshot`."""
    return await _snapshot(_shared(), url, dict(options))


def pictures(url: URL, **options: Unpack[PicturesOptions]) -> Pictures:
    """Takes pictures at a regular interval: see :func:`hlsnap.pictures`."""
    return Pictures(_shared()._pictures(url, dict(options)))


async def inspect(url: URL, **options: Unpack[InspectOptions]) -> dict[str, Any]:
    """Reads the playlists: see :func:`hlsnap.inspect`."""
    return await _inspect(_shared(), url, dict(options))
