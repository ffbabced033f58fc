"""Object stores that fail in ways that moto does not support. Like S3, they only keep complete objects."""

import socketserver
import threading

OK = b'HTTP/1.1 200 OK\r\nETag: "0123"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
SLOW_DOWN_XML = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
SLOW_DOWN = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(SLOW_DOWN_XML),
    SLOW_DOWN_XML,
)
# The object is kept, but the answer is cut
CUT_IN_HEAD = b'HTTP/1.1 200 OK\r\nETag: "01'
CUT_IN_BODY = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 300\r\n\r\n<Error><Code>Slow"
SILENCE = "nothing is ever answered"
CUT_IN_UPLOAD = "half of the upload is read"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode()
        if not line:
            return
        method, path, _ = line.split()
        headers = {}
        while text := self.rfile.readline().decode().strip():
            name, value = text.split(":", 1)
            headers[name.lower()] = value.strip()
        self.answer(method, path, headers)

    def answer(self, method, path, headers):
        store = self.server.store
        answer = store.next()
        length = int(headers.get("content-length", 0))
        if answer == CUT_IN_UPLOAD:
            self.rfile.read(length // 2)
            return
        body = self.rfile.read(length)
        store.seen.append((method, path, headers, body))
        if answer == SILENCE:
            store.over.wait(30)
            return
        if answer.startswith(b"HTTP/1.1 200"):
            store.objects[path] = body
        self.wfile.write(answer)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class Store:
    """Gives these answers, one for each request; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        self.objects = {}
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.store = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def next(self):
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
