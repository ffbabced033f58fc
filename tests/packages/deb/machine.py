"""A fresh Debian with systemd as its first process, in a container with the network of this process."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from checks import PATIENCE, must, run, wait_for

# Written by programs of the system at any time, or by dpkg about packages
CHANGING = ("dev", "proc", "run", "sys", "tmp", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/lib/systemd", "var/log", "var/tmp", "root")


class Machine:
    def __init__(self, base: Path, root: Path):
        """Unpacks the archive `base` into `root`, and boots it."""
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        must(run("tar", "--extract", "--file", base, "--directory", root, "--numeric-owner"))
        options = ["--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off"]
        # Which this version of systemd-nspawn does not know, but every Debian kernel has
        options.append("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self")
        self.log = root.with_suffix(".log")
        with self.log.open("wb") as log:
            command = ["systemd-nspawn", *options, "--console=pipe", f"--directory={root}"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.leader = 0

    def is_up(self) -> bool:
        """Waits until the system has started."""
        return wait_for(self._has_leader) and wait_for(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"))

    def _has_leader(self) -> bool:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = children.read_text().split() if children.exists() else []
        self.leader = int(found[0]) if found else 0
        return bool(found) and (self.root / "run").is_dir() and os.path.exists(f"/proc/{self.leader}/root/run/systemd/private")

    def run(self, *command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Runs a program inside."""
        inner = ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/"}
        if user != "root":
            inner += ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "--"]
        return run(*inner, *command, env=environment)

    def property(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", "--unit", unit).stdout

    def status_of(self, process: str) -> dict[str, str]:
        """/proc/PID/status of a process inside."""
        lines = self.run("cat", f"/proc/{process}/status").stdout.splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def files(self) -> dict[str, str]:
        """All files with owner, mode and, of small ones, content; without those that change by themselves."""
        found = {}
        for folder, inner, names in os.walk(self.root):
            place = os.path.relpath(folder, self.root)
            inner[:] = [name for name in inner if os.path.normpath(os.path.join(place, name)) not in CHANGING]
            for name in [*inner, *names]:
                path = Path(folder, name)
                status = path.lstat()
                content = path.read_bytes() if path.is_file() and not path.is_symlink() and status.st_size < 1 << 20 else b""
                found[os.path.normpath(os.path.join(place, name))] = f"{status.st_uid} {status.st_mode:o} {hash(content)}"
        return found

    def close(self):
        """Powers off."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)
