"""The three doors (gRPC, OpenAI's shape, Ollama's shape) before the real local model, with a cloud that records every byte:
each gives the same answer in pieces, and none lets a confidential text out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import grpc
import mock_backend
import ollama
import openai
import pytest
import stack
from conftest import ROOT, RPC_SECONDS
from texts import CARD, CARD_TEXT, HARD_QUESTION, PATIENT, PATIENT_TEXT, TRIVIA

ANSWER_TOKENS = 24


@dataclass(frozen=True)
class Answer:
    """What a door said."""

    pieces: list[str]
    route: str
    level: str


@dataclass(frozen=True)
class Place:
    """A service with the real local model and a recording cloud."""

    address: str
    cloud: mock_backend.MockBackend
    pb: SimpleNamespace


@pytest.fixture(scope="module")
def place(
    program: Path, assets: dict[str, str], pb: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doors")
    with (
        mock_backend.MockBackend() as cloud,
        stack.local_model(folder, ANSWER_TOKENS, log=folder / "model.log") as model,
    ):
        config = stack.backend("local-model", model["url"], model["model"])
        config += stack.backend("recording-cloud", cloud.url, mock_backend.MODEL, side="cloud")
        with stack.service(program, folder, assets, config, log=folder / "cordon.log") as ready:
            yield Place(ready["address"], cloud, pb)


def by_grpc(place: Place, text: str, hard: bool) -> Answer:
    pb = place.pb
    with grpc.insecure_channel(place.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        wanted = pb.DispatchRequest(
            messages=[pb.Message(role=pb.ROLE_USER, content=text)],
            generation=pb.GenerationOptions(temperature=0.0, max_output_tokens=ANSWER_TOKENS),
            complexity=pb.COMPLEXITY_COMPLEX if hard else pb.COMPLEXITY_SIMPLE,
        )
        events = list(pb.DispatcherServiceStub(channel).DispatchStream(wanted, timeout=2 * RPC_SECONDS))
    pieces = [event.delta for event in events if event.WhichOneof("event") == "delta"]
    level = next(event.verdict.level for event in events if event.WhichOneof("event") == "verdict")
    route = pb.Route.Name(events[-1].outcome.route).removeprefix("ROUTE_").lower()
    return Answer(pieces, route, pb.Sensitivity.Name(level).removeprefix("SENSITIVITY_").lower())


def by_openai(place: Place, text: str, hard: bool) -> Answer:
    headers = {"x-cordon-complexity": "complex" if hard else "simple"}
    http = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(base_url=f"http://{place.address}/v1", api_key="unused", http_client=http) as client:
        stream = client.chat.completions.create(
            model="cordon",
            messages=[{"role": "user", "content": text}],
            temperature=0,
            max_tokens=ANSWER_TOKENS,
            stream=True,
            extra_headers=headers,
        )
        pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content]
        told = stream.response.headers
    return Answer(pieces, told["x-cordon-route"], told["x-cordon-level"])


def by_ollama(place: Place, text: str, hard: bool) -> Answer:
    headers = {"x-cordon-complexity": "complex" if hard else "simple"}
    seen: dict[str, str] = {}
    client = ollama.Client(
        host=f"http://{place.address}",
        trust_env=False,
        headers=headers,
        event_hooks={"response": [lambda response: seen.update(response.headers)]},
    )
    parts = client.chat(
        model="cordon",
        messages=[{"role": "user", "content": text}],
        options={"temperature": 0, "num_predict": ANSWER_TOKENS},
        stream=True,
    )
    pieces = [part.message.content for part in parts if part.message.content]
    return Answer(pieces, seen["x-cordon-route"], seen["x-cordon-level"])


DOORS = [by_grpc, by_openai, by_ollama]
Door = Callable[[Place, str, bool], Answer]


@pytest.mark.parametrize("door", DOORS)
def test_the_real_model_answers_in_pieces_by_every_door(place: Place, door: Door) -> None:
    answer = door(place, TRIVIA, False)
    assert "Canberra" in "".join(answer.pieces)
    assert len(answer.pieces) > 1
    assert (answer.route, answer.level) == ("local", "public")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("text", "secret"), [(CARD_TEXT, CARD), (PATIENT_TEXT, PATIENT)])
def test_a_confidential_text_reaches_no_cloud_by_any_door(place: Place, door: Door, text: str, secret: str) -> None:
    place.cloud.reset()
    # The cloud is there and open: a public question of the same kind goes to it.
    assert door(place, HARD_QUESTION, True).route == "cloud"
    public = len(place.cloud.requests)
    answer = door(place, f"{HARD_QUESTION} {text}", True)
    assert (answer.route, answer.level) == ("local", "confidential")
    assert answer.pieces
    assert len(place.cloud.requests) == public
    assert secret not in place.cloud.seen()


def test_the_examples_work_as_the_readme_says(place: Place) -> None:
    for name in ["openai_example.py", "ollama_example.py"]:
        command = [sys.executable, str(ROOT / "clients" / "python" / name), "--server", f"http://{place.address}"]
        done = subprocess.run([*command, CARD_TEXT], capture_output=True, text=True, env={}, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "confidential" in done.stdout
        assert "local" in done.stdout
