"""Threads, signals, forks and memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest
from conftest import FIXTURES, FaultyOrigin, Origin
from frames import number

import hlsnap

PICTURES_WITHOUT_GROWTH = int(os.environ.get("HLSNAP_TEST_PICTURES", "200"))


def test_ten_threads_take_pictures_at_once(origin: Origin) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda second: number(hlsnap.snapshot(url, at=second % 6, variant="small").array()), range(40)))
    assert found == [25 * (second % 6) for second in range(40)]


def test_other_threads_run_while_a_call_waits(faulty: FaultyOrigin, until: Callable[[Callable[[], object]], None]) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            hlsnap.snapshot(faulty.url("/hang.m3u8"), timeout=2)
        except hlsnap.TimeoutError as error:
            caught.append(error)

    waiting = threading.Thread(target=work)
    waiting.start()
    # This thread runs Python code while the other one is inside the call
    until(lambda: faulty.hanging == 1)
    count = sum(1 for _ in range(100_000))
    assert count == 100_000 and waiting.is_alive()
    waiting.join()
    assert len(caught) == 1


def test_no_gil_is_held_while_pixels_are_rendered(origin: Origin) -> None:
    picture = hlsnap.snapshot(origin.url("/vod-ts/master.m3u8"))
    with ThreadPoolExecutor(4) as pool:
        arrays = list(pool.map(lambda _: picture.array().tobytes(), range(16)))
    assert len(set(arrays)) == 1


def interrupted(program: str, faulty: FaultyOrigin, until: Callable[[Callable[[], object]], None]) -> "subprocess.Popen[str]":
    """Starts a program whose call hangs, and sends SIGINT."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: faulty.hanging == 1 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    return process


@pytest.mark.parametrize(
    "call",
    ["hlsnap.snapshot({url!r}, timeout=3600)", "hlsnap.inspect({url!r}, timeout=3600)", "next(hlsnap.pictures({url!r}))"],
)
def test_sigint_interrupts_a_call(call: str, faulty: FaultyOrigin, until: Callable[[Callable[[], object]], None]) -> None:
    program = f"""
        import hlsnap, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            {call.format(url=faulty.url("/hang.m3u8"))}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            hlsnap.inspect({str(FIXTURES / "ladder-ts/v2.m3u8")!r})
            print("usable")
    """
    process = interrupted(program, faulty, until)
    out, err = process.communicate(timeout=30)
    assert (out.split(), process.returncode) == (["interrupted", "usable"], 0), err
    until(lambda: faulty.hanging == 0)


def test_a_program_may_end_while_jobs_run(faulty: FaultyOrigin) -> None:
    program = f"""
        import asyncio, hlsnap, threading
        hang = {faulty.url("/hang.m3u8")!r}
        threading.Thread(target=hlsnap.snapshot, args=(hang,), kwargs=dict(timeout=3600), daemon=True).start()
        pictures = hlsnap.pictures({str(FIXTURES / "ladder-ts/v2.m3u8")!r}, every=0.04)
        next(pictures)
        job = hlsnap.Client()._snapshot(hang, {{}})
        job.notify(lambda: None)
        print("done")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def _number_in_child(url: str) -> int:
    return number(hlsnap.snapshot(url, at=2, variant="small").array())


def _all_in_child(url: str) -> "list[str]":
    """What a child can do with its parent's objects."""
    found = []
    for call in (lambda: next(PARENTS["pictures"]), lambda: PARENTS["job"].wait(), lambda: PARENTS["client"].snapshot(url, width=64)):
        try:
            found.append(type(call()).__name__)
        except hlsnap.UsageError as error:
            found.append("forked from" if "forked from" in str(error) else str(error))
    return found


PARENTS: "dict[str, Any]" = {}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_children_take_pictures_too(origin: Origin, faulty: FaultyOrigin) -> None:
    url = origin.url("/vod-ts/master.m3u8")
    assert _number_in_child(url) == 50
    # Jobs of this process are running at the fork
    PARENTS["client"] = hlsnap.Client()
    PARENTS["pictures"] = hlsnap.pictures(url, every=0.04)
    next(PARENTS["pictures"])
    PARENTS["job"] = PARENTS["client"]._snapshot(faulty.url("/hang.m3u8"), {"timeout": 3600})
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        assert pool.map(_number_in_child, [url] * 8) == [50] * 8
        assert pool.apply(_all_in_child, (url,)) == ["forked from", "forked from", "Picture"]
    # And this process goes on
    assert next(PARENTS["pictures"]).index == 1
    PARENTS["pictures"].close()
    PARENTS["job"].cancel()
    assert _number_in_child(url) == 50


def test_spawned_children_return_pictures_and_exceptions(origin: Origin, faulty: FaultyOrigin) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(hlsnap.snapshot, (origin.url("/vod-ts/master.m3u8"),), {"width": 64}).width == 64
        with pytest.raises(hlsnap.HttpStatusError) as raised:
            pool.apply(hlsnap.snapshot, (faulty.url("/status/404/a.m3u8"),))
        assert raised.value.status == 404


def resident_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_memory_does_not_grow(origin: Origin) -> None:
    url = origin.url("/vod-ts/master.m3u8")

    def take(count: int) -> int:
        for _ in range(count):
            hlsnap.snapshot(url, at=3, variant="small").array()
        return resident_kib()

    warm = take(max(50, PICTURES_WITHOUT_GROWTH // 4))
    grown = take(PICTURES_WITHOUT_GROWTH) - warm
    # A frame is 54 KiB
    assert grown < 20 * PICTURES_WITHOUT_GROWTH, f"{grown} KiB in {PICTURES_WITHOUT_GROWTH} pictures"
    print(f"{PICTURES_WITHOUT_GROWTH} pictures: {warm} KiB, then {grown:+} KiB")
