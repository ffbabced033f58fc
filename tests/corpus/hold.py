"""Compares the results of the corpus judge with the two committed lists next to this file.

    hold.py RESULTS.json [--accept]

right.txt        checks that must stay right; the list only grows
known-wrong.txt  known wrong pictures with exit code 0; the list only shrinks

A line of either is `case check`; `#` begins a comment. --accept adds new right checks to right.txt and removes corrected
ones from known-wrong.txt. Only a manual edit removes lines from right.txt or adds them to known-wrong.txt. Exit status: 0 without
problems, or else 1.
"""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RIGHT, KNOWN_WRONG = HERE / "right.txt", HERE / "known-wrong.txt"

# The verdicts of wrong pictures. Errors, crashes and hangs do not mislead the user.
WRONG_PICTURES = {"WRONG-PICTURE", "WRONG-COLOUR", "WASHED", "WRONG-SIZE"}


def hold(verdicts: dict[str, str], right: set[str], known_wrong: set[str]) -> tuple[list[str], set[str], set[str]]:
    """The problems, the checks that became right, and the known wrong ones that are wrong no longer."""
    wrong = {check for check, verdict in verdicts.items() if verdict in WRONG_PICTURES}
    problems = [f"no longer right: {check}: {verdicts.get(check, 'not judged')}" for check in sorted(right) if verdicts.get(check) != "ok"]
    problems += [f"a wrong picture: {check}: {verdicts[check]}" for check in sorted(wrong - known_wrong - right)]
    new = {check for check, verdict in verdicts.items() if verdict == "ok"} - right
    return problems, new, known_wrong - wrong


def read(path: Path) -> set[str]:
    lines = (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return {" ".join(words) for words in lines if words}


def write(path: Path, checks: set[str]) -> None:
    """Writes the checks after the comments at the top."""
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    path.write_text("\n".join([*head, *sorted(checks)]) + "\n", encoding="utf-8")


def main() -> int:
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["results"]
    accept = "--accept" in sys.argv[2:]
    verdicts = {f"{result['case']} {result['check']}": result["verdict"] for result in results}
    right, known_wrong = read(RIGHT), read(KNOWN_WRONG)
    problems, new, corrected = hold(verdicts, right, known_wrong)
    if accept:
        write(RIGHT, right | new)
        write(KNOWN_WRONG, known_wrong - corrected)
    else:
        problems += [f"no longer wrong, remove it from known-wrong.txt (script/judge --accept): {check}" for check in sorted(corrected)]
    for check in sorted(new):
        print(f"new: {'added' if accept else 'add'}: {check}")
    for problem in problems:
        print(f"corpus: {problem}")
    held = len(right) - sum(verdicts.get(check) != "ok" for check in right)
    print(f"corpus: {held} of {len(right)} checks held, {len(new)} new, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
