#!/usr/bin/env python3
"""A backend that answers at once: OpenAI's chat completions on loopback, in a process of its own, whole and streamed.

It reads no more of a request than it must (a length, whether it streams, the name of the model), and writes answers that
were made beforehand, so that what is measured before it is the cost of whatever stands in between. It keeps no text. What
it does follows the model's name:

    instant     the whole answer at once; a stream in one piece
    paced       a stream whose first token comes at once, and each other one PAUSE_SECONDS later
    held        a stream whose first token comes at once, and which then stays open until the client leaves

    backend.py --ready-file FILE
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

MODELS = ("instant", "paced", "held")
TOKENS = ["Tides", " follow", " the", " moon", "."]
PAUSE_SECONDS = 0.02
# A head longer than this is none of ours.
MAX_HEAD = 64 * 1024

_JSON = b"application/json"
_USAGE = {"prompt_tokens": 200, "completion_tokens": len(TOKENS), "total_tokens": 200 + len(TOKENS)}


def _shared(kind: str, **rest: object) -> dict[str, Any]:
    return {"id": "chatcmpl-bench", "object": kind, "created": 1_700_000_000, "model": "instant", **rest}


def _reply(body: bytes, media_type: bytes = _JSON) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (media_type, len(body), body)


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps(_shared("chat.completion.chunk", choices=[choice])).encode() + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole() -> bytes:
    message = {"role": "assistant", "content": "".join(TOKENS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return _reply(json.dumps(_shared("chat.completion", choices=[choice], usage=_USAGE)).encode())


WHOLE = _whole()
MODEL_LIST = _reply(
    json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}).encode()
)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
FIRST = _event({"role": "assistant", "content": TOKENS[0]})
REST = [_event({"content": token}) for token in TOKENS[1:]]
END = (
    _event({}, "stop")
    + b"data: "
    + json.dumps(_shared("chat.completion.chunk", choices=[], usage=_USAGE)).encode()
    + b"\n\ndata: [DONE]\n\n"
)
STREAM = STREAM_HEAD + _chunk(FIRST + b"".join(REST) + END) + _chunk(b"")


class Connection(asyncio.Protocol):
    """One client; requests come one after the other."""

    def __init__(self) -> None:
        self.received = b""
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self.waiting is not None:
            self.waiting.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            length = content_length(head)
            if len(self.received) < end + 4 + length:
                return
            body = self.received[end + 4 : end + 4 + length]
            self.received = self.received[end + 4 + length :]
            self.answer(head, body)
        if len(self.received) > MAX_HEAD and self.transport is not None:
            self.transport.abort()

    def answer(self, head: bytes, body: bytes) -> None:
        assert self.transport is not None
        if not head.startswith(b"post "):
            self.transport.write(MODEL_LIST if b"/models" in head[: head.find(b"\r\n")] else NOT_FOUND)
        elif b'"stream":true' not in body and b'"stream": true' not in body:
            self.transport.write(WHOLE)
        elif b'"paced"' in body or b'"held"' in body:
            self.transport.write(STREAM_HEAD + _chunk(FIRST))
            if b'"paced"' in body:
                self.waiting = asyncio.get_running_loop().create_task(self.pace())
        else:
            self.transport.write(STREAM)

    async def pace(self) -> None:
        assert self.transport is not None
        for event in [*REST, END]:
            await asyncio.sleep(PAUSE_SECONDS)
            self.transport.write(_chunk(event))
        self.transport.write(_chunk(b""))


def content_length(head: bytes) -> int:
    """Of a head in lower case; 0 without one."""
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    start = at + len(b"\r\ncontent-length:")
    end = head.find(b"\r\n", start)
    return int(head[start : end if end >= 0 else len(head)])


async def serve(ready_file: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    # A thousand streams arrive at once; a connection that finds the queue full waits for a second.
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    beside = ready_file.with_suffix(".partial")
    beside.write_text(json.dumps({"port": port, "url": f"http://127.0.0.1:{port}/v1", "pid": os.getpid()}))
    beside.rename(ready_file)
    await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A backend that answers at once.")
    parser.add_argument("--ready-file", type=Path, required=True, help="written once it listens: port, url, pid")
    asyncio.run(serve(parser.parse_args().ready_file))


if __name__ == "__main__":
    main()
