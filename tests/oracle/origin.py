"""Serves the resources of the streams from memory: HTTP/1.1 on 127.0.0.1, with keep-alive and byte ranges."""
from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TYPES = {"m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t", "mp4": "video/mp4", "m4s": "video/iso.segment"}


class Origin:
    """Resources by path, such as `/12/index.m3u8`."""

    def __init__(self) -> None:
        resources: dict[str, bytes] = {}
        self.resources = resources

        class Handler(_Handler):
            files = resources

        self.server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address) -> None:  # hlsnap closes connections as soon as it has the frame
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        body = self.files.get(self.path.partition("?")[0])
        if body is None:
            self._answer(404, b"", {})
            return
        headers = {"Content-Type": TYPES.get(self.path.rsplit(".", 1)[-1], "application/octet-stream"), "Accept-Ranges": "bytes"}
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match or match[1] == match[2] == "":
            self._answer(200, body, headers)
            return
        size = len(body)
        first, last = (int(match[1]), min(int(match[2] or size), size - 1)) if match[1] else (max(0, size - int(match[2])), size - 1)
        if first >= size or first > last:
            self._answer(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        self._answer(206, body[first:last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{size}"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass
