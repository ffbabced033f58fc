"""Counts checks, and runs programs."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Seconds
PATIENCE = 180
POLL = 0.25

passed = 0
failed = 0


def check(holds: bool, claim: str, seen: object = "") -> bool:
    """Counts one check, and prints it if it fails."""
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        text = str(seen).strip()
        print(f"FAILED: {claim}" + (f"\n    {text[:2000]}" if text else ""), file=sys.stderr)
    return holds


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, and returns its output; it may fail."""
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "timeout": PATIENCE}
    return subprocess.run([str(part) for part in command], **(settings | options))


def must(done: subprocess.CompletedProcess[str]) -> str:
    """The output of a program that the checks need. Ends them if it failed."""
    if done.returncode != 0:
        sys.exit(f"deb: {' '.join(done.args)} failed:\n{done.stdout}")
    return done.stdout


def wait_for(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether the condition holds in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(POLL)
    return condition()


def fields(text: str) -> dict[str, str]:
    """`Name: value` lines."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines()) if not name.startswith(" ")}


def without(lines: Sequence[str], *starts: str) -> list[str]:
    """The lines that are not empty and begin with none of `starts`."""
    return [line for line in lines if line.strip() and not line.startswith(starts)]
