"""Runs hlsnap on random streams whose right answers follow from their construction.

    oracle [--questions N] [--seed S] [--stream K [--question Q]] [--tool PATH] [--jobs N] [--keep DIR] [--ci]

docs/oracle.md describes it. Exit status: 0 all right, 1 something is wrong, 2 usage.
"""
from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import boards
import draw
import encode
import layout
import questions
from build import build
from model import Expected, Model
from origin import Origin

PER_STREAM = 10
CI_SEED, CI_QUESTIONS = 1, 500


@dataclass
class Answer:
    """The answer to a question."""
    stream: int
    question: int
    verdict: questions.Verdict
    options: str
    expected: str
    drawn: str


class Worker:
    """Builds streams and runs questions on them, in one process."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.origin = options, Origin()

    def run(self, number: int, count: int) -> list[Answer]:
        options = self.options
        rng = random.Random(f"{options.seed}:{number}")
        stream = draw.stream(rng)
        film = encode.film(stream.coding, options.cache)
        if stream.then:
            film, _ = encode.joined(film, encode.film(stream.then, options.cache), rng.uniform(0.3, 0.7))
        laid = layout.lay_out(stream, film, rng)
        built = build(stream, laid, rng)
        model = Model(stream, laid, built.damaged)
        if options.keep:
            folder = options.keep / f"{options.seed}-{number}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, body in built.resources.items():
                (folder / name).write_bytes(body)
            shown = "".join(f"{frame.number} {float(frame.start):.4f} segment={frame.msn} access={frame.access} {frame.state}\n" for frame in model.frames)
            (folder / "frames.txt").write_text(stream.text() + "\n" + shown)
        self.origin.resources.clear()
        self.origin.resources.update({f"/{number}/{name}": body for name, body in built.resources.items()})
        answers = []
        for index in range(count) if options.question is None else [options.question]:
            verdict, asked, expected = self._ask(model, f"{options.seed}:{number}:{index}", self.origin.url(f"/{number}/{built.entry}"))
            answers.append(Answer(number, index, verdict, asked, expected.text(), stream.text()))
        return answers

    def _ask(self, model: Model, seed: str, url: str) -> tuple[questions.Verdict, str, Expected]:
        """Asks for one picture or for many; also returns the question and the expected answers."""
        of_many = random.Random(seed + ":many")
        board = boards.draw(model, of_many) if of_many.random() < self.options.boards else None
        if board:
            return boards.ask(self.options.tool, url, board, model), " ".join([board.form, *board.options]), board.expected
        question = questions.draw(model, random.Random(seed))
        return questions.ask(self.options.tool, url, question, model), " ".join(question.options), question.expected


_worker: Worker


def _start(options: argparse.Namespace) -> None:
    global _worker  # one for each process of the pool
    _worker = Worker(options)


def _run(work: tuple[int, int]) -> list[Answer]:
    try:
        return _worker.run(*work)
    except Exception as error:
        raise RuntimeError(f"the oracle failed on stream {work[0]}: {type(error).__name__}: {error}") from error


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/oracle", description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=1000, help="how many, 10 for each stream")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stream", type=int, help="only this stream of the seed")
    parser.add_argument("--question", type=int, help="only this question about it")
    parser.add_argument("--tool", default="target/release/hlsnap")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the streams there, with the times of all frames")
    parser.add_argument("--cache", type=Path, default=Path("target/oracle"), help="where encoded films are kept")
    parser.add_argument("--ci", action="store_true", help="the fixed set of continuous integration")
    parser.add_argument("--boards", type=float, default=boards.SHARE, metavar="SHARE", help="the share of questions about many pictures")
    parser.add_argument("--all", action="store_true", help="print right answers too")
    options = parser.parse_args()
    options.tool = str(Path(options.tool).resolve())
    if options.ci:
        options.seed, options.questions = CI_SEED, CI_QUESTIONS
    if not Path(options.tool).is_file():
        parser.error(f"no program at {options.tool}")
    return options


def main() -> int:
    options = parse()
    streams = -(-options.questions // PER_STREAM)
    work = [(number, PER_STREAM) for number in range(streams)] if options.stream is None else [(options.stream, PER_STREAM)]
    began, counts, refused, asked = time.monotonic(), Counter(), Counter(), 0
    with multiprocessing.get_context("spawn").Pool(min(options.jobs, len(work)), _start, (options,)) as pool:
        for answers in pool.imap(_run, work):
            for answer in answers:
                asked += 1
                counts[answer.verdict.name] += 1
                if answer.verdict.name == questions.REFUSED:
                    refused[answer.verdict.kind] += 1
                if answer.verdict.name != questions.RIGHT or options.all:
                    print(f"{answer.verdict.name}: script/oracle --seed {options.seed} --stream {answer.stream} --question {answer.question}: {answer.options}: "
                          f"expected {answer.expected}, got {answer.verdict.got} [{answer.drawn}]", flush=True)
    kinds = ", ".join(f"{kind} {count}" for kind, count in refused.most_common()) or "none"
    crashes = counts[questions.CRASH] + counts[questions.HANG]
    print(f"oracle: {asked} questions over {len(work)} streams in {time.monotonic() - began:.0f} s, {counts[questions.RIGHT]} right, "
          f"{counts[questions.WRONG_PICTURE]} wrong pictures, {counts[questions.WRONG_REPORT]} wrong reports, {counts[questions.REFUSED]} refusals "
          f"(by kind: {kinds}), {crashes} crashes")
    return int(counts[questions.RIGHT] != asked)


if __name__ == "__main__":
    sys.exit(main())
