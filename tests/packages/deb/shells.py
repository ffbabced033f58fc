"""Types into real shells, and looks at what they complete."""

import os
import pty
import re
import select
import subprocess
import tempfile
import time
from pathlib import Path

from checks import check, run

# Seconds
PATIENCE = 60
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-B0-2]|[=>])|[\x00-\x08\x0e-\x1f]")

# What is typed before TAB, and what the line is then
COMPLETIONS = [
    ("hlsnap wat", "hlsnap watch"),
    ("hlsnap watch --black", "hlsnap watch --black-for"),
    ("hlsnap sheet --colu", "hlsnap sheet --columns"),
    ("hlsnap https://example.com/a.m3u8 --key-f", "hlsnap https://example.com/a.m3u8 --key-frame"),
]


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self.terminal, inner = pty.openpty()
        clean = {"HOME": "/nonexistent", "TERM": "xterm", "COLUMNS": "200", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=clean | environment, start_new_session=True)
        os.close(inner)
        self.text = ""

    def write(self, text: str):
        os.write(self.terminal, text.encode())

    def shows(self, wanted: str) -> bool:
        """Whether the text appears in time."""
        end = time.monotonic() + PATIENCE
        while wanted not in ESCAPES.sub("", self.text):
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            try:
                self.text += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                return False
        return True

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


def check_on_terminal(name: str, command: list[str], environment: dict[str, str], setup: str):
    shell = Shell(command, environment)
    try:
        shell.write(f"{setup}; echo re''ady\n")
        if not check(shell.shows("ready"), f"{name} starts", shell.text):
            return
        for typed, wanted in COMPLETIONS:
            shell.text = ""
            shell.write(f"{typed}\t")
            check(shell.shows(wanted), f"{name} completes {typed!r} to {wanted!r}", ESCAPES.sub("", shell.text))
            # Ctrl-U clears the line
            shell.write("\x15")
    finally:
        shell.close()


def check_completions(root: Path):
    """Of the package's files below `root`, found where each shell looks for them."""
    share = root / "usr/share"
    # Shells complete only programs that they find
    data = {"XDG_DATA_DIRS": f"{share}:/usr/share", "PATH": f"{root}/usr/bin:{os.environ['PATH']}"}
    check_on_terminal("bash", ["bash", "--norc", "--noprofile", "-i"], data, "source /usr/share/bash-completion/bash_completion")
    paths = f"fpath=({share}/zsh/vendor-completions $fpath); autoload -Uz compinit; compinit -u -D"
    check_on_terminal("zsh", ["zsh", "-f", "-i"], data, paths)
    with tempfile.TemporaryDirectory() as home:
        for typed, wanted in COMPLETIONS:
            done = run("fish", "-c", f"complete --do-complete '{typed}'", env=data | {"HOME": home, "LANG": "C.UTF-8"})
            words = [line.split("\t")[0] for line in done.stdout.splitlines()]
            check(wanted.split()[-1] in words, f"fish completes {typed!r} to {wanted!r}", done.stdout)
