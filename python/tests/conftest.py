"""The streams of the tests: the project's own origin, and one with faults."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
BINARIES = Path(os.environ["HLSNAP_TEST_BINARIES"])

FAIRPLAY = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"\n#EXTINF:2,\na.ts\n'
)
UNKNOWN_CODEC = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,CODECS="xyz1.2"\na.m3u8\n'
EMPTY = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n"
PLAYLISTS = {"/empty.m3u8": EMPTY, "/page.m3u8": "<html>please log in</html>", "/fairplay.m3u8": FAIRPLAY, "/codec.m3u8": UNKNOWN_CODEC}
TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}


class Origin:
    """tests/origin, whose `/live/` slides in real time."""

    def __init__(self, base: str) -> None:
        self.base = base

    def url(self, path: str) -> str:
        return self.base + path


class FaultyOrigin(ThreadingHTTPServer):
    """Serves the fixtures, and faults by path. Counts what it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.clients: set[int] = set()
        self.headers: dict[str, str] = {}
        #: Of connections that wait for an answer.
        self.hanging = 0
        self.lock = threading.Lock()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def forget(self) -> None:
        with self.lock:
            self.requests.clear()
            self.clients.clear()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyOrigin

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.server.lock:
            self.server.requests.append(path)
            self.server.clients.add(self.client_address[1])
            self.server.headers = {name.lower(): text for name, text in self.headers.items()}
        if path.startswith("/hang"):
            self.hang()
        elif path.startswith("/status/"):
            self.answer(int(path.split("/")[2]), b"", "text/plain")
        elif path in PLAYLISTS:
            self.answer(200, PLAYLISTS[path].encode(), TYPES[".m3u8"])
        elif path.startswith("/gap/") and path.endswith("v2-1.ts"):
            self.answer(404, b"", "text/plain")
        else:
            self.file(FIXTURES / path.lstrip("/").replace("gap/", ""))

    def hang(self) -> None:
        """Waits until the client has closed the connection."""
        with self.server.lock:
            self.server.hanging += 1
        self.connection.recv(1)
        with self.server.lock:
            self.server.hanging -= 1
        self.close_connection = True

    def file(self, path: Path) -> None:
        if path.is_file():
            self.answer(200, path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))
        else:
            self.answer(404, b"", "text/plain")

    def answer(self, status: int, body: bytes, media_type: str) -> None:
        try:
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # hlsnap closes the connection as soon as it has its frame
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    # It ends with its standard input
    with subprocess.Popen([BINARIES / "examples" / "origin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        yield Origin(process.stdout.readline().removeprefix("listening ").strip().rstrip("/"))
        process.stdin.close()


@pytest.fixture
def faulty() -> Iterator[FaultyOrigin]:
    server = FaultyOrigin()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds."""

    def wait(holds: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, "it never holds"
            time.sleep(0.01)

    return wait
