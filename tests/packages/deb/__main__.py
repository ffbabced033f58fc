"""Checks a Debian package: `python3 tests/packages/deb PACKAGE VERSION ORIGIN FOLDER BASE`. script/deb --check runs it, as root, in a network
namespace of its own.

FOLDER is for temporary files, BASE a minimal Debian as a tar archive.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import checks
import package as package_checks
import services
import shells
from checks import check, must, run
from machine import Machine


def install(machine: Machine, package: Path, *options: str) -> bool:
    shutil.copy(package, machine.root / "root/hlsnap.deb")
    done = machine.run("apt-get", "install", "--yes", *options, "/root/hlsnap.deb")
    return check(done.returncode == 0, f"apt installs {package.name}", done.stdout)


def check_installed(machine: Machine, package: Path, version: str, origin: str, work: Path):
    before = machine.files()
    install(machine, services.older(package, work))
    account = machine.run("getent", "passwd", "hlsnap").stdout.strip()
    check(account.endswith(":/var/lib/hlsnap:/usr/sbin/nologin"), "the user cannot log in", account)
    said = machine.run("hlsnap", "--version", user="nobody").stdout
    check(said.startswith(f"hlsnap {version.rsplit('-', 1)[0]}\n"), "hlsnap --version says the version", said)
    taken = machine.run("hlsnap", f"{origin}/live/master.m3u8", "-o", "/tmp/now.jpg", user="nobody")
    picture = machine.run("base64", "/tmp/now.jpg").stdout if taken.returncode == 0 else ""
    services.check_picture(services.base64.b64decode(picture), "a user takes a picture")

    for unit in package_checks.UNITS:
        verified = machine.run("systemd-analyze", "verify", "--man=no", unit)
        check(verified.returncode == 0 and not verified.stdout.strip(), f"systemd-analyze verifies {unit}", verified.stdout)
    services.check_unconfigured(machine)
    services.check_serve(machine, origin)
    services.check_watch(machine, origin)
    services.check_stop(machine)

    processes = {unit: machine.property(unit, "MainPID") for unit in (services.SERVE, services.WATCH)}
    settings = {path.name: path.read_text() for path in (machine.root / "etc/hlsnap").iterdir()}
    # What an operator answers who keeps the changes
    install(machine, package, "-o", "Dpkg::Options::=--force-confold")
    kept = {path.name: path.read_text() for path in (machine.root / "etc/hlsnap").iterdir() if not path.name.endswith(".dpkg-dist")}
    check(kept == settings, "an upgrade keeps changed settings", sorted(kept))
    check((machine.root / "etc/hlsnap/serve.env.dpkg-dist").is_file(), "an upgrade leaves new settings beside changed ones")
    for unit, process in processes.items():
        states = machine.run("systemctl", "is-enabled", unit).stdout.strip(), machine.run("systemctl", "is-active", unit).stdout.strip()
        check(states == ("enabled", "active"), f"{unit} goes on after an upgrade", states)
        check(machine.property(unit, "MainPID") not in (process, "0"), f"an upgrade restarts {unit}")

    removed = machine.run("apt-get", "remove", "--yes", "hlsnap")
    check(removed.returncode == 0 and not (machine.root / "usr/bin/hlsnap").exists(), "apt removes it", removed.stdout)
    check((machine.root / "etc/hlsnap/serve.env").exists(), "removal keeps the settings")
    left = [process for process in processes if machine.property(process, "MainPID") not in ("", "0")]
    check(not left, "removal ends the services", left)
    purged = machine.run("apt-get", "purge", "--yes", "hlsnap")
    check(purged.returncode == 0, "apt purges it", purged.stdout)
    after = machine.files()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    accounts = {f"etc/{name}{end}" for name in ("passwd", "group", "shadow", "gshadow") for end in ("", "-", ".lock")}
    check(changed - accounts - {"etc", "etc/.pwd.lock"} == set(), "a purge leaves nothing but the locked account", sorted(changed - accounts))


def run_in_machine(package: Path, version: str, origin: str, folder: Path, base: Path):
    must(run("ip", "link", "set", "lo", "up"))
    # The origin ends with its standard input
    server = subprocess.Popen([origin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    machine = Machine(base, folder / "machine")
    try:
        address = server.stdout.readline().strip().removeprefix("listening ").rstrip("/")
        if check(machine.is_up(), "Debian boots", machine.log.read_text(errors="replace")[-3000:]):
            with tempfile.TemporaryDirectory(dir=folder) as work:
                check_installed(machine, package, version, address, Path(work))
    finally:
        machine.close()
        server.stdin.close()
        server.wait(checks.PATIENCE)


def main(package: str, version: str, origin: str, folder: str, base: str) -> int:
    own = must(run("dpkg", "--print-architecture")).strip()
    with tempfile.TemporaryDirectory(dir=folder) as unpacked:
        architecture = package_checks.check_contents(Path(package), Path(unpacked), version)
        package_checks.check_with_lintian(Path(package))
        package_checks.check_manual(Path(unpacked))
        package_checks.check_units(Path(unpacked))
        shells.check_completions(Path(unpacked))
    if architecture == own:
        run_in_machine(Path(package), version, origin, Path(folder), Path(base))
    else:
        print(f"deb: not installed, because the package is for {architecture} and this machine is {own}")
    print(f"deb: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


sys.exit(main(*sys.argv[1:]))
