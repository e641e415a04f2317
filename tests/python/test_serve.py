"""`cordon serve` as a process: ready file, Unix socket, orderly end, and refusals to start."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import grpc
import stack
from conftest import RPC_SECONDS
from texts import TRIVIA

END_SECONDS = 25


def command(program: Path, folder: Path, listen: str) -> list[str]:
    parts = [str(program), "serve", "--listen", listen, "--data-dir", str(folder / "data")]
    return [*parts, "--ready-file", str(folder / "ready.json")]


def test_it_serves_on_a_unix_socket_and_ends_in_order(
    program: Path, assets: dict[str, str], pb: SimpleNamespace, tmp_path: Path
) -> None:
    socket = tmp_path / "cordon.sock"
    environment = stack.service_environment(assets)
    log = tmp_path / "cordon.log"
    arguments = command(program, tmp_path, f"unix:{socket}")
    with stack.running(arguments, tmp_path / "ready.json", "cordon serve", log, environment) as (process, ready):
        assert ready["listen"] == [f"unix:{socket}"]
        assert ready["pid"] == process.pid
        # gRPC's C core names the socket's path as the authority, which HTTP/2 servers in Rust refuse as malformed.
        options = [("grpc.default_authority", "localhost")]
        with grpc.insecure_channel(f"unix:{socket}", options=options) as channel:
            classifier = pb.ClassifierServiceStub(channel)
            answer = classifier.Classify(pb.ClassifyRequest(text=TRIVIA), timeout=RPC_SECONDS)
            assert answer.verdict.level == pb.SENSITIVITY_PUBLIC
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
        assert time.monotonic() - started < END_SECONDS
    assert not (tmp_path / "ready.json").exists()
    assert not socket.exists()


def refused(program: Path, folder: Path, assets: dict[str, str], listen: str, config: str) -> str:
    (folder / "cordon.toml").write_text(config, encoding="utf-8")
    arguments = [*command(program, folder, listen), "--config", str(folder / "cordon.toml")]
    environment = stack.service_environment(assets)
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 1
    assert not (folder / "ready.json").exists()
    return done.stderr


def test_it_does_not_open_a_door_to_the_network_without_tokens(
    program: Path, assets: dict[str, str], tmp_path: Path
) -> None:
    assert "token" in refused(program, tmp_path, assets, "0.0.0.0:0", "")


def test_it_names_an_unknown_field(program: Path, assets: dict[str, str], tmp_path: Path) -> None:
    message = refused(program, tmp_path, assets, "127.0.0.1:0", "[server]\nlisten_on = 3\n")
    assert "listen_on" in message


def test_it_refuses_a_local_backend_at_a_public_address(program: Path, assets: dict[str, str], tmp_path: Path) -> None:
    config = stack.backend("far", "https://203.0.113.7/v1", "model")
    assert "public" in refused(program, tmp_path, assets, "127.0.0.1:0", config)


def test_it_does_not_start_without_the_model_that_it_is_told_to_take(
    program: Path, assets: dict[str, str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "nothing")
    message = refused(program, tmp_path, assets, "127.0.0.1:0", f"[ner]\nmodel = {json.dumps(missing)}\n")
    assert missing in message
    assert "ner.model" in message
