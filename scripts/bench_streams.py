"""The streams of `make bench-dispatch`: how late the first token comes, and what an open stream holds of the memory."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from typing import Any

import bench
import bench_load
import bench_prompts
import bench_report
from bench_load import Measured, Target
from bench_site import OPEN_STREAMS, Cordon, Site

ONE_BY_ONE = 150
# The service takes 200 at most on one connection.
STREAMS_OF_A_CHANNEL = 100
# As it stands in every answer of the instant backend.
FIRST_TOKEN = b'"Tides"'
PROMPTS = bench_prompts.prompts(32, seed=1)


def first_tokens(site: Site) -> dict[str, Measured]:
    """Times to the first token, one stream at a time; the backend sends it at once, and the others with pauses."""
    new = bench_prompts.prompts(2 * ONE_BY_ONE, seed=4)
    with site.cordon("paced-rules", "paced", policy=site.rules_only()) as rules, site.cordon("paced", "paced") as model:
        found = {}
        for name, target, prompts in (
            (bench_report.BACKEND, Target(site.backend["port"], "paced"), PROMPTS),
            (bench_report.RULES, rules.target(), PROMPTS),
            (bench_report.MODEL_NEW, model.target(), new),
        ):
            asyncio.run(bench_load.first_tokens(target, prompts[::-1], FIRST_TOKEN, 10))
            found[name] = asyncio.run(bench_load.first_tokens(target, prompts, FIRST_TOKEN, ONE_BY_ONE))
        return found


def held(site: Site, stubs: Any, too_few_files: str | None) -> dict[str, bench_report.Streams]:  # noqa: ANN401
    """Memory with OPEN_STREAMS open, by each door, each of a service of its own."""
    found = {}
    for door in ("HTTP", "gRPC"):
        sizes: tuple[float | None, float | None] = (None, None)
        if too_few_files is None:
            with site.cordon(f"held-{door}", "held", policy=site.rules_only()) as service:
                opened = http_streams(service) if door == "HTTP" else grpc_streams(service, stubs)
                sizes = asyncio.run(hold(opened, service.pid))
        found[door] = bench_report.Streams(OPEN_STREAMS, *sizes, too_few_files)
    return found


# Opens so many streams and yields once each has its first token.
Opening = Callable[[int], contextlib.AbstractAsyncContextManager[None]]


def http_streams(service: Cordon) -> Opening:
    """Each on a connection of its own."""

    @contextlib.asynccontextmanager
    async def opened(count: int) -> AsyncIterator[None]:
        streams = await bench_load.open_streams(service.target(), PROMPTS, FIRST_TOKEN, count)
        try:
            yield
        finally:
            for stream in streams:
                stream.close()

    return opened


def grpc_streams(service: Cordon, stubs: Any) -> Opening:  # noqa: ANN401
    """STREAMS_OF_A_CHANNEL on each connection."""
    import grpc

    messages, grpc_stubs = stubs
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]

    @contextlib.asynccontextmanager
    async def opened(count: int) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as channels:
            pending, calls, ready = iter(range(count)), [], []
            for _ in range(-(-count // STREAMS_OF_A_CHANNEL)):
                channel = await channels.enter_async_context(
                    grpc.aio.insecure_channel(service.address, options=options)
                )
                ready.append(grpc_stubs.DispatcherServiceStub(channel))

            async def work() -> None:
                for number in pending:
                    content = PROMPTS[number % len(PROMPTS)]
                    message = messages.DispatchRequest(messages=[messages.Message(role="ROLE_USER", content=content)])
                    call = ready[number % len(ready)].DispatchStream(message, timeout=2 * bench_load.REQUEST_SECONDS)
                    calls.append(call)
                    while (await call.read()).WhichOneof("event") != "delta":
                        pass

            await asyncio.gather(*(work() for _ in range(bench_load.OPENING)))
            yield
            for call in calls:
                call.cancel()

    return opened


async def hold(opened: Opening, pid: int) -> tuple[float | None, float | None]:
    """MiB of the process before, and with OPEN_STREAMS open."""
    # What is made once, such as the caches of the rules, is there before.
    for _ in range(10):
        async with opened(50):
            pass
    await asyncio.sleep(1)
    before = bench.memory_mib(pid, "VmRSS")
    async with opened(OPEN_STREAMS):
        await asyncio.sleep(1)
        return before, bench.memory_mib(pid, "VmRSS")


def raise_file_limit() -> str | None:
    """Room for the files of OPEN_STREAMS here and, inherited, in what is started; or why there is none."""
    # The service has a connection to the caller and one to the backend for each stream.
    wanted = 2 * OPEN_STREAMS + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return f"{OPEN_STREAMS} streams need {wanted} open files and the limit is {hard}; raise it with `ulimit -Hn`"
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return None
