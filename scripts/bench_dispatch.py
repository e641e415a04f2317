#!/usr/bin/env python3
"""`make bench-dispatch`: what Dispatch adds to a backend that answers at once, beside LiteLLM's proxy and Portkey's gateway.

All stand before the same backend (tests/bench/instant_backend.py), get the same prompts of about 1 KiB of prose from the
same client, and run at the same time, so that they can be measured in turns: a busy moment of the machine hits all of them.
The gateways check nothing; Cordon classifies every request and records it. Client, backend and gateway share the cores, so
the numbers under load are an upper bound; "backend alone" says what client and backend cost themselves. An aim is judged by
what the client sees, backend included, which is the harder reading; what was added to the backend alone stands beside it.

"rules only" is a policy of the default's rules under which everything is confidential: the rules reach the highest level
alone, so the model is skipped, as a policy may permit. No configuration and no caller switches the model off otherwise.

Everything is on loopback and bounded in requests and in time. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bench
import bench_gateways
import bench_load
import bench_prompts
import bench_report
import bench_streams
import stack
from bench_load import Measured, Target
from bench_site import GATEWAY_POLICY, Cordon, Site, backend

# Requests of one measurement at each level of concurrency, of which each has ROUNDS, in turns with all others.
LOADS = {1: 1000, 8: 2000, 64: 4000}
ROUNDS = 3
SECONDS = 2.0
WARM_UP = 64
# Prompts that come again and again, and so many that none comes twice.
FEW, MANY = 32, 20_000


@dataclass
class Row:
    """One line of the table: how it is measured at a level of concurrency, and what came of it."""

    name: str
    # The process whose time is counted.
    pid: int
    # Concurrency, requests, seconds, number of the first request.
    run: Callable[[int, int, float, int], Measured]
    sent: int = 0
    measured: dict[int, Measured] = field(default_factory=dict)

    def measure(self, concurrency: int, requests: int, seconds: float) -> Measured:
        before = bench.processor_seconds(self.pid)
        measured = self.run(concurrency, requests, seconds, self.sent)
        measured.processor_seconds = bench.processor_seconds(self.pid) - before
        self.sent += len(measured.latencies)
        return measured


def http_row(name: str, pid: int, target: Target, prompts: list[str]) -> Row:
    def run(concurrency: int, requests: int, seconds: float, first: int) -> Measured:
        return asyncio.run(bench_load.drive_http(target, prompts, concurrency, requests, seconds, first))

    return Row(name, pid, run)


def grpc_row(name: str, service: Cordon, method: Callable[[Any], Any], message: Callable[[int], Any]) -> Row:
    """Calls by grpcio over one channel; `method` makes a call of a channel."""

    async def run(concurrency: int, requests: int, seconds: float, first: int) -> Measured:
        import grpc

        async with grpc.aio.insecure_channel(service.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            send = method(channel)

            async def call(number: int) -> None:
                await send(message(number), timeout=bench_load.REQUEST_SECONDS)

            return await bench_load.drive([call] * concurrency, requests, seconds, first)

    return Row(name, service.pid, lambda *terms: asyncio.run(run(*terms)))


def dispatch_row(name: str, service: Cordon, stubs: Any, prompts: list[str]) -> Row:  # noqa: ANN401
    messages, grpc_stubs = stubs

    def message(number: int) -> Any:  # noqa: ANN401
        content = prompts[number % len(prompts)]
        return messages.DispatchRequest(messages=[messages.Message(role="ROLE_USER", content=content)])

    return grpc_row(name, service, lambda channel: grpc_stubs.DispatcherServiceStub(channel).Dispatch, message)


def health_row(name: str, service: Cordon) -> Row:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    request = health_pb2.HealthCheckRequest()
    return grpc_row(name, service, lambda channel: health_pb2_grpc.HealthStub(channel).Check, lambda _: request)


def expect(target: Target, prompt: str, level: str, route: str) -> None:
    """Sends one request and refuses to measure if it goes another way than the row says."""

    async def ask() -> bytes:
        connection = await bench_load.connect(target.port)
        try:
            return await asyncio.wait_for(bench_load.post(connection, target.request(prompt)), 60)
        finally:
            connection.close()

    head = asyncio.run(ask()).partition(b"\r\n\r\n")[0].decode().lower()
    for header in (f"x-cordon-level: {level}", f"x-cordon-route: {route}"):
        if header not in head:
            raise stack.StackError(f"a request that should have had `{header}` was answered with:\n{head}")


def durable_wait(service: Cordon) -> tuple[float, int]:
    """Seconds that cloud calls have waited for their records, and how many did."""
    with stack.direct.open(f"http://127.0.0.1:{service.metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = {
        name: re.search(rf"^cordon_audit_wait_seconds_{name} (\S+)$", text, re.MULTILINE) for name in ("sum", "count")
    }
    if not all(found.values()):
        return 0.0, 0
    return float(found["sum"][1]), int(found["count"][1])


def measure_rows(rows: list[Row], service: Cordon) -> dict[int, float]:
    """Measures all rows in turns; the mean wait of the cloud's rows for their records, in ms, by concurrency."""
    for row in rows:
        row.measure(4, WARM_UP, SECONDS * 4)
    waits = {}
    for concurrency, requests in LOADS.items():
        before = durable_wait(service)
        for turn in range(ROUNDS):
            print(f"{concurrency} at work, round {turn + 1} of {ROUNDS} …", file=sys.stderr, flush=True)
            for row in rows:
                row.measured.setdefault(concurrency, Measured()).add(row.measure(concurrency, requests, SECONDS))
        after = durable_wait(service)
        if after[1] > before[1]:
            waits[concurrency] = (after[0] - before[0]) / (after[1] - before[1]) * 1000
    return waits


