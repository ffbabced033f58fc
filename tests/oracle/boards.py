"""Draws questions about many pictures of a stream, runs the program, and judges each tile by the model."""
from __future__ import annotations

import json
import math
import random
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

import picture
from model import NO_FRAME, Expected, Model
from questions import CRASH, HANG, REFUSED, RIGHT, WRONG_PICTURE, WRONG_REPORT, Verdict, failure

LIMIT_S = 60.0
SHARE = 0.12  # of all questions
MOST_TILES = 24
ROUNDING = Fraction(1, 10**6)
PARTIAL = "partial"


@dataclass
class Board:
    """Options of the command line, and for each tile its moment and the expected answers; None where the model has none."""
    form: str  # sheet, storyboard
    options: list[str]
    tiles: list[tuple[Fraction, Expected | None]]
    size: tuple[int, int]  # of a tile

    @property
    def expected(self) -> Expected:
        """The answers of all tiles together."""
        known = [expected for _, expected in self.tiles if expected]
        return Expected(set().union(*(expected.numbers for expected in known)), set().union(*(expected.errors for expected in known)))


def draw(model: Model, rng: random.Random) -> Board | None:
    """A question about many pictures, or None if the stream does not allow one."""
    stream = model.stream
    if stream.delivery == "file" or not model.frames:
        return None
    is_exact = rng.random() < 0.5 or bool(stream.coding.refresh) or bool(stream.mp4.trim)
    begin, length = Fraction(0), model.total
    if rng.random() < 0.6:
        begin = _rounded(model.total * rng.randrange(0, 80) / 100)
        length = model.total - begin
        if rng.random() < 0.5:
            # Many moments in one group of pictures
            length = min(length, _rounded(Fraction(rng.randrange(500, 4000), 1000)))
    until = begin + length
    has_end = until < model.total
    every = max(Fraction(1, 25), _rounded(length / rng.randrange(2, MOST_TILES)))
    if until - begin < every:
        return None
    count = math.ceil((until - begin) / every - ROUNDING)
    moments = [begin + every * i for i in range(count)]
    options = ["--every", f"{float(every):.3f}"] + ["--exact"] * is_exact
    options += ["--from", f"{float(begin):.3f}"] * bool(begin) + ["--to", f"{float(until):.3f}"] * has_end
    size = (stream.coding.width, stream.coding.height)
    options += ["--tile-width", str(size[0])]
    form = rng.choice(("sheet", "storyboard"))
    options += ["--labels=false", "--gap", "0"] if form == "sheet" else ["--columns", "4", "--rows", "3"]
    return Board(form, options, [(moment, _expected(model, moment, is_exact)) for moment in moments], size)


def _rounded(seconds: Fraction) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)


def _expected(model: Model, moment: Fraction, is_exact: bool) -> Expected | None:
    if moment > model.total - ROUNDING:
        return None
    if is_exact:
        return model.exactly(moment) if model.is_clear(moment) else None
    return model.key_at(moment) if model.key_is_clear(moment) else None


def ask(tool: str, url: str, board: Board, model: Model) -> Verdict:
    """Runs the program and judges the result."""
    with tempfile.TemporaryDirectory() as folder:
        output = "sheet.png" if board.form == "sheet" else "board"
        command = [tool, board.form, url, *board.options, "-o", output, "--json", "--timeout", "50"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return Verdict(HANG, "hang", f"still running after {LIMIT_S:.0f} s")
        fault = failure(done)
        if fault and (fault.name == CRASH or fault.kind != PARTIAL):
            allowed = NO_FRAME if any(expected is None for _, expected in board.tiles) else board.expected.errors
            return fault if fault.name == CRASH or fault.kind not in allowed else Verdict(RIGHT, fault.kind, fault.got)
        try:
            return _judge(json.loads(done.stdout), Path(folder, output), board, model)
        except (ValueError, KeyError, TypeError, OSError) as error:
            return Verdict(WRONG_REPORT, "", f"{type(error).__name__}: {error}")


def _judge(report: dict, output: Path, board: Board, model: Model) -> Verdict:
    pictures = report["pictures"]
    if len(pictures) != len(board.tiles):
        return Verdict(WRONG_REPORT, "", f"{len(pictures)} pictures instead of {len(board.tiles)}")
    sheets: dict[Path, Image.Image] = {}
    for shown, (moment, expected) in zip(pictures, board.tiles):
        if abs(Fraction(shown["seconds"]) - moment) > Fraction(1, 1000):
            return Verdict(WRONG_REPORT, "", f"a picture at {shown['seconds']} s instead of {float(moment):.3f} s")
        if "error" in shown:
            kind = shown["error"]["kind"]
            if kind not in (expected.errors if expected else NO_FRAME):
                return Verdict(REFUSED, kind, f"at {float(moment):.3f} s: {shown['error']['message'][:160]}, expected {expected.text() if expected else 'a frame'}")
            continue
        path = output / shown["sprite"] if shown["sprite"] else output
        if path not in sheets:
            sheets[path] = Image.open(path).convert("RGB")
        verdict = _tile(sheets[path], shown, moment, expected, board, model)
        if verdict.name != RIGHT:
            return verdict
    return Verdict(RIGHT, "", f"{len(pictures)} tiles")


def _tile(sheet: Image.Image, shown: dict, moment: Fraction, expected: Expected | None, board: Board, model: Model) -> Verdict:
    width, height = board.size
    tile = sheet.crop((shown["x"], shown["y"], shown["x"] + width, shown["y"] + height))
    number, fault = picture.read(tile, model.size_of)
    at = f"at {float(moment):.3f} s: "
    if number is None:
        return Verdict(WRONG_PICTURE, "", at + fault)
    if expected and number not in expected.numbers:
        return Verdict(WRONG_PICTURE, "", f"{at}frame {number} at {shown['presentation_seconds']} s, expected {expected.text()}")
    fault = model.time_fault(number, shown["presentation_seconds"])
    return Verdict(WRONG_REPORT, "", at + fault) if fault else Verdict(RIGHT, "", "")
