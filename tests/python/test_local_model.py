"""End to end with a real language model: the pinned llama.cpp server behind the real service."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import stack
from conftest import ROOT, RPC_SECONDS
from texts import CARD_TEXT, TRIVIA

ANSWER_TOKENS = 24


@pytest.fixture(scope="module")
def real(program: Path, assets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("real")
    with stack.local_model(folder, ANSWER_TOKENS, log=folder / "model.log", slots=True) as model:
        config = stack.backend("local-model", model["url"], model["model"])
        with stack.service(program, folder, assets, config, log=folder / "cordon.log") as ready:
            yield {**ready, "model_url": model["url"].removesuffix("/v1")}


def at_work(url: str) -> int:
    """Answers that the real server is writing now."""
    with urllib.request.urlopen(f"{url}/slots", timeout=RPC_SECONDS) as reply:
        return sum(slot["is_processing"] for slot in json.load(reply))


def test_a_real_model_answers_in_pieces(real: dict[str, Any], pb: SimpleNamespace) -> None:
    with grpc.insecure_channel(real["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        dispatcher = pb.DispatcherServiceStub(channel)
        generation = pb.GenerationOptions(temperature=0.0, max_output_tokens=ANSWER_TOKENS)
        messages = [pb.Message(role=pb.ROLE_USER, content=TRIVIA)]
        wanted = pb.DispatchRequest(messages=messages, generation=generation)
        events = list(dispatcher.DispatchStream(wanted, timeout=2 * RPC_SECONDS))
    pieces = [event.delta for event in events if event.WhichOneof("event") == "delta"]
    outcome = events[-1].outcome
    assert "Canberra" in "".join(pieces)
    assert len(pieces) > 1
    assert outcome.backend == "local-model"
    assert outcome.model.startswith("smollm2")
    assert 0 < outcome.output_tokens <= ANSWER_TOKENS
    assert outcome.input_tokens > 0


def test_a_caller_who_leaves_ends_the_work_of_the_real_model(real: dict[str, Any], pb: SimpleNamespace) -> None:
    with grpc.insecure_channel(real["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        # Longer than anybody waits for here, and the model is told to go on.
        generation = pb.GenerationOptions(temperature=0.9, seed=1, max_output_tokens=4000)
        messages = [pb.Message(role=pb.ROLE_USER, content="Count from one to ten thousand, a number on each line.")]
        wanted = pb.DispatchRequest(messages=messages, generation=generation)
        stream = pb.DispatcherServiceStub(channel).DispatchStream(wanted, timeout=10 * RPC_SECONDS)
        next(event for event in stream if event.WhichOneof("event") == "delta")
        assert at_work(real["model_url"]) == 1
        stream.cancel()
        for _ in range(200):
            if at_work(real["model_url"]) == 0:
                break
            time.sleep(0.05)
        assert at_work(real["model_url"]) == 0


def test_without_a_cloud_a_complex_question_says_why_it_stays(real: dict[str, Any], pb: SimpleNamespace) -> None:
    with grpc.insecure_channel(real["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        messages = [pb.Message(role=pb.ROLE_USER, content="Compare TCP and QUIC in depth.")]
        wanted = pb.DispatchRequest(messages=messages, complexity=pb.COMPLEXITY_COMPLEX)
        answer = pb.DispatcherServiceStub(channel).Dispatch(wanted, timeout=2 * RPC_SECONDS)
    assert answer.outcome.route == pb.ROUTE_LOCAL
    assert answer.decision.reason == "no_cloud_backend"
    assert answer.content


def test_the_example_client_works_as_the_readme_says(real: dict[str, Any], stubs_folder: Path) -> None:
    command = [sys.executable, str(ROOT / "clients" / "python" / "example.py"), "--server", real["address"], CARD_TEXT]
    environment = {"PYTHONPATH": str(stubs_folder), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "CONFIDENTIAL" in done.stdout
    assert "CREDIT_CARD" in done.stdout
    assert "LOCAL" in done.stdout