def make_rows(
    gateways: list[bench_gateways.Gateway],
    backend: dict[str, Any],
    services: list[Cordon],
    stubs: Any,  # noqa: ANN401
) -> list[Row]:
    rules, default, gateway = services
    few, many, others = (bench_prompts.prompts(count, seed) for count, seed in ((FEW, 1), (MANY, 2), (MANY, 3)))
    for target, level, route in (
        (rules.target(), "confidential", "local"),
        (default.target(), "public", "local"),
        (gateway.target(), "public", "cloud"),
        (gateway.target(declared_level="internal"), "internal", "local"),
    ):
        for prompt in few:
            expect(target, prompt, level, route)
    name = bench_report
    kept = gateway.target(declared_level="internal")
    return [
        http_row(name.BACKEND, backend["pid"], Target(backend["port"], "instant"), few),
        *(http_row(gateway.name, gateway.pid, gateway.target, few) for gateway in gateways),
        http_row(name.RULES, rules.pid, rules.target(), few),
        http_row(name.MODEL_NEW, default.pid, default.target(), many),
        http_row(name.MODEL_SEEN, default.pid, default.target(), few),
        health_row(name.GRPC_ALONE, default),
        dispatch_row(name.RULES_GRPC, rules, stubs, few),
        dispatch_row(name.MODEL_NEW_GRPC, default, stubs, others),
        http_row(name.CLOUD, gateway.pid, gateway.target(), few),
        http_row(name.CLOUD_KEPT, gateway.pid, kept, few),
    ]


def run(program: Path, assets: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    too_few_files = bench_streams.raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="cordon-bench-") as name, contextlib.ExitStack() as parts:
        folder = Path(name)
        stubs = bench.load_stubs(folder, "dispatcher")
        site = Site(program, assets, folder, parts.enter_context(backend(folder)))
        with contextlib.ExitStack() as measured:
            services = [
                measured.enter_context(service)
                for service in (
                    site.cordon("rules", "instant", policy=site.rules_only()),
                    site.cordon("default", "instant"),
                    site.cordon("gateway", "instant", policy=GATEWAY_POLICY, sides=("local", "cloud")),
                )
            ]
            gateways = []
            if not options.no_peers:
                python = bench_gateways.environment()
                for start in (bench_gateways.portkey, bench_gateways.litellm):
                    gateways.append(measured.enter_context(start(python, site.backend["url"], folder)))
            rows = make_rows(gateways, site.backend, services, stubs)
            waits = measure_rows(rows, services[-1])
        print("streams …", file=sys.stderr, flush=True)
        return bench_report.report(
            {row.name: row.measured for row in rows},
            [gateway.name for gateway in gateways],
            waits,
            bench_streams.first_tokens(site),
            bench_streams.held(site, stubs, too_few_files),
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench_dispatch.py", description="Measures what Dispatch adds.")
    parser.add_argument("--program", type=Path, help="this `cordon` instead of a release build")
    parser.add_argument("--no-peers", action="store_true", help="do not set up and run LiteLLM and Portkey")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    options = parser.parse_args()
    stack.signals_end_the_program()
    try:
        program = options.program or stack.build("release")
        assets = stack.fetch_assets("runtime")
        bench.print_machine(program, assets)
        before = os.getloadavg()
        results = run(program, assets, options)
        results["load_average"] = {"start": before, "end": os.getloadavg()}
        bench_report.show(results, bench.Table())
        if options.json is not None:
            options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    except (stack.StackError, bench_load.LoadError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
