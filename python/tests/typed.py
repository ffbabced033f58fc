"""What the type checkers must accept, and what they must reject: each `type: ignore` is needed, else they complain."""

from __future__ import annotations

import datetime
from typing import Any

import numpy

import hlsnap


def accepted(url: str) -> None:
    picture: hlsnap.Picture = hlsnap.snapshot(url, at="-10s", width=640)
    hlsnap.snapshot(url, at=datetime.timedelta(seconds=-10), header={"A": "1"}, best=True, format="png", width=None)
    data: bytes = picture.bytes
    report: dict[str, Any] = picture.report
    pixels: numpy.ndarray[Any, numpy.dtype[numpy.uint8]] = picture.array()
    for one in hlsnap.pictures(url, every=10, from_="1:30"):
        seconds: float | None = one.seconds
        print(seconds)
    hlsnap.Client(proxy="http://proxy:3128", timeout=5).inspect(url)
    print(data, report, pixels)


async def accepted_async(url: str) -> None:
    picture: hlsnap.Picture = await hlsnap.aio.snapshot(url, width=640)
    async for one in hlsnap.aio.pictures(url, every=datetime.timedelta(seconds=10)):
        print(one.width, picture)


def rejected(url: str) -> None:
    hlsnap.snapshot(url, widht=640)  # type: ignore[call-arg]
    hlsnap.snapshot(url, width="wide")  # type: ignore[arg-type]
    hlsnap.snapshot(url, every=10)  # type: ignore[call-arg]
    hlsnap.pictures(url, at=10)  # type: ignore[call-arg]
    hlsnap.Client(width=10)  # type: ignore[call-arg]
