#!/usr/bin/env python3
"""Measures bulk classification over NATS: documents a second, and what each costs the workers, the server and the feeder.

All on one machine: a NATS server, one feeder, and one worker, then two. Each worker has one lane of the model, so that two
workers are two cores' work. What says most is the processor time for each document: it does not depend on how many cores
were free, and docs/bulk.md plans from it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import queue_server
import stack

CORPUS = stack.ROOT / "tests" / "corpus"
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def corpus(folder: Path, number: int) -> tuple[Path, int]:
    """So many texts of our own corpus, each once a round with a number of its own, so that no cache helps."""
    texts = []
    for path in sorted(CORPUS.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    file, total = folder / "corpus.jsonl", 0
    with file.open("w", encoding="utf-8") as out:
        for n in range(number):
            text = f"{texts[n % len(texts)]}\nNo. {n}"
            total += len(text.encode())
            out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return file, total


def measure(program: Path, assets: dict[str, str], nats: str, workers: int, number: int, lanes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cordon-bench-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        file, total = corpus(folder, number)
        config = folder / "worker.toml"
        config.write_text(f"[ner]\nlanes = {lanes}\n", encoding="utf-8")
        server = running.enter_context(queue_server.QueueServer(nats, folder))
        assert server.process is not None
        environment = stack.service_environment(assets) | {"CORDON_DATA_DIR": str(folder / "data")}
        names = [f"worker-{n}" for n in range(workers)]
        options = ["--config", str(config)]
        crew = running.enter_context(queue_server.workers(program, assets, server, folder, names, *options))
        before = [processor_seconds(process.pid) for process in crew]
        server_before = processor_seconds(server.process.pid)
        begun = time.monotonic()
        feeding = subprocess.Popen(
            [str(program), "scan", "--nats", server.url, "--json", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        feeder = 0.0
        while feeding.poll() is None:
            with contextlib.suppress(OSError, IndexError):
                feeder = processor_seconds(feeding.pid)
            time.sleep(0.02)
        seconds = time.monotonic() - begun
        assert feeding.stdout is not None
        report = json.loads(feeding.stdout.read())
        if (report["stored"], report["lost"]) != (number, 0):
            raise stack.StackError(f"the run is not whole: {report}")
        used = sum(processor_seconds(process.pid) for process in crew) - sum(before)
        return {
            "workers": workers,
            "lanes": lanes,
            "documents": number,
            "bytes": total,
            "seconds": round(seconds, 2),
            "documents_per_second": round(number / seconds, 1),
            "megabytes_per_second": round(total / seconds / 1e6, 3),
            "worker_ms_per_document": round(used / number * 1e3, 3),
            "worker_ms_per_kilobyte": round(used / total * 1e6, 3),
            "server_ms_per_document": round((processor_seconds(server.process.pid) - server_before) / number * 1e3, 3),
            "feeder_ms_per_document": round(feeder / number * 1e3, 3),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures bulk classification over NATS.")
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--lanes", type=int, default=1, help="lanes of the model in each worker")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    stack.signals_end_the_program()
    try:
        program = Path(os.environ["CORDON_BIN"]) if "CORDON_BIN" in os.environ else stack.build()
        assets = stack.fetch_assets()
        nats = stack.fetch_assets("nats")["nats_server"]
        rows = [
            measure(program, assets, nats, workers, options.documents, options.lanes) for workers in options.workers
        ]
    except stack.StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(rows))
        return 0
    print(
        f"{options.documents} documents of tests/corpus, {rows[0]['bytes'] / options.documents:.0f} bytes each on average"
    )
    print(f"load of the other processes: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("workers  documents/s   MB/s   processor ms a document: worker  server  feeder and collector")
    for row in rows:
        print(
            f"{row['workers']:7}  {row['documents_per_second']:11.1f}  {row['megabytes_per_second']:5.3f}"
            f"{row['worker_ms_per_document']:33.2f}{row['server_ms_per_document']:8.2f}{row['feeder_ms_per_document']:8.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
