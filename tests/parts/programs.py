"""The programs of these tests. Each is ended by its own process ID, and listens on 127.0.0.1 only."""

import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from relay import Relay

REGION = "us-east-1"
NAME = "pictures"
# The timeout of a request
SECONDS = 20


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# Tries, and seconds between them, if the emulator itself fails
TRIES = 10
PAUSE = 1


def ask(url, body=None):
    """Status, headers and body of an answer, whatever its status. With a body it is a POST."""
    # moto drops the body of a form, which is urllib's default type
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Program:
    """A child process whose output is collected by line."""

    def __init__(self, command, environment=None, folder=None, stdin=subprocess.DEVNULL):
        settings = {**os.environ, **(environment or {})}
        self.name = Path(command[0]).name
        self.out = []
        self.err = []
        self.process = subprocess.Popen(
            command, env=settings, cwd=folder, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        kept = [(self.process.stdout, self.out), (self.process.stderr, self.err)]
        self.readers = [threading.Thread(target=self._keep, args=one, daemon=True) for one in kept]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _keep(stream, lines):
        lines.extend(line.rstrip("\n") for line in iter(stream.readline, ""))

    def until(self, ready, seconds=30):
        """Waits until `ready()` returns something true; the error shows the output of the program."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if found := ready():
                return found
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not start: {self.out[-5:]} {self.err[-15:]}")

    def listens(self, port):
        def ready():
            with socket.socket() as one:
                return one.connect_ex(("127.0.0.1", port)) == 0

        self.until(ready)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        for reader in self.readers:
            reader.join(5)


class Origin(Program):
    """The local HLS origin."""

    def __init__(self, binaries):
        # It ends with its standard input, even if this script is killed
        super().__init__([str(binaries / "examples/origin")], stdin=subprocess.PIPE)

    def wait(self):
        line = self.until(lambda: self.out and self.out[0])
        self.base = line.removeprefix("listening ").rstrip("/")

    def url(self, path):
        return self.base + path


class Moto(Program):
    """S3, IAM and Step Functions. Its state machines call services at the gateway's port, which nothing else uses."""

    def __init__(self, tools):
        self.port = free_port()
        self.gateway_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [str(tools / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]
        super().__init__(command, {"MOTO_PORT": str(self.gateway_port)})

    def wait(self):
        self.listens(self.port)

    def check_policies(self, enabled):
        """Turns checks of signatures and policies on or off."""
        status, _, _ = ask(f"{self.url}/moto-api/reset-auth", b"0" if enabled else b"inf")
        assert status == 200, status


class Emulator(Program):
    """Lambda's two APIs by cargo-lambda: it accepts invocations, and a function started elsewhere polls for them."""

    def __init__(self, tools, folder):
        self.tool = str(tools / "cargo-lambda")
        self.port = free_port()
        # It reads the names of its functions from a manifest. Without dependencies, cargo has nothing to look up.
        # Each name is used once, since the emulator would send the next event to the pending poll of an ended function.
        self.names = [f"{NAME}-{place}" for place in range(20)]
        binaries = "".join(f'[[bin]]\nname = "{name}"\npath = "main.rs"\n' for name in self.names)
        manifest = f'[package]\nname = "{NAME}"\nversion = "0.0.0"\nedition = "2021"\n{binaries}[workspace]\n'
        folder.mkdir()
        (folder / "main.rs").write_text("fn main() {}\n")
        (folder / "Cargo.toml").write_text(manifest)
        self.folder = folder
        command = [self.tool, "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(self.port)]
        super().__init__(command, {"CARGO_NET_OFFLINE": "true"}, folder)

    def wait(self):
        self.listens(self.port)


class Function(Program):
    """`bootstrap`, started by `command` with Lambda's own variables and these settings."""

    def __init__(self, command, emulator, settings):
        self.emulator = emulator
        self.known_as = emulator.names.pop()
        self.relay = Relay(f"127.0.0.1:{emulator.port}", f"/.rt/{self.known_as}")
        lambdas_own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.relay.port}",
            "AWS_LAMBDA_FUNCTION_NAME": NAME,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{NAME}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/02/[$LATEST]0123456789abcdef",
            "AWS_REGION": REGION,
        }
        super().__init__(command, {**lambdas_own, **settings})
        self.until(lambda: self.relay.polled.is_set())

    def invoke(self, event):
        """Status and answer of one invocation."""
        url = f"http://127.0.0.1:{self.emulator.port}/2015-03-31/functions/{self.known_as}/invocations"
        status, _, body = ask(url, json.dumps(event).encode())
        return status, json.loads(body)

    def invoke_by_tool(self, event):
        """The same by `cargo lambda invoke`."""
        data = self.emulator.folder / "event.json"
        data.write_text(json.dumps(event))
        command = [self.emulator.tool, "lambda", "invoke", self.known_as]
        command += ["--invoke-address", "127.0.0.1", "--invoke-port", str(self.emulator.port)]
        command += ["--data-file", str(data), "--output-format", "json"]
        return subprocess.run(command, cwd=data.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)

    def get(self, path_and_query):
        """Status, headers and body of an HTTP request, which the emulator converts to an event like a function URL."""
        for _ in range(TRIES):
            status, headers, body = ask(f"http://127.0.0.1:{self.emulator.port}/lambda-url/{self.known_as}{path_and_query}")
            # The emulator fails now and then on a busy machine. Only its errors have a URL as their type
            if not (status == 500 and body.startswith(b'{"type":"https://')):
                break
            time.sleep(PAUSE)
        return status, headers, body

    def close(self):
        super().close()
        self.relay.close()
