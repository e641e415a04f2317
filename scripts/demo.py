#!/usr/bin/env python3
"""`make demo`: a whole small installation in one command, and what it does with a dozen telling requests.

It builds Cordon, fetches the pinned assets, starts the local model and the service on free loopback ports with a
temporary data directory, sends each request through `cordon dispatch`, and shows the level, why, where the request went
and what the model answered. Then it shows what the audit log holds, that its chain is intact and that none of the
sensitive values is in it, and writes the report of that log. It needs no cloud key, sends nothing off this machine,
and stops all that it started.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import stack
from demo_texts import REQUESTS, Request

ANSWER_TOKENS = 40
REQUEST_SECONDS = 120
# Beside the sources, where git does not look.
REPORT = stack.ROOT / "demo-report.html"
COLOURS = {"public": "32", "internal": "33", "confidential": "31"}


def paint(text: str, colour: str | None) -> str:
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{colour}m{text}\x1b[0m" if wanted and colour else text


def fit(text: str, width: int) -> str:
    """The text on one line of exactly this width; numbers stand on the right."""
    text = " ".join(text.split())
    if text.isdigit():
        return text.rjust(width)
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


class Table:
    """Rows of fixed widths, so that each is shown as soon as it is known. The last column takes what is left."""

    def __init__(self, columns: list[tuple[str, int]]) -> None:
        width = shutil.get_terminal_size((150, 24)).columns
        used = sum(column_width + 2 for _, column_width in columns[:-1])
        self.widths = [column_width for _, column_width in columns[:-1]]
        self.widths.append(max(width - used, columns[-1][1]))
        self.row([name for name, _ in columns], "1")
        print("  ".join("─" * column_width for column_width in self.widths), flush=True)

    def row(self, cells: list[str], colour: str | None = None, coloured: int | None = None) -> None:
        fitted = [fit(cell, width) for cell, width in zip(cells, self.widths, strict=True)]
        painted = [paint(c, colour) if coloured in (None, i) else c for i, c in enumerate(fitted)]
        print("  ".join(painted).rstrip(), flush=True)


def dispatch(program: Path, address: str, request: Request) -> dict[str, Any]:
    """Sends one request with the program's own client; the text goes through standard input."""
    command = [str(program), "dispatch", "--server", f"http://{address}", "--json", *request.options, "--input", "-"]
    done = subprocess.run(
        command, input=request.text, capture_output=True, text=True, timeout=REQUEST_SECONDS, check=False
    )
    if done.returncode != 0:
        raise stack.StackError(f"`cordon dispatch` failed for “{request.kind}”: {done.stderr.strip()}")
    return json.loads(done.stdout)


def names(reasons: list[Any]) -> str:
    return ", ".join(str(reason["rule"] if isinstance(reason, dict) else reason) for reason in reasons)


def send_all(program: Path, address: str) -> list[tuple[Request, dict[str, Any]]]:
    table = Table(
        [("REQUEST", 31), ("LEVEL", 13), ("WHY", 30), ("ROUTE", 5), ("MODEL", 21), (" MS", 5), ("ANSWER", 24)]
    )
    results = []
    for request in REQUESTS:
        result = dispatch(program, address, request)
        results.append((request, result))
        level = str(result["level"])
        surprise = "" if level == request.expected else "!"
        cells = [
            request.kind,
            level + surprise,
            names(result["reasons"]) or "nothing found",
            str(result["route"]),
            str(result["model"]),
            f"{result['total_ms']:.0f}",
            str(result["content"]),
        ]
        table.row(cells, COLOURS.get(level), coloured=1)
    return results


def tell_of_cloud(results: list[tuple[Request, dict[str, Any]]]) -> None:
    would = [request.kind for request, result in results if result.get("reason") == "no_cloud_backend"]
    print("\nNo cloud key is configured, so nothing left this machine.")
    if would:
        print(f"With one, the policy would have sent to the cloud: {'; '.join(would)}.")
    print(
        "All the others stay on local inference whatever is configured: their level or their simplicity keeps them here."
    )


def tell_of_surprises(results: list[tuple[Request, dict[str, Any]]]) -> None:
    for request, result in results:
        if result["level"] != request.expected:
            print(f"! “{request.kind}” was judged {result['level']}; expected was {request.expected}.")


def run_audit(program: Path, data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), "audit", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def read_records(text: str) -> list[dict[str, Any]]:
    """One JSON document, or one a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return whole.get("decisions", [whole]) if isinstance(whole, dict) else whole


def tell_of_audit(program: Path, data_dir: Path) -> None:
    listed = run_audit(program, data_dir, "list", "--json")
    if listed.returncode != 0:
        raise stack.StackError(f"`cordon audit list` failed: {listed.stderr.strip()}")
    records = read_records(listed.stdout)
    levels = [str(record.get("level", "")).lower().removeprefix("sensitivity_") for record in records]
    counts = ", ".join(f"{levels.count(level)} {level}" for level in COLOURS if level in levels)
    print(f"\nThe audit log holds {len(records)} decisions ({counts}).")
    verified = run_audit(program, data_dir, "verify")
    for line in (verified.stdout + verified.stderr).strip().splitlines():
        print(f"  cordon audit verify: {line}")
    if verified.returncode != 0:
        raise stack.StackError("the audit log did not verify")
    canaries = [canary for request in REQUESTS for canary in request.canaries]
    found = [canary for canary in canaries if in_any_file(data_dir, canary)]
    if found:
        raise stack.StackError(f"{len(found)} of {len(canaries)} sensitive values stand in the audit log")
    print(f"  none of the {len(canaries)} sensitive values of the requests is in any of its files")


def write_report(program: Path, data_dir: Path, report: Path) -> None:
    done = run_audit(program, data_dir, "report", "--output", str(report))
    if done.returncode != 0:
        raise stack.StackError(f"`cordon audit report` failed: {done.stderr.strip()}")


def in_any_file(folder: Path, value: str) -> bool:
    return any(value.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def demo(program: Path | None, report: Path) -> int:
    with contextlib.ExitStack() as parts:
        program = program or stack.build("release")
        assets = stack.fetch_assets()
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="cordon-demo-")))
        # The environment may choose a proxy or a policy; the demo shows the defaults.
        started = time.monotonic()
        model = parts.enter_context(stack.local_model(folder, ANSWER_TOKENS, log=folder / "local-model.log"))
        config = stack.backend("local-model", model["url"], model["model"])
        service = parts.enter_context(stack.service(program, folder, assets, config, log=folder / "cordon.log"))
        print(
            f"Cordon serves at {service['address']}, {model['model']} at {model['url']}; both ready after "
            f"{time.monotonic() - started:.1f} s\n",
            flush=True,
        )
        results = send_all(program, service["address"])
        tell_of_surprises(results)
        tell_of_cloud(results)
        tell_of_audit(program, service["data_dir"])
        write_report(program, service["data_dir"], report)
        print(f"\nThe local model is very small ({model['model']}): the routes are the point, not its answers.")
    print("Stopped the service and the model, and removed their data.")
    print(f"\nThe report on this log: {report} (open it in a browser; it needs no network)")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo.py", description="Shows Cordon with a dozen requests.")
    parser.add_argument("--program", type=Path, help="this `cordon` instead of a release build")
    parser.add_argument("--report", type=Path, default=REPORT, help=f"where to write the report [{REPORT.name}]")
    options = parser.parse_args()
    stack.signals_end_the_program()
    try:
        return demo(options.program, options.report.resolve())
    except stack.StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
