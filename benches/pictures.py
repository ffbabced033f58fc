#!/usr/bin/env python3
"""The cost of one picture beside the system's ffmpeg: what `script/bench` runs.

Both take the first 1080p picture of synthetic streams from an origin on loopback, in turn. It prints the median of the paired ratios of wall
time, processor time and memory, and the counts of requests, bytes and page faults. With --check, a count above its limit in `LIMITS` fails;
times never do.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GRAPHS = {"graphics": "testsrc2=s=1920x1080:r=25", "noise": "testsrc2=s=1920x1080:r=25,noise=alls=10:allf=t:all_seed=7"}
MEDIA = {"ts": [], "fmp4": ["-hls_segment_type", "fmp4"]}

# The most that one picture may take, by stream: requests, bytes that it receives, and page faults with huge pages.
LIMITS = {
    "graphics-ts": {"requests": 3, "received": 80_000, "page_faults": 2_100},
    "graphics-fmp4": {"requests": 4, "received": 80_000, "page_faults": 2_100},
    "noise-ts": {"requests": 3, "received": 460_000, "page_faults": 3_000},
    "noise-fmp4": {"requests": 4, "received": 460_000, "page_faults": 3_000},
}
# Linux may be set up without them.
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FAULTS_WITHOUT_HUGE_PAGES = 2


def make_streams(folder: Path) -> None:
    """Two Variants each, of 4 s."""
    for content, graph in GRAPHS.items():
        for kind, options in MEDIA.items():
            name = folder / f"{content}-{kind}"
            name.mkdir()
            subprocess.run(
                ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph, "-t", "4", "-filter_complex", "split[a][b];[b]scale=640:360[small]"]
                + ["-map", "[a]", "-map", "[small]", "-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "50", "-threads", "1"]
                + ["-b:v:0", "5M", "-b:v:1", "800k", "-hls_time", "2", "-hls_playlist_type", "vod", *options, "-master_pl_name", "master.m3u8"]
                + ["-var_stream_map", "v:0 v:1", "-f", "hls", str(name / "v%v.m3u8")],
                check=True, stdin=subprocess.DEVNULL,
            )


class Handler(SimpleHTTPRequestHandler):
    """Serves files and single ranges of them (RFC 9110, 14), and counts."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests += 1
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(found[1]), int(found[2] or len(body) - 1)) if found else (0, len(body) - 1)
        part = body[first : last + 1]
        self.send_response(206 if found else 200)
        self.send_header("Accept-Ranges", "bytes")
        if found:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        try:
            self.wfile.write(part)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Origin(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.requests = 0
        super().__init__(("127.0.0.1", 0), lambda *arguments: Handler(*arguments, directory=str(folder)))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, *_: object) -> None:
        """A client that has what it needs hangs up."""


def measure(command: list[str], origin: Origin) -> dict[str, float]:
    before, began = origin.requests, time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"bench: {' '.join(command)} failed")
    figures = {
        "wall_ms": wall * 1000,
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000,
        "memory_mb": usage.ru_maxrss / 1024,
        "page_faults": usage.ru_minflt + usage.ru_majflt,
        "requests": origin.requests - before,
    }
    if output.startswith(b"{"):
        figures["received"] = json.loads(output)["cost"]["bytes_received"]
    return figures


def bench(tool: str, stream: str, origin: Origin, rounds: int) -> dict[str, dict[str, float]]:
    url = origin.url(f"{stream}/master.m3u8")
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "hlsnap": [tool, url, "-o", f"{folder}/a.jpg", "--json", "--allow-private"],
            "ffmpeg": ["ffmpeg", "-v", "error", "-y", "-i", url, "-frames:v", "1", "-q:v", "3", f"{folder}/b.jpg"],
        }
        # The first round warms the page cache
        samples = [{name: measure(command, origin) for name, command in commands.items()} for _ in range(rounds + 1)][1:]
    results: dict[str, dict[str, float]] = {
        name: {key: statistics.median(sample[name][key] for sample in samples) for key in samples[0][name]} for name in commands
    }
    results["ratio"] = {
        key: statistics.median(sample["hlsnap"][key] / sample["ffmpeg"][key] for sample in samples) for key in ("wall_ms", "cpu_ms", "memory_mb")
    }
    return results


def excesses(stream: str, counts: dict[str, float]) -> list[str]:
    limits = dict(LIMITS[stream])
    if not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text():
        limits["page_faults"] *= FAULTS_WITHOUT_HUGE_PAGES
    return [f"{stream}: {counts[key]:.0f} {key.replace('_', ' ')}, at most {most} are allowed" for key, most in limits.items() if counts[key] > most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="target/release/hlsnap", help="the program to measure")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--check", action="store_true", help="fail if a count is above its limit")
    arguments = parser.parse_args()
    results, failures = {}, []
    with tempfile.TemporaryDirectory(prefix="hlsnap-bench-") as folder:
        make_streams(Path(folder))
        origin = Origin(Path(folder))
        print(f"{'hlsnap / ffmpeg':15} {'wall':>5} {'cpu':>5} {'memory':>6}   requests  bytes received  page faults")
        for stream in LIMITS:
            found = results[stream] = bench(arguments.tool, stream, origin, arguments.rounds)
            own, ratio = found["hlsnap"], found["ratio"]
            counts = f"{own['requests']:5.0f} / {found['ffmpeg']['requests']:.0f}   {own['received']:14,.0f}   {own['page_faults']:10,.0f}"
            print(f"{stream:15} {ratio['wall_ms']:5.2f} {ratio['cpu_ms']:5.2f} {ratio['memory_mb']:6.2f}   {counts}")
            failures += excesses(stream, own)
        origin.shutdown()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    if arguments.check and failures:
        sys.exit("\n".join(["bench: FAILED", *failures]))


if __name__ == "__main__":
    main()
