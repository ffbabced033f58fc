"""The asynchronous forms, and cancellation."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Coroutine

import pytest
from conftest import FaultyOrigin, Origin
from frames import number

import hlsnap


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


def test_pictures_are_taken_at_the_same_time(origin: Origin) -> None:
    async def work() -> list[int]:
        urls = [(origin.url("/vod-ts/master.m3u8"), second) for second in range(6)]
        taken = await asyncio.gather(*(hlsnap.aio.snapshot(url, at=second, variant="small") for url, second in urls))
        return [number(picture.array()) for picture in taken]

    assert run(work()) == [0, 25, 50, 75, 100, 125]


def test_the_other_forms_are_those_of_the_package(origin: Origin) -> None:
    async def work() -> tuple[Any, ...]:
        url = origin.url("/vod-ts/master.m3u8")
        client = hlsnap.aio.Client(timeout=30)
        numbers = []
        async with client.pictures(url, every=2, variant="small") as pictures:
            async for picture in pictures:
                numbers.append(number(picture.array()))
        inspection = await hlsnap.aio.inspect(url)
        shared = [picture.seconds async for picture in hlsnap.aio.pictures(url, every=3, width=64)]
        assert pictures.report is not None and pictures.missing == []
        return numbers, len(inspection["multivariant"]["variants"]), shared, pictures.report["kind"]

    assert run(work()) == ([0, 50, 100], 3, [0.0, 3.0], "series")


def test_errors_are_raised_in_the_task(faulty: FaultyOrigin) -> None:
    async def work() -> None:
        await hlsnap.aio.snapshot(faulty.url("/status/410/x.m3u8"))

    with pytest.raises(hlsnap.HttpStatusError):
        run(work())
    with pytest.raises(hlsnap.UsageError):
        run(hlsnap.aio.snapshot("http://127.0.0.1:1/", nonsense=1))  # type: ignore[call-arg]


def test_cancelling_a_task_closes_its_connections(faulty: FaultyOrigin, until: Callable[[Callable[[], object]], None]) -> None:
    async def work() -> None:
        snapshot = asyncio.ensure_future(hlsnap.aio.snapshot(faulty.url("/hang.m3u8"), timeout=3600))
        pictures = hlsnap.aio.pictures(faulty.url("/hang2.m3u8"), timeout=3600)
        following = asyncio.ensure_future(pictures.__anext__())
        while faulty.hanging < 2:
            await asyncio.sleep(0.01)
        for task in (snapshot, following):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        with pytest.raises(StopAsyncIteration):
            await pictures.__anext__()

    run(work())
    until(lambda: faulty.hanging == 0)


def test_the_loop_goes_on_while_a_picture_is_taken(faulty: FaultyOrigin) -> None:
    async def work() -> int:
        task = asyncio.ensure_future(hlsnap.aio.snapshot(faulty.url("/hang.m3u8"), timeout=1))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        with pytest.raises(hlsnap.TimeoutError):
            await task
        return turns

    assert run(work()) > 20
