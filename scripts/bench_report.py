"""What `make bench-dispatch` says of its measurements: the table, what was added to the backend alone, and which aims are
met. It measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench_load import Measured

BACKEND = "backend alone"
RULES = "Cordon, rules only"
MODEL_NEW = "Cordon, model, every text new"
MODEL_SEEN = "Cordon, model, texts seen before"
GRPC_ALONE = "gRPC alone: a health check"
RULES_GRPC = "Cordon by gRPC, rules only"
MODEL_NEW_GRPC = "Cordon by gRPC, model, every text new"
CLOUD = "Cordon, cloud route, texts seen before"
CLOUD_KEPT = "Cordon, the same kept local"

# What the aims are: Cordon's p50 and p99 are under this share of Portkey's, its rate at least so many times Portkey's, and a
# stream takes less memory than this.
SHARE_OF_PORTKEY = 0.5
TIMES_PORTKEY = 4.0
STREAM_KIB = 32.0


class Printer(Protocol):
    def section(self, title: str) -> None: ...

    def row(self, name: str, value: str, remark: str = "") -> None: ...


@dataclass(frozen=True)
class Streams:
    """Memory of the service in MiB before and with so many streams open; None where it was not measured, with the reason."""

    count: int
    before: float | None
    with_all: float | None
    skipped: str | None

    @property
    def kib_each(self) -> float | None:
        if self.before is None or self.with_all is None:
            return None
        return (self.with_all - self.before) * 1024 / self.count


@dataclass(frozen=True)
class Aim:
    """One aim at one level of concurrency."""

    text: str
    concurrency: int
    reached: float
    wanted: float
    # Whether more is better.
    more: bool = False

    @property
    def met(self) -> bool:
        return self.reached >= self.wanted if self.more else self.reached < self.wanted


Rows = Mapping[str, Mapping[int, Measured]]


def lines(rows: Rows) -> list[dict[str, Any]]:
    """One line for each row and level of concurrency, with what it adds to the backend alone at the same level."""
    found = []
    for name, levels in rows.items():
        for concurrency, measured in levels.items():
            alone = rows[BACKEND][concurrency]
            found.append(
                {
                    "name": name,
                    "concurrency": concurrency,
                    "requests": len(measured.latencies),
                    "p50_ms": measured.p50,
                    "p99_ms": measured.p99,
                    "per_second": measured.per_second,
                    "processor_ms": measured.processor_ms,
                    "added_p50_ms": measured.p50 - alone.p50,
                    "added_p99_ms": measured.p99 - alone.p99,
                }
            )
    return found


def aims(rows: Rows, gateways: Sequence[str]) -> list[Aim]:
    """Those that the measured gateways allow to judge."""
    found = []
    for gateway in gateways:
        for concurrency, theirs in rows[gateway].items():
            rules, model = rows[RULES][concurrency], rows[MODEL_NEW][concurrency]
            if gateway.startswith("Portkey"):
                for quantile in ("p50", "p99"):
                    share = getattr(rules, quantile) / getattr(theirs, quantile)
                    found.append(Aim(f"rules only, {quantile} against {gateway}", concurrency, share, SHARE_OF_PORTKEY))
                times = rules.per_second / theirs.per_second
                found.append(Aim(f"rules only, rate against {gateway}", concurrency, times, TIMES_PORTKEY, more=True))
            else:
                found.append(Aim(f"model, p50 against {gateway}", concurrency, model.p50 / theirs.p50, 1.0))
    return found


def report(
    rows: Rows,
    gateways: Sequence[str],
    waits: Mapping[int, float],
    first: Mapping[str, Measured],
    streams: Mapping[str, Streams],
) -> dict[str, Any]:
    """Everything that was found, as it is written for machines."""
    judged = aims(rows, gateways)
    return {
        "rows": lines(rows),
        "gateways": list(gateways),
        "aims": [{**vars(aim), "met": aim.met} for aim in judged],
        "durable_record_mean_ms": {str(concurrency): wait for concurrency, wait in waits.items()},
        "first_token": [
            {
                "name": name,
                "streams": len(measured.latencies),
                "p50_ms": measured.p50,
                "p99_ms": measured.p99,
                "added_p50_ms": measured.p50 - first[BACKEND].p50,
                "added_p99_ms": measured.p99 - first[BACKEND].p99,
            }
            for name, measured in first.items()
        ],
        "open_streams": {door: {**vars(held), "kib_each": held.kib_each} for door, held in streams.items()},
    }


def show(results: Mapping[str, Any], table: Printer) -> None:
    """Prints it for people."""
    for concurrency in dict.fromkeys(line["concurrency"] for line in results["rows"]):
        table.section(f"{concurrency} at work: p50 and p99 in ms (added to the backend alone), its own processor time")
        for line in results["rows"]:
            if line["concurrency"] == concurrency:
                remark = f"p50 {line['p50_ms']:8.2f} ({line['added_p50_ms']:+8.2f})   "
                remark += f"p99 {line['p99_ms']:8.2f} ({line['added_p99_ms']:+8.2f})   "
                remark += f"{line['processor_ms']:7.2f} ms of a core   {line['requests']} requests"
                table.row(line["name"], f"{line['per_second']:.0f} requests/s", remark)
    table.section("The cloud route: wait of a call for its durable record, by the service's own clock")
    for concurrency, wait in results["durable_record_mean_ms"].items():
        table.row(f"{concurrency} at work, mean", f"{wait:.2f} ms")
    table.section("Time to the first token of a stream, one at a time")
    for line in results["first_token"]:
        remark = f"p50 {line['added_p50_ms']:+.2f}, p99 {line['added_p99_ms']:+.2f} ms; {line['streams']} streams"
        table.row(line["name"], f"{line['p50_ms']:.2f} / {line['p99_ms']:.2f} ms", remark)
    table.section("Memory of open streams")
    for door, streams in results["open_streams"].items():
        if streams["kib_each"] is None:
            table.row(f"by {door}, each", "SKIPPED", streams["skipped"] or "this system has no /proc")
        else:
            sizes = f"{streams['before']:.0f} MiB before, {streams['with_all']:.0f} with {streams['count']}"
            verdict = "met" if streams["kib_each"] < STREAM_KIB else "missed"
            aim = f"{sizes}; aim: under {STREAM_KIB:.0f} KiB: {verdict}"
            table.row(f"by {door}, each", f"{streams['kib_each']:.1f} KiB", aim)
    table.section("Aims, as ratios of what the client sees")
    for aim in results["aims"]:
        sign = "at least" if aim["more"] else "under"
        verdict = "met" if aim["met"] else "missed"
        table.row(
            f"{aim['text']}, {aim['concurrency']} at work",
            f"{aim['reached']:.2f}",
            f"{sign} {aim['wanted']:g}: {verdict}",
        )
    if not results["aims"]:
        table.row("no other gateway was measured", "SKIPPED")
