"""Iterators of pictures: recordings, live streams, missing moments, closing."""

from __future__ import annotations

import gc
import itertools
import logging
from typing import Callable

import pytest
from conftest import FaultyOrigin, Origin
from frames import number

import hlsnap


def test_a_recording_gives_a_picture_for_each_moment(origin: Origin) -> None:
    pictures = hlsnap.pictures(origin.url("/vod-ts/master.m3u8"), every=1.5, exact=True, variant="small")
    found = [(picture.index, picture.seconds, number(picture.array())) for picture in pictures]
    assert found == [(0, 0.0, 0), (1, 1.5, 37), (2, 3.0, 75), (3, 4.5, 112)]
    assert pictures.missing == []
    assert pictures.report is not None and len(pictures.report["pictures"]) == 4
    assert next(pictures, None) is None


def test_ranges_and_counts_are_those_of_the_command_line(origin: Origin) -> None:
    url = origin.url("/vod-fmp4/master.m3u8")
    assert [one.seconds for one in hlsnap.pictures(url, count=3, width=64)] == [0.0, 2.0, 4.0]
    assert [one.seconds for one in hlsnap.pictures(url, from_=2, for_="3s", every=1, width=64)] == [2.0, 3.0, 4.0]
    assert [one.seconds for one in hlsnap.pictures(url, from_="50%", to=-1, every=1, width=64)] == [3.0, 4.0]


def test_nothing_is_requested_before_the_first_picture(faulty: FaultyOrigin) -> None:
    pictures = hlsnap.pictures(faulty.url("/ladder-ts/v2.m3u8"), every=2)
    assert faulty.requests == []
    with pictures:
        assert next(pictures).index == 0
    assert list(pictures) == []


def test_a_slow_caller_slows_the_work_down(faulty: FaultyOrigin) -> None:
    """Of 150 moments only those are captured that the caller is about to ask for."""
    pictures = hlsnap.pictures(faulty.url("/ladder-ts/v2.m3u8"), every=0.04, exact=True, parallel=1)
    next(pictures)
    assert faulty.requests.count("/ladder-ts/v2-2.ts") == 0
    pictures.close()


def test_moments_without_a_picture_are_skipped_and_named(faulty: FaultyOrigin, caplog: pytest.LogCaptureFixture) -> None:
    url = faulty.url("/gap/ladder-ts/v2.m3u8")
    pictures = hlsnap.pictures(url, every=2, retries=0)
    with caplog.at_level(logging.WARNING, "hlsnap"):
        assert [picture.seconds for picture in pictures] == [0.0, 4.0]
    (missing,) = pictures.missing
    assert (missing.index, missing.seconds, missing.error.kind, missing.error.status) == (1, 2.0, "http_status", 404)
    assert "no picture at 2.0 s" in caplog.text
    with pytest.raises(hlsnap.HttpStatusError):
        list(hlsnap.pictures(url, every=2, retries=0, strict=True))


def test_a_live_stream_gives_pictures_at_its_own_pace(origin: Origin) -> None:
    with hlsnap.pictures(origin.url("/live/master.m3u8"), every=1, width=64) as pictures:
        found = [picture.seconds for picture in itertools.islice(pictures, 4)]
    assert [round(later - earlier, 6) for earlier, later in zip(found, found[1:])] == [1.0, 1.0, 1.0]
    assert list(pictures) == []


def test_dropping_an_iterator_stops_its_work(faulty: FaultyOrigin, until: Callable[[Callable[[], object]], None]) -> None:
    pictures = hlsnap.pictures(faulty.url("/ladder-ts/v2.m3u8"), every=2, parallel=1)
    next(pictures)
    del pictures
    gc.collect()
    hanging = hlsnap.pictures(faulty.url("/hang.m3u8"), every=2)
    job = hanging._state.native.next()
    until(lambda: faulty.hanging == 1)
    del job, hanging
    until(lambda: faulty.hanging == 0)


def test_errors_of_the_stream_are_raised(faulty: FaultyOrigin) -> None:
    pictures = hlsnap.pictures(faulty.url("/status/403/x.m3u8"), retries=0)
    with pytest.raises(hlsnap.HttpStatusError):
        next(pictures)
    assert list(pictures) == []
