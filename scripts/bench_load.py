"""A client that keeps a number of requests at work, and what it measured. The same client stands before everything that is
compared: HTTP/1.1 on kept connections, written and read as bytes, so that its own cost is small and the same for all."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

# Waiting for the tail of a queue of 64 on a slow machine.
REQUEST_SECONDS = 60
# Streams that are opened at a time.
OPENING = 16
# Ends a body that is sent in chunks (RFC 9112, section 7.1).
LAST_CHUNK = b"0\r\n\r\n"


class LoadError(Exception):
    """An answer that is none; nothing that was measured with it counts."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank). `ordered` ascends and is not empty."""
    return ordered[max(math.ceil(len(ordered) * share), 1) - 1]


@dataclass
class Measured:
    """Latencies in seconds, the requests per second of each round, and the processor time of what was measured."""

    latencies: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def add(self, other: Measured) -> None:
        self.latencies += other.latencies
        self.rates += other.rates
        self.processor_seconds += other.processor_seconds

    def milliseconds(self, share: float) -> float:
        return percentile(sorted(self.latencies), share) * 1000

    @property
    def p50(self) -> float:
        return self.milliseconds(0.5)

    @property
    def p99(self) -> float:
        return self.milliseconds(0.99)

    @property
    def processor_ms(self) -> float:
        """Of one request. A busy machine makes answers late, but hardly dearer."""
        return self.processor_seconds / len(self.latencies) * 1000

    @property
    def per_second(self) -> float:
        return percentile(sorted(self.rates), 0.5)


# Sends the request of this number and waits for its answer.
Call = Callable[[int], Awaitable[None]]


async def drive(calls: Sequence[Call], requests: int, seconds: float, first: int = 0) -> Measured:
    """Keeps each of `calls` busy until that many requests are sent or the time is over. Requests are numbered from `first`."""
    pending = iter(range(first, first + requests))
    measured = Measured()
    started = time.perf_counter()
    deadline = started + seconds

    async def work(call: Call) -> None:
        for number in pending:
            before = time.perf_counter()
            if before > deadline:
                return
            await call(number)
            measured.latencies.append(time.perf_counter() - before)

    # One limit for all: one for each request would be a cost of the client's own.
    await asyncio.wait_for(asyncio.gather(*(work(call) for call in calls)), seconds + REQUEST_SECONDS)
    measured.rates.append(len(measured.latencies) / (time.perf_counter() - started))
    return measured


class Connection(asyncio.Protocol):
    """One kept connection of HTTP/1.1, one request at a time."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.wanted = b""
        self.body_at = self.body_end = -1
        self.answer: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(LoadError(f"the connection ended before the answer: {error}"))

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answer is None or self.answer.done():
            return
        if self.wanted:
            if self.wanted in self.received:
                self.answer.set_result(bytes(self.received))
            elif not self.received.startswith(b"HTTP/1.1 200"[: len(self.received)]):
                self.answer.set_exception(LoadError(f"no stream: {bytes(self.received[:300])!r}"))
        elif self.is_whole():
            self.answer.set_result(bytes(self.received))

    def is_whole(self) -> bool:
        if self.body_at < 0:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.received[:end]).lower()
            self.body_at = end + 4
            at = head.find(b"content-length:")
            self.body_end = self.body_at + int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else -1
        if self.body_end >= 0:
            return len(self.received) >= self.body_end
        return self.received.endswith(LAST_CHUNK)

    def send(self, request: bytes, wanted: bytes = b"") -> asyncio.Future[bytes]:
        """The answer, whole, or, where `wanted` is given, what has come when those bytes were in it."""
        assert self.transport is not None
        self.received.clear()
        self.body_at = self.body_end = -1
        answer = self.until(wanted)
        self.transport.write(request)
        return answer

    def until(self, wanted: bytes) -> asyncio.Future[bytes]:
        """What has come when those bytes are in it."""
        self.wanted = wanted
        self.answer = asyncio.get_running_loop().create_future()
        self.data_received(b"")
        return self.answer

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


@dataclass(frozen=True)
class Target:
    """Where chats are posted, and with what headers."""

    port: int
    model: str
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, prompt: str, *, stream: bool = False) -> bytes:
        messages = [{"role": "user", "content": prompt}]
        body = json.dumps({"model": self.model, "messages": messages, **({"stream": True} if stream else {})}).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
        )
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def post(connection: Connection, request: bytes) -> bytes:
    """The whole answer to a request; refuses any that is not 200."""
    answer = await connection.send(request)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise LoadError(f"refused: {answer[:600]!r}")
    return answer


async def drive_http(
    target: Target, prompts: Sequence[str], concurrency: int, requests: int, seconds: float, first: int = 0
) -> Measured:
    """Whole answers, as `drive` does. Connections and requests are there before the time starts."""
    written = [target.request(prompts[number % len(prompts)]) for number in range(first, first + requests)]
    connections = [await connect(target.port) for _ in range(concurrency)]

    def call_on(connection: Connection) -> Call:
        async def call(number: int) -> None:
            await post(connection, written[number - first])

        return call

    try:
        return await drive([call_on(connection) for connection in connections], requests, seconds, first)
    finally:
        for connection in connections:
            connection.close()


async def first_tokens(target: Target, prompts: Sequence[str], token: bytes, requests: int) -> Measured:
    """Times to the first token of streams, one after the other; each stream is read to its end before the next."""
    connection = await connect(target.port)
    measured = Measured()
    try:
        for number in range(requests):
            request = target.request(prompts[number % len(prompts)], stream=True)
            before = time.perf_counter()
            await asyncio.wait_for(connection.send(request, token), REQUEST_SECONDS)
            measured.latencies.append(time.perf_counter() - before)
            await asyncio.wait_for(connection.until(LAST_CHUNK), REQUEST_SECONDS)
    finally:
        connection.close()
    return measured


async def open_streams(target: Target, prompts: Sequence[str], token: bytes, count: int) -> list[Connection]:
    """That many streams, each with its first token read; a few are opened at a time."""
    pending = iter(range(count))
    streams: list[Connection] = []

    async def work() -> None:
        for number in pending:
            connection = await connect(target.port)
            streams.append(connection)
            request = target.request(prompts[number % len(prompts)], stream=True)
            await asyncio.wait_for(connection.send(request, token), REQUEST_SECONDS)

    await asyncio.gather(*(work() for _ in range(OPENING)))
    return streams
