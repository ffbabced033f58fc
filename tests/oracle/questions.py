"""Draws questions about a stream, runs the program, and judges its answers by the model."""
from __future__ import annotations

import json
import random
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

import picture
from model import NO_FRAME, Expected, Model

LIMIT_S = 30.0
KINDS = {2: "usage", 10: "not_allowed", 11: "unreachable", 12: "http_status", 13: "timeout", 14: "too_large", 20: "bad_playlist", 21: "no_video",
         22: "not_found", 23: "encrypted", 24: "undecodable", 25: "unsupported", 30: "output", 40: "verdict", 50: "partial", 70: "internal"}
RIGHT, WRONG_PICTURE, WRONG_REPORT, REFUSED, CRASH, HANG = "right", "WRONG-PICTURE", "WRONG-REPORT", "REFUSED", "CRASH", "HANG"
TRIES = 200  # to find a moment well within the interval of a frame


@dataclass
class Question:
    """Options of the command line, and the expected answers."""
    options: list[str]
    expected: Expected


@dataclass
class Verdict:
    name: str
    kind: str  # of an error
    got: str


def draw(model: Model, rng: random.Random) -> Question:
    """One question that the model can answer."""
    for _ in range(TRIES):
        question = _draw(model, rng)
        if question:
            return question
    return Question(["--at", "start"], model.at_start())


def _draw(model: Model, rng: random.Random) -> Question | None:
    stream = model.stream
    if not model.frames:
        return Question(["--at", "start"], Expected(errors=set(NO_FRAME | {"no_video"})))
    weights = {"moment": 10, "start": 1, "percent": 1, "key percent": 1, "back": 1.5, "date": 2 * (stream.dates != "none"), "key": 2, "live": 2 * stream.live, "newest": 2 * stream.live}
    form = rng.choices(list(weights), list(weights.values()))[0]
    if form == "start":
        return Question(["--at", "start"], model.at_start())
    if form == "live":
        return Question(["--at", "live"], model.live_key())
    if form == "newest":
        return Question(["--at", "live", "--exact"], model.newest())
    moment = _moment(model, rng)
    if moment > model.total:  # durations that are rounded down may end before the media
        return None
    spelled = Fraction(f"{float(moment):.4f}")
    options = ["--at", f"{float(spelled):.4f}"]
    if form in ("percent", "key percent"):
        percent = round(float(moment / model.total * 100), 2)
        if not 0 <= percent <= 100:
            return None
        spelled, options = model.total * Fraction(str(percent)) / 100, ["--at", f"{percent}%"]
    if form == "back":
        back = Fraction(f"{float(model.total - moment):.3f}")
        if back <= 0:
            return None
        spelled, options = model.total - back, ["--at", f"-{float(back):.3f}s"]
    expected = None
    if form == "date":
        spelled = Fraction(round(moment * 10000), 10000)
        options = ["--at", model.date(spelled)]
    if form in ("key percent", "key"):
        if stream.coding.refresh or stream.mp4.trim or not model.key_is_clear(spelled):
            return None
        expected = model.key_at(spelled)
        options += ["--key-frame"]
    elif not model.is_clear(spelled):
        return None
    else:
        expected = model.exactly(spelled)
    if stream.delivery == "file" and form in ("percent", "key percent", "back"):
        # A file may have no duration
        expected.errors.add("unsupported")
    return Question(options, expected)


def _moment(model: Model, rng: random.Random) -> Fraction:
    if rng.random() < 0.3:
        return model.total * rng.randrange(0, 10000) / 10000
    frame = rng.choice(model.frames)
    length = frame.end - frame.start
    return max(Fraction(0), frame.start + length * rng.randrange(30, 71) / 100)


def ask(tool: str, url: str, question: Question, model: Model) -> Verdict:
    """Runs the program and judges the result."""
    with tempfile.TemporaryDirectory() as folder:
        command = [tool, url, *question.options, "-o", "picture.png", "--json", "--timeout", "20"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return Verdict(HANG, "hang", f"still running after {LIMIT_S:.0f} s")
        return _judge(done, Path(folder, "picture.png"), question.expected, model)


def failure(done: subprocess.CompletedProcess) -> Verdict | None:
    """The verdict on a run that failed, as if nothing justified it; None for exit status 0."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    message = lines[-1][:200] if lines else ""
    if done.returncode < 0:
        return Verdict(CRASH, "crash", f"killed by {signal.Signals(-done.returncode).name}")
    if done.returncode in (70, 101) or done.returncode >= 128:
        return Verdict(CRASH, "crash", f"exit {done.returncode}: {message}")
    if done.returncode:
        kind = KINDS.get(done.returncode, str(done.returncode))
        return Verdict(REFUSED, kind, message)
    return None


def _judge(done: subprocess.CompletedProcess, path: Path, expected: Expected, model: Model) -> Verdict:
    failed = failure(done)
    if failed:
        return Verdict(RIGHT, failed.kind, failed.got) if failed.name == REFUSED and failed.kind in expected.errors else failed
    try:
        report = json.loads(done.stdout)
        frame, segment = report["frame"], report["segment"] or {}
        with Image.open(path) as image:
            number, fault = picture.read(image)
    except (ValueError, KeyError, TypeError, OSError) as error:
        return Verdict(WRONG_REPORT, "", f"exit 0, but {type(error).__name__}: {error}")
    presentation, msn = frame.get("presentation_seconds"), segment.get("media_sequence_number")
    got = f"frame {number} at {presentation} s" if number is not None else fault
    if number not in expected.numbers:
        return Verdict(WRONG_PICTURE, "", got)
    fault = model.report_fault(number, presentation, msn)
    return Verdict(WRONG_REPORT, "", fault) if fault else Verdict(RIGHT, "", got)
