"""What `make bench-dispatch` measures in: the backend that answers at once, and the services before it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_gateways
import stack
from bench_load import Target

BACKEND = stack.ROOT / "tests" / "bench" / "instant_backend.py"
DEFAULT_POLICY = stack.ROOT / "policy" / "default.toml"
# All public text to the cloud.
GATEWAY_POLICY = stack.ROOT / "policy" / "gateway.toml"
OPEN_STREAMS = 1000
RULES_ONLY = """
[[rule]]
id = "bench_everything"
level = "confidential"
description = "Everything stays here, so the model is not asked."
when = { always = true }
"""


@dataclass(frozen=True)
class Cordon:
    """A service that runs."""

    address: str
    pid: int
    metrics: int

    def target(self, **headers: str) -> Target:
        named = {f"x-cordon-{name.replace('_', '-')}": value for name, value in headers.items()}
        return Target(int(self.address.rpartition(":")[2]), "cordon", named)


@contextlib.contextmanager
def backend(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields its `port`, `url` and `pid`."""
    ready_file = folder / "backend-ready.json"
    command = [sys.executable, str(BACKEND), "--ready-file", str(ready_file)]
    with stack.running(command, ready_file, "the instant backend", folder / "backend.log") as (_, ready):
        yield ready


@dataclass(frozen=True)
class Site:
    """Where services are started."""

    program: Path
    assets: dict[str, str]
    folder: Path
    backend: dict[str, Any]

    def rules_only(self) -> Path:
        """The policy of the rows without the model: the default's rules, and one more at their end that always holds."""
        policy = self.folder / "rules-only.toml"
        rules = DEFAULT_POLICY.read_text(encoding="utf-8").partition("\n[[test]]")[0]
        policy.write_text(rules + RULES_ONLY, encoding="utf-8")
        return policy

    @contextlib.contextmanager
    def cordon(
        self, name: str, model: str, policy: Path | None = None, sides: Sequence[str] = ("local",)
    ) -> Iterator[Cordon]:
        """A service whose backends ask for this model of the instant backend."""
        folder = self.folder / name
        folder.mkdir()
        metrics = bench_gateways.free_port()
        config = f"policy = {json.dumps(str(policy))}\n" if policy else ""
        config += f"[server.limits]\nmax_dispatches = {2 * OPEN_STREAMS}\n"
        config += f'[telemetry]\nmetrics_listen = "127.0.0.1:{metrics}"\n'
        for side in sides:
            config += stack.backend(f"instant-{side}", self.backend["url"], model, side)
        with stack.service(self.program, folder, self.assets, config, log=folder / "cordon.log") as ready:
            yield Cordon(ready["address"], ready["pid"], metrics)
