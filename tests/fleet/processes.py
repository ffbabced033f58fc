"""Starts the programs of a run, reads their events, and measures them from /proc."""

import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.request
from datetime import datetime
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid, name="VmRSS"):
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0]) / 1024


class Origin:
    """The fleet's origin, with a folder for the files of the run."""

    def __init__(self, program, clips, channels):
        self.channels = channels
        self.folder = tempfile.TemporaryDirectory(prefix="fleet-")
        script = Path(self.folder.name, "script.json")
        script.write_text(json.dumps([channel.script() for channel in channels]))
        self.process = subprocess.Popen([program, clips, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.began = time.monotonic()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("fleet: the origin did not start")
        told = json.loads(answer)
        self.port, self.ports = told["port"], told["ports"]
        self.start = datetime.fromisoformat(told["start"])

    def list(self, channels=None):
        """The list of channels as `hlsnap watch` reads it."""
        path = Path(self.folder.name, "channels.jsonl")
        lines = [json.dumps(channel.line(self.ports.get(channel.id, self.port))) for channel in channels or self.channels]
        path.write_text("\n".join(lines) + "\n")
        return path

    def seconds(self):
        return time.monotonic() - self.began

    def log(self):
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log.json", timeout=30))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class Watch:
    """`hlsnap watch`, whose events are collected as (seconds of the origin, event)."""

    def __init__(self, program, channels, arguments, start):
        self.events = []
        self.start = start
        self.errors = tempfile.TemporaryFile()
        command = [program, "watch", channels, "--width", "320", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            seconds = (datetime.fromisoformat(event["time"]) - self.start).total_seconds()
            self.events.append((seconds, event))

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        if self.process.poll() is not None:
            self.errors.seek(0)
            raise SystemExit(f"fleet: hlsnap ended with {self.process.returncode}: {self.errors.read()[-2000:].decode()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.reader.join(5)


def metrics(address):
    """The samples of /metrics: {name with labels: value}."""
    text = urllib.request.urlopen(f"http://{address}/metrics", timeout=30).read().decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def histogram_quantile(after, before, name, part):
    """A quantile of a histogram between two scrapes, as Prometheus interpolates it."""
    buckets = sorted(
        (float(key.split('le="')[1].split('"')[0].replace("+Inf", "inf")), value - before.get(key, 0))
        for key, value in after.items() if key.startswith(f"{name}_bucket")
    )
    if not buckets or not buckets[-1][1]:
        return float("nan")
    wanted, low, below = part * buckets[-1][1], 0.0, 0.0
    for high, count in buckets:
        if count >= wanted:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / max(count - below, 1e-9)
        low, below = high, count
    return low
