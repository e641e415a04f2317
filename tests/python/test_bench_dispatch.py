"""What `make bench-dispatch` computes and prints, without measuring anything."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import bench_load
import bench_prompts
import bench_report
import pytest
import stack
from bench_load import Measured

BACKEND = stack.ROOT / "tests" / "bench" / "instant_backend.py"
PORTKEY, LITELLM = "Portkey 1", "LiteLLM 1"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([7], 0.5, 7), ([7], 0.99, 7), ([1, 2, 3, 4], 0.5, 2), (range(1, 101), 0.99, 99), (range(1, 1001), 0.99, 990)],
)
def test_a_percentile_is_a_value_that_was_measured(values: Any, share: float, expected: float) -> None:
    assert bench_load.percentile(list(values), share) == expected


def test_rounds_are_joined() -> None:
    joined = Measured()
    for latencies, rate in (([0.001, 0.003], 10), ([0.002], 30), ([0.1], 20)):
        joined.add(Measured(latencies, [rate], 0.002))
    assert (joined.p50, joined.p99, joined.per_second) == (2, 100, 20)
    assert joined.processor_ms == pytest.approx(1.5)


def test_prompts_are_about_a_kibibyte_differ_and_come_again_by_seed() -> None:
    prompts = bench_prompts.prompts(2000, 5)
    assert len(set(prompts)) == 2000
    assert all(bench_prompts.SHORTEST <= len(prompt) <= bench_prompts.LONGEST for prompt in prompts)
    assert prompts == bench_prompts.prompts(2000, 5)
    assert prompts != bench_prompts.prompts(2000, 6)


def measured(milliseconds: float, rate: float) -> dict[int, Measured]:
    return {8: Measured([milliseconds / 1000] * 10, [rate], 0.02)}


def results(rules: float = 0.9, rate: float = 400, model: float = 11, **streams: Any) -> dict[str, Any]:
    rows = {
        bench_report.BACKEND: measured(0.25, 4000),
        PORTKEY: measured(2, 100),
        LITELLM: measured(12, 70),
        bench_report.RULES: measured(rules, rate),
        bench_report.MODEL_NEW: measured(model, 90),
    }
    first = {bench_report.BACKEND: measured(1, 1)[8], bench_report.RULES: measured(1.5, 1)[8]}
    memory = {"count": 1000, "before": 100.0, "with_all": 120.0, "skipped": None, **streams}
    return bench_report.report(rows, [PORTKEY, LITELLM], {8: 1.25}, first, {"HTTP": bench_report.Streams(**memory)})


def test_what_is_added_is_more_than_the_backend_alone() -> None:
    lines = {line["name"]: line for line in results()["rows"]}
    assert lines[bench_report.BACKEND]["added_p50_ms"] == 0
    assert lines[bench_report.RULES]["added_p50_ms"] == pytest.approx(0.65)
    assert lines[PORTKEY]["added_p99_ms"] == pytest.approx(1.75)


def test_aims_are_judged_against_the_gateways() -> None:
    assert [aim["met"] for aim in results()["aims"]] == [True] * 4
    assert [aim["met"] for aim in results(rules=1.0)["aims"]] == [False, False, True, True]
    assert [aim["met"] for aim in results(rate=399)["aims"]] == [True, True, False, True]
    assert [aim["met"] for aim in results(model=12)["aims"]] == [True, True, True, False]


class Lines:
    """Gathers what would be printed."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def section(self, title: str) -> None:
        self.all.append(title)

    def row(self, name: str, value: str, remark: str = "") -> None:
        self.all.append(f"{name}: {value} {remark}")


def shown(of: dict[str, Any]) -> str:
    lines = Lines()
    bench_report.show(of, lines)
    return "\n".join(lines.all)


def test_the_table_says_what_is_met_and_what_is_missed() -> None:
    text = shown(results())
    assert "missed" not in text
    assert f"{bench_report.RULES}: 400 requests/s p50     0.90 (   +0.65)" in text
    assert "2.00 ms of a core   10 requests" in text
    assert "by HTTP, each: 20.5 KiB 100 MiB before, 120 with 1000; aim: under 32 KiB: met" in text
    assert "rules only, rate against Portkey 1, 8 at work: 4.00 at least 4: met" in text
    assert "8 at work, mean: 1.25 ms" in text
    assert shown(results(rules=1.0, with_all=132.0)).count("missed") == 3


def test_what_was_not_measured_is_said() -> None:
    text = shown(results(before=None, with_all=None, skipped="the limit is 7"))
    assert "by HTTP, each: SKIPPED the limit is 7" in text


def test_the_client_reads_what_the_instant_backend_answers(tmp_path: Path) -> None:
    ready_file = tmp_path / "ready.json"
    command = [sys.executable, str(BACKEND), "--ready-file", str(ready_file)]
    prompts = bench_prompts.prompts(3, 1)

    async def measure(port: int) -> None:
        plain = bench_load.Target(port, "instant")
        driven = await bench_load.drive_http(plain, prompts, concurrency=4, requests=40, seconds=20)
        assert len(driven.latencies) == 40
        paced = await bench_load.first_tokens(bench_load.Target(port, "paced"), prompts, b'"Tides"', 2)
        assert len(paced.latencies) == 2
        streams = await bench_load.open_streams(bench_load.Target(port, "held"), prompts, b'"Tides"', 20)
        assert len(streams) == 20
        assert not any(bench_load.LAST_CHUNK in stream.received for stream in streams)
        for stream in streams:
            stream.close()
        connection = await bench_load.connect(port)
        with pytest.raises(bench_load.LoadError, match="404"):
            await bench_load.post(connection, b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        connection.close()

    with stack.running(command, ready_file, "the instant backend", tmp_path / "log") as (_, ready):
        asyncio.run(measure(ready["port"]))
