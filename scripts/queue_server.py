"""A NATS server with JetStream on loopback, and a client of a few lines that shares no code with the service.

The tests and the benchmark of bulk classification use both. The server comes from the pinned wheel; it listens on 127.0.0.1
alone (its own default is every address), and its store lies in the folder of whoever starts it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import stack

START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class QueueServer:
    """A server that can be killed and started again, on the same port and with the same store."""

    def __init__(self, program: str, folder: Path, jetstream: bool = True, extra: str = "") -> None:
        self.program, self.folder = program, folder
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.config = folder / "nats.conf"
        store = f"jetstream {{ store_dir: {json.dumps(str(folder / 'store'))} }}\n" if jetstream else ""
        self.config.write_text(f"listen: 127.0.0.1:{self.port}\n{store}{extra}\n", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self.folder / "nats.log"
        with path.open("ab") as log:
            said_before = log.tell()
            self.process = subprocess.Popen(
                [self.program, "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=stack.end_with_parent,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            # JetStream is ready a moment after the port: the log says when.
            if b"Server is ready" in path.read_bytes()[said_before:]:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            time.sleep(0.02)
        raise stack.not_ready(self.process, "nats-server", path)

    def kill(self) -> None:
        """`kill -9`, as by a power cut of the process."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            stack.stop(self.process)
            self.process = None

    def __enter__(self) -> QueueServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class QueueClient:
    """Speaks the part of NATS that a test needs: requests, and publications that JetStream confirms."""

    def __init__(self, server: QueueServer, user: str | None = None, password: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.lines = self.socket.makefile("rb")
        assert self.lines.readline().startswith(b"INFO")
        hello: dict[str, Any] = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        if user is not None:
            hello.update({"user": user, "pass": password})
        self.inbox = f"_INBOX.{uuid.uuid4().hex}"
        self._send(b"CONNECT " + json.dumps(hello).encode() + b"\r\n")
        self._send(f"SUB {self.inbox}.* 1\r\n".encode())

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def __enter__(self) -> QueueClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _receive(self) -> tuple[str, str, bytes]:
        """The next message: its subject, where to answer, and its body without headers."""
        while True:
            words = self.lines.readline().split()
            if not words:
                raise ConnectionError("the server closed the connection")
            if words[0] == b"PING":
                self._send(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                sizes = 1 if words[0] == b"MSG" else 2
                size = int(words[-1])
                body = self.lines.read(size + 2)[:size]
                if sizes == 2:
                    body = body[int(words[-2]) :]
                answer = words[3].decode() if len(words) == 4 + sizes else ""
                return words[1].decode(), answer, body
            elif words[0] == b"-ERR":
                raise ConnectionError(b" ".join(words).decode())

    def _publish(self, subject: str, reply: str, payload: bytes, message_id: str | None = None) -> None:
        if message_id is None:
            head = f"PUB {subject} {reply} {len(payload)}\r\n".encode()
        else:
            headers = f"NATS/1.0\r\nNats-Msg-Id: {message_id}\r\n\r\n".encode()
            head = f"HPUB {subject} {reply} {len(headers)} {len(headers) + len(payload)}\r\n".encode() + headers
        self._send(head + payload + b"\r\n")

    def request(self, subject: str, payload: bytes = b"", message_id: str | None = None) -> dict[str, Any]:
        """Sends, and reads the one answer."""
        reply = f"{self.inbox}.{uuid.uuid4().hex}"
        self._publish(subject, reply, payload, message_id)
        while True:
            to, _, body = self._receive()
            if to == reply:
                return json.loads(body) if body else {}

    def take(self, stream: str, consumer: str) -> tuple[str, bytes]:
        """One message of a pull consumer, and where to acknowledge it."""
        wait = json.dumps({"batch": 1, "expires": 5_000_000_000}).encode()
        self._publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", f"{self.inbox}.{uuid.uuid4().hex}", wait)
        while True:
            _, answer, body = self._receive()
            if answer.startswith("$JS.ACK."):
                return answer, body

    def api(self, question: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.request(f"$JS.API.{question}", json.dumps(body or {}).encode())

    def publish(self, subject: str, payload: bytes, message_id: str | None = None) -> dict[str, Any]:
        return self.request(subject, payload, message_id)

    def messages(self, stream: str, subject: str) -> list[dict[str, Any]]:
        """All messages of a subject, with `seq` and `data` decoded from base64 as `body`."""
        found, after = [], 1
        while True:
            answer = self.api(f"STREAM.MSG.GET.{stream}", {"seq": after, "next_by_subj": subject})
            message = answer.get("message")
            if message is None:
                return found
            message["body"] = base64.b64decode(message.get("data", ""))
            found.append(message)
            after = int(message["seq"]) + 1

    def state(self, stream: str) -> dict[str, Any]:
        return self.api(f"STREAM.INFO.{stream}").get("state", {})


@contextlib.contextmanager
def workers(
    program: Path, assets: dict[str, str], server: QueueServer, folder: Path, names: list[str], *options: str
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """`cordon worker` of each name, started at once; all ask for documents when this goes on."""
    environment = stack.service_environment(assets) | {"CORDON_DATA_DIR": str(folder / "data")}
    with contextlib.ExitStack() as running:
        crew = []
        for name in names:
            ready, log = folder / f"{name}.ready.json", folder / f"{name}.log"
            ready.unlink(missing_ok=True)
            command = [str(program), "worker", "--nats", server.url, "--id", name, "--ready-file", str(ready), *options]
            crew.append((running.enter_context(stack.started(command, log, environment)), ready, log))
        for process, ready, log in crew:
            stack.wait_for_file(process, ready, "cordon worker", log)
        yield [process for process, _, _ in crew]


@contextlib.contextmanager
def worker(
    program: Path, assets: dict[str, str], server: QueueServer, folder: Path, name: str, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """One `cordon worker`, asking for documents."""
    with workers(program, assets, server, folder, [name], *options) as (process,):
        yield process
