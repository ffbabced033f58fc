"""Configures both services in a booted system, as an operator does, and uses them."""

import base64
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from checks import check, must, run, wait_for
from machine import Machine

SERVE, WATCH = "hlsnap-serve", "hlsnap-watch"
SERVE_URL, WALL_URL = "http://127.0.0.1:8080", "http://127.0.0.1:8090"
SANDBOXES = ("landlock and seccomp", "the parts of landlock that this kernel has, and seccomp")
NONE = "0000000000000000"


def fetch(url: str, token: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


def check_picture(picture: bytes, claim: str):
    """ffmpeg, which is not in hlsnap's package, decodes the picture to something that is not of one color."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(picture)
        command = ["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    colors = len(set(done.stdout))
    check(done.returncode == 0 and not done.stderr and len(done.stdout) > 10_000 and colors > 10, claim, done.stderr or picture[:300])


def uncomment(path: Path):
    """Every setting becomes effective as it is; `# ` begins the text between them."""
    path.write_text(re.sub(r"^#(?=[^ #\n])", "", path.read_text(), flags=re.MULTILINE))


def set_variable(path: Path, name: str, value: str):
    text, count = re.subn(rf"^#?{name}=.*$", f"{name}={value}", path.read_text(), flags=re.MULTILINE)
    if check(count == 1, f"{path.name} has the setting {name}"):
        path.write_text(text)


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def check_unconfigured(machine: Machine):
    for unit in (SERVE, WATCH):
        states = machine.run("systemctl", "is-enabled", unit).stdout.strip(), machine.run("systemctl", "is-active", unit).stdout.strip()
        check(states == ("disabled", "inactive"), f"{unit} is neither enabled nor started by the installation", states)
    for unit, message in ((SERVE, "no host is allowed yet"), (WATCH, "the list has no channels")):
        started = machine.run("systemctl", "start", unit)
        check(started.returncode != 0, f"{unit} does not start without settings", started.stdout)
        check(f"usage: {message}" in machine.journal(unit), f"the journal says why {unit} does not start", machine.journal(unit))
        check(machine.property(unit, "NRestarts") == "0", f"{unit} is not started again before its settings are changed")
        machine.run("systemctl", "reset-failed", unit)


def check_confined(machine: Machine, unit: str):
    """The unit's restrictions are in effect, and hlsnap's own sandbox on top."""
    process = machine.property(unit, "MainPID")
    status = machine.status_of(process)
    check(status.get("Uid", "0").split()[0] == machine.run("id", "-u", "hlsnap").stdout.strip(), f"{unit} runs as hlsnap", status)
    capabilities = {status.get(name) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    check(capabilities == {NONE} and status.get("NoNewPrivs") == "1", f"{unit} has no capabilities", status)
    check(status.get("Seccomp") == "2", f"{unit} has system call filters", status)
    journal = machine.journal(unit)
    check(any(f"sandbox: {sandbox}" in journal for sandbox in SANDBOXES), f"{unit} entered its own sandbox", journal[-1500:])


def check_serve(machine: Machine, origin: str):
    settings = machine.root / "etc/hlsnap/serve.env"
    uncomment(settings)
    started = machine.run("systemctl", "start", SERVE)
    check(started.returncode == 0, f"{SERVE} starts with all packaged settings uncommented", started.stdout + machine.journal(SERVE))
    status, _ = fetch(f"{SERVE_URL}/snapshot.jpg?url={origin}/vod-ts/master.m3u8")
    check(status == 403, "a host that is not in the settings is refused", status)

    key = new_key()
    for name, value in (("HLSNAP_ALLOW_HOST", "127.0.0.1"), ("HLSNAP_ALLOW_PRIVATE", "true"), ("HLSNAP_KEY", key), ("OPTIONS", "-vv")):
        set_variable(settings, name, value)
    check(machine.run("systemctl", "enable", SERVE).returncode == 0, f"{SERVE} can be enabled")
    check(machine.run("systemctl", "restart", SERVE).returncode == 0, f"{SERVE} restarts", machine.journal(SERVE))
    check(fetch(f"{SERVE_URL}/healthz")[0] == 200, "the server answers as soon as systemctl returns")
    url = f"{SERVE_URL}/snapshot.jpg?url={origin}/live/master.m3u8&width=320"
    check(fetch(url)[0] == 403, "an unsigned request is refused")
    signed = machine.run("env", f"HLSNAP_KEY={key}", "hlsnap", "sign", url, "--expires", "1h").stdout.strip()
    status, picture = fetch(signed)
    check(status == 200, "a signed request is answered", (status, picture[:300], machine.journal(SERVE)[-1500:]))
    check_picture(picture, "the server's picture is whole")
    check_confined(machine, SERVE)
    check("hlsnap_pictures_total" in fetch(f"{SERVE_URL}/metrics")[1].decode(), "the server has metrics")


def channels(token: str) -> list[dict]:
    status, body = fetch(f"{WALL_URL}/channels.json", token)
    found = json.loads(body) if status == 200 else []
    return found["channels"] if isinstance(found, dict) else found


def events_of_three(machine: Machine) -> list[dict]:
    events = [json.loads(line) for line in machine.journal(WATCH).splitlines() if line.startswith("{")]
    return [event for event in events if event["channel"] == "three"]


def check_watch(machine: Machine, origin: str):
    folder = machine.root / "etc/hlsnap"
    uncomment(folder / "watch.env")
    uncomment(folder / "channels.toml")
    lists = folder / "channels.toml"
    lists.write_text(re.sub(r"https://live\.example\.com/\w+", f"{origin}/live", lists.read_text()))
    token = new_key()
    set_variable(folder / "watch.env", "HLSNAP_TOKEN", token)
    set_variable(folder / "watch.env", "OPTIONS", "-vv --every 2s")
    check(machine.run("systemctl", "enable", "--now", WATCH).returncode == 0, f"{WATCH} starts", machine.journal(WATCH))
    pictures = [machine.root / f"var/lib/hlsnap/{name}.jpg" for name in ("one", "two")]
    check(wait_for(lambda: all(path.exists() for path in pictures)), "both channels have pictures", machine.journal(WATCH)[-1500:])
    check_picture(pictures[0].read_bytes() if pictures[0].exists() else b"", "the watch's picture is whole")
    owner = machine.run("stat", "--format", "%U %a", "/var/lib/hlsnap", "/var/lib/hlsnap/one.jpg").stdout.split()
    check(owner[:3:2] == ["hlsnap", "hlsnap"] and owner[1] == "750", "the folder of states belongs to hlsnap", owner)
    check(fetch(f"{WALL_URL}/channels.json")[0] in (401, 403), "the wall needs its token")
    check([one["id"] for one in channels(token)] == ["one", "two"], "the wall shows both channels", channels(token))
    check_confined(machine, WATCH)

    process = machine.property(WATCH, "MainPID")
    lists.write_text(lists.read_text() + f'\n[[channel]]\nid = "three"\nurl = "{origin}/missing.m3u8"\n')
    reloaded = machine.run("systemctl", "reload", WATCH)
    check(reloaded.returncode == 0, f"{WATCH} reloads", reloaded.stdout)
    check(wait_for(lambda: len(channels(token)) == 3), "a reload adds a channel", channels(token))
    check(machine.property(WATCH, "MainPID") == process, "a reload starts no new process")
    is_down = wait_for(lambda: [one["state"] for one in channels(token) if one["id"] == "three"] == ["down"])
    check(is_down, "a channel without a playlist goes down", channels(token))
    check(len(events_of_three(machine)) == 1, "the journal has the event", machine.journal(WATCH)[-1500:])


def check_stop(machine: Machine):
    for unit in (SERVE, WATCH):
        check(machine.run("systemctl", "stop", unit).returncode == 0, f"{unit} stops")
        result = machine.property(unit, "Result"), machine.property(unit, "ExecMainStatus")
        check(result == ("success", "0"), f"SIGTERM ends {unit} in time", (result, machine.journal(unit)[-800:]))
        check(machine.run("systemctl", "start", unit).returncode == 0, f"{unit} starts again", machine.journal(unit)[-800:])
    states = machine.root / "var/lib/hlsnap/states.json"
    check(states.is_file() and "down" in states.read_text(), "the watch keeps its states", states)
    check(fetch(f"{WALL_URL}/healthz")[0] == 200, "the wall answers as soon as systemctl returns")
    check(len(events_of_three(machine)) == 1, "a watch that starts again does not repeat events", events_of_three(machine))


def older(package: Path, work: Path) -> Path:
    """The same package as version 0.0.1-1, with another serve.env."""
    tree, made = work / "older", work / "older.deb"
    must(run("dpkg-deb", "--raw-extract", package, tree))
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.0.1-1", control.read_text(), flags=re.MULTILINE))
    settings = tree / "etc/hlsnap/serve.env"
    settings.write_text("# An older text\n" + settings.read_text())
    sums = tree / "DEBIAN/md5sums"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "etc/hlsnap" not in line))
    must(run("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", "-z1", tree, made))
    return made
