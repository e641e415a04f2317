"""DispatcherService: where a request goes, what the backends see of it, and in which order the answer comes."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import mock_backend
import pytest
import stack
from conftest import MAX_TEXT_BYTES, RPC_SECONDS, Installation
from refusals import refusal
from texts import CARD, CARD_TEXT, HARD_QUESTION, PATIENT, PATIENT_TEXT, TRIVIA

ANSWER = "".join(mock_backend.ANSWER)


def request(pb: SimpleNamespace, text: str, **fields: Any) -> Any:
    return pb.DispatchRequest(messages=[pb.Message(role=pb.ROLE_USER, content=text)], **fields)


def test_a_simple_public_question_is_answered_locally(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace
) -> None:
    answer = dispatcher.Dispatch(request(pb, TRIVIA, request_id="simple"), timeout=RPC_SECONDS)
    assert answer.content == ANSWER
    assert answer.request_id == "simple"
    assert answer.decision_id
    assert answer.verdict.level == pb.SENSITIVITY_PUBLIC
    assert answer.decision.route == answer.outcome.route == pb.ROUTE_LOCAL
    assert answer.outcome.backend == "scripted-local"
    assert answer.outcome.finish_reason == pb.FINISH_REASON_STOP
    assert (answer.outcome.input_tokens, answer.outcome.output_tokens) == (7, len(mock_backend.ANSWER))
    assert 0 < answer.outcome.time_to_first_token_us <= answer.outcome.total_us
    assert TRIVIA in backends.local.seen()
    assert not backends.cloud.requests


def test_a_complex_public_question_goes_to_the_cloud(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace
) -> None:
    answer = dispatcher.Dispatch(request(pb, HARD_QUESTION, complexity=pb.COMPLEXITY_COMPLEX), timeout=RPC_SECONDS)
    assert answer.verdict.level == pb.SENSITIVITY_PUBLIC
    assert answer.decision.route == answer.decision.ceiling == answer.outcome.route == pb.ROUTE_CLOUD
    assert answer.decision.complexity == pb.COMPLEXITY_COMPLEX
    assert answer.outcome.backend == "scripted-cloud"
    assert "force majeure" in backends.cloud.seen()
    assert not backends.local.requests


@pytest.mark.parametrize(("text", "secret"), [(CARD_TEXT, CARD), (PATIENT_TEXT, PATIENT)])
def test_confidential_text_stays_here_however_complex(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace, text: str, secret: str
) -> None:
    wanted = request(pb, f"{HARD_QUESTION} {text}", complexity=pb.COMPLEXITY_COMPLEX)
    wanted.declared_level = pb.SENSITIVITY_PUBLIC
    answer = dispatcher.Dispatch(wanted, timeout=RPC_SECONDS)
    assert answer.verdict.level == pb.SENSITIVITY_CONFIDENTIAL
    assert answer.decision.ceiling == answer.outcome.route == pb.ROUTE_LOCAL
    assert secret in backends.local.seen()
    assert not backends.cloud.requests


def test_what_stands_in_an_earlier_message_counts(backends: Installation, dispatcher: Any, pb: SimpleNamespace) -> None:
    messages = [
        pb.Message(role=pb.ROLE_SYSTEM, content="You are a careful lawyer."),
        pb.Message(role=pb.ROLE_USER, content=CARD_TEXT),
        pb.Message(role=pb.ROLE_ASSISTANT, content="I will."),
        pb.Message(role=pb.ROLE_USER, content=HARD_QUESTION),
    ]
    wanted = pb.DispatchRequest(messages=messages, complexity=pb.COMPLEXITY_COMPLEX)
    assert dispatcher.Dispatch(wanted, timeout=RPC_SECONDS).outcome.route == pb.ROUTE_LOCAL
    assert [message["role"] for message in backends.local.requests[0]["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert not backends.cloud.requests


def test_a_stop_word_is_scanned_as_well(backends: Installation, dispatcher: Any, pb: SimpleNamespace) -> None:
    generation = pb.GenerationOptions(stop=[f"card {CARD}"])
    wanted = request(pb, HARD_QUESTION, complexity=pb.COMPLEXITY_COMPLEX, generation=generation)
    answer = dispatcher.Dispatch(wanted, timeout=RPC_SECONDS)
    assert answer.verdict.level == pb.SENSITIVITY_CONFIDENTIAL
    assert not backends.cloud.requests


def test_a_declared_level_closes_the_cloud(backends: Installation, dispatcher: Any, pb: SimpleNamespace) -> None:
    wanted = request(pb, HARD_QUESTION, complexity=pb.COMPLEXITY_COMPLEX, declared_level=pb.SENSITIVITY_INTERNAL)
    answer = dispatcher.Dispatch(wanted, timeout=RPC_SECONDS)
    assert answer.decision.ceiling == pb.ROUTE_LOCAL
    assert not backends.cloud.requests


def test_validate_only_decides_and_calls_nobody(backends: Installation, dispatcher: Any, pb: SimpleNamespace) -> None:
    wanted = request(pb, HARD_QUESTION, complexity=pb.COMPLEXITY_COMPLEX, validate_only=True)
    answer = dispatcher.Dispatch(wanted, timeout=RPC_SECONDS)
    assert answer.decision.route == pb.ROUTE_CLOUD
    assert answer.decision.backend == "scripted-cloud"
    assert answer.content == ""
    assert not answer.HasField("outcome")
    assert not backends.local.requests
    assert not backends.cloud.requests


def test_the_parameters_of_generation_reach_the_backend(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace
) -> None:
    generation = pb.GenerationOptions(max_output_tokens=17, temperature=0.5, top_p=0.9, stop=["END"], seed=42)
    dispatcher.Dispatch(request(pb, TRIVIA, generation=generation), timeout=RPC_SECONDS)
    (sent,) = backends.local.requests
    assert (sent["max_tokens"], sent["temperature"], sent["seed"]) == (17, 0.5, 42)
    assert sent["stop"] == ["END"]
    assert sent["top_p"] == pytest.approx(0.9)


def test_a_stream_brings_verdict_decision_pieces_outcome_in_this_order(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace
) -> None:
    backends.local.pieces = ["Grüße ", "aus 🙂 ", "Canberra"]
    events = list(dispatcher.DispatchStream(request(pb, TRIVIA), timeout=RPC_SECONDS))
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[:2] == ["verdict", "decision"]
    assert kinds[-1] == "outcome"
    assert set(kinds[2:-1]) == {"delta"}
    assert "".join(event.delta for event in events) == "Grüße aus 🙂 Canberra"
    assert events[0].decision_id == "", "there is no decision yet"
    assert len({event.decision_id for event in events[1:]}) == 1
    assert events[-1].outcome.route == pb.ROUTE_LOCAL


def closed_port() -> int:
    # A port that was free a moment ago may be somebody's by now; nobody listens on tcpmux.
    return 1


def test_with_local_inference_down_only_public_text_finds_another_way(
    program: Path, assets: dict[str, str], pb: SimpleNamespace, tmp_path: Path
) -> None:
    with mock_backend.MockBackend() as cloud:
        config = stack.backend("gone", f"http://127.0.0.1:{closed_port()}/v1", mock_backend.MODEL)
        config += stack.backend("scripted-cloud", cloud.url, mock_backend.MODEL, side="cloud")
        with (
            stack.service(program, tmp_path, assets, config, log=tmp_path / "cordon.log") as ready,
            grpc.insecure_channel(ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel,
        ):
            dispatcher = pb.DispatcherServiceStub(channel)
            answer = refusal(lambda: dispatcher.Dispatch(request(pb, CARD_TEXT), timeout=RPC_SECONDS))
            assert answer.code == grpc.StatusCode.UNAVAILABLE
            assert (answer.domain, answer.reason) == ("cordon", "LOCAL_BACKEND_UNAVAILABLE")
            assert CARD not in answer.message
            assert not cloud.requests
            public = dispatcher.Dispatch(request(pb, TRIVIA), timeout=RPC_SECONDS)
            assert public.outcome.route == pb.ROUTE_CLOUD
            assert public.decision.reason == "local_unavailable"


def test_a_caller_who_leaves_stops_the_backend(backends: Installation, dispatcher: Any, pb: SimpleNamespace) -> None:
    backends.local.pieces = ["word "] * 20_000
    stream = dispatcher.DispatchStream(request(pb, TRIVIA), timeout=RPC_SECONDS)
    for event in stream:
        if event.WhichOneof("event") == "delta":
            break
    stream.cancel()
    backends.local.reset()
    # The service is free for the next one at once.
    started = time.monotonic()
    assert dispatcher.Dispatch(request(pb, TRIVIA), timeout=RPC_SECONDS).content == ANSWER
    assert time.monotonic() - started < RPC_SECONDS / 2


REFUSED = {
    "no messages": ({}, "messages"),
    "an unknown complexity": ({"messages": [{"content": "a"}], "complexity": 99}, "complexity"),
    "an unknown level": ({"messages": [{"content": "a"}], "declared_level": 99}, "declared_level"),
    "an unknown role": ({"messages": [{"content": "a", "role": 99}]}, "messages[0].role"),
    "too hot": ({"messages": [{"content": "a"}], "generation": {"temperature": 3.0}}, "generation.temperature"),
    "an unknown entity type": (
        {"messages": [{"content": "a"}], "classify": {"entity_types": ["NO_SUCH"]}},
        "classify.entity_types[0]",
    ),
    "too much text": ({"messages": [{"content": "x" * (MAX_TEXT_BYTES + 1)}]}, "messages"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_request_is_refused_with_its_field(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace, name: str
) -> None:
    fields, at_fault = REFUSED[name]
    answer = refusal(lambda: dispatcher.Dispatch(pb.DispatchRequest(**fields), timeout=RPC_SECONDS))
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT
    assert (answer.domain, answer.fields) == ("cordon", [at_fault])
    assert not backends.local.requests
    assert not backends.cloud.requests
