"""Starts and stops the parts of a small Cordon installation: the local model server and the service itself.

The demo, `make serve`, the benchmark and the Python tests share it. Everything it starts listens on loopback, on a
port that the kernel chose, and ends with the program that started it, on every way out of it: each part is a context
manager, signals become ordinary exits, and on Linux the kernel ends the children of a killed parent. It decides
nothing about texts.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FETCH = ROOT / "assets" / "fetch.py"
LOCAL_MODEL_SERVER = ROOT / "assets" / "local_model_server.py"
OLLAMA_URL = "http://127.0.0.1:11434"

# Loading a model on a busy two-core machine stays far under this.
START_SECONDS = 60.0
# Longer than the service's own time for requests at work.
STOP_SECONDS = 30.0

# Talks to loopback only, whatever proxy the environment names.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StackError(Exception):
    """A part that could not be built or started; the message says what to do next."""


def signals_end_the_program() -> None:
    """Makes SIGTERM and SIGHUP leave every `with` block, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def build(profile: str = "release") -> Path:
    """Builds the program and says where it is."""
    command = [os.environ.get("CARGO", "cargo"), "build", "--locked", "--bin", "cordon"]
    if profile == "release":
        command.append("--release")
    command += ["--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise StackError("the build failed (see above)")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        made = message.get("executable") if message.get("reason") == "compiler-artifact" else None
        if made and message["target"]["name"] == "cordon":
            return Path(made)
    raise StackError("cargo named no program; is `cordon` still the name of the binary in Cargo.toml?")


def fetch_assets(*groups: str) -> dict[str, str]:
    """Fetches what is missing and says where each file lies (see assets/fetch.py)."""
    done = subprocess.run(
        [sys.executable, str(FETCH), "--json", *groups], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise StackError("the assets could not be fetched (see above)")
    return json.loads(done.stdout)


def service_environment(assets: dict[str, str]) -> dict[str, str]:
    """The environment of `cordon`: the library's place is named, and no model, so the one in the program is taken."""
    environment = dict(os.environ)
    environment["CORDON_ONNXRUNTIME"] = assets["onnxruntime"]
    for name in ("CORDON_CONFIG", "CORDON_DATA_DIR", "CORDON_NER_MODEL", "CORDON_POLICY"):
        environment.pop(name, None)
    return environment


def end_with_parent() -> None:
    """Runs in the child before its program: the kernel sends SIGTERM when the parent is gone (prctl(2), 1)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)


def wait_for_file(process: subprocess.Popen[Any], ready_file: Path, what: str, log: Path | None) -> dict[str, Any]:
    """Waits until the process has written its ready file, and reads it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ready_file.exists():
            return json.loads(ready_file.read_text(encoding="utf-8"))
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise not_ready(process, what, log)


def not_ready(process: subprocess.Popen[Any], what: str, log: Path | None) -> StackError:
    """What to say of a program that did not become ready."""
    state = "was not ready in time" if process.poll() is None else f"ended with code {process.returncode}"
    said = ""
    if log is not None and log.exists():
        said = "; it said last:\n" + "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    return StackError(f"{what} {state}{said}")


@contextlib.contextmanager
def started(
    command: list[str], log: Path | None, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[Any]]:
    """Starts a program, and stops it at the end, whatever happens in between."""
    sink = log.open("ab") if log is not None else None
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment,
            # Ctrl-C reaches this program only, which stops its parts in the right order: the service before its model.
            start_new_session=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )
    finally:
        if sink is not None:
            sink.close()
    try:
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def running(
    command: list[str], ready_file: Path, what: str, log: Path | None, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[Any], dict[str, Any]]]:
    """Starts a program, waits for its ready file, and stops it at the end, whatever happens in between."""
    ready_file.unlink(missing_ok=True)
    with started(command, log, environment) as process:
        yield process, wait_for_file(process, ready_file, what, log)


def stop(process: subprocess.Popen[Any]) -> None:
    """Asks the process to end, and ends it if it does not."""
    if process.poll() is None:
        process.terminate()
    # A second Ctrl-C while we wait must not leave it running.
    try:
        process.wait(STOP_SECONDS)
    except BaseException:
        process.kill()
        process.wait()
        raise


@contextlib.contextmanager
def local_model(
    folder: Path, answer_tokens: int | None = None, log: Path | None = None, slots: bool = False
) -> Iterator[dict[str, Any]]:
    """The pinned local model; yields `url` (with /v1), `port`, `pid` and `model`. `slots`: it tells what is at work."""
    ready_file = folder / "local-model-ready.json"
    command = [sys.executable, str(LOCAL_MODEL_SERVER), "--ready-file", str(ready_file)]
    if answer_tokens is not None:
        command += ["--answer-tokens", str(answer_tokens)]
    if slots:
        command += ["--slots"]
    with running(command, ready_file, "the local model server", log) as (_, ready):
        yield ready


def backend(name: str, url: str, model: str, side: str = "local", kind: str = "openai") -> str:
    """A `[[backend]]` table of the configuration. JSON's strings are valid TOML strings."""
    values = {"name": name, "side": side, "kind": kind, "url": url, "model": model}
    return "[[backend]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


@contextlib.contextmanager
def service(
    program: Path,
    folder: Path,
    assets: dict[str, str],
    config: str,
    listen: str = "127.0.0.1:0",
    log: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """`cordon serve`, SERVING; yields `address`, `listen`, `pid` and `data_dir`. Its data lie in `folder`/data."""
    ready_file, config_file, data_dir = folder / "cordon-ready.json", folder / "cordon.toml", folder / "data"
    config_file.write_text(config, encoding="utf-8")
    command = [str(program), "serve", "--config", str(config_file), "--listen", listen]
    command += ["--data-dir", str(data_dir), "--ready-file", str(ready_file)]
    with running(command, ready_file, "cordon serve", log, service_environment(assets)) as (process, ready):
        yield {**ready, "address": ready["listen"][0], "pid": process.pid, "data_dir": data_dir}


def ollama_answers() -> bool:
    """Whether an Ollama with at least one model of its own answers at its usual address.

    Ollama also lists models that run on its maker's machines; the service refuses those as local.
    """
    try:
        with direct.open(f"{OLLAMA_URL}/api/tags", timeout=1) as answer:
            models = json.load(answer).get("models") or []
        return any(not model.get("remote_host") and not model.get("remote_model") for model in models)
    except (OSError, ValueError, AttributeError):
        return False
