"""A proxy between the function and the emulator, whose Runtime API has a path prefix, unlike Lambda's. It records each request ID."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUEST_ID = "lambda-runtime-aws-request-id"
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.relay.polled.set()
        self.forward(None)

    def do_POST(self):
        self.forward(self.body())

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def forward(self, body):
        relay = self.server.relay
        headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            connection = http.client.HTTPConnection(relay.address)
            connection.request(self.command, relay.prefix + self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.answer(answer.status, self.headers_of(answer.status, answer.getheaders()), content)
        except OSError:
            # The function or the emulator was ended while the function polled
            self.close_connection = True

    def headers_of(self, status, headers):
        found = {name.lower(): text for name, text in headers if name.lower() not in HOP_BY_HOP}
        if REQUEST_ID in found and status == 200:
            self.server.relay.ids.append(found[REQUEST_ID])
            # The emulator loses answers that arrive before it has stored the request ID
            time.sleep(0.15)
        # As Lambda's own; AWS's client for Python crashes without it
        found.setdefault("content-type", "application/json")
        return found

    def answer(self, status, headers, content):
        self.send_response_only(status)
        for name, text in headers.items():
            self.send_header(name, text)
        if status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        """Ignores the reset by a function that is ended."""


class Relay:
    def __init__(self, address, prefix):
        self.address, self.prefix = address, prefix
        self.ids = []
        self.polled = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.relay = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
