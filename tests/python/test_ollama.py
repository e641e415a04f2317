"""The real `ollama` package through the real service: only the host is Cordon's."""

from __future__ import annotations

from typing import Any

import mock_backend
import ollama
import pytest
from conftest import RPC_SECONDS, Installation
from texts import CARD, CARD_TEXT, HARD_QUESTION, TRIVIA

ANSWER = "".join(mock_backend.ANSWER)


def connect(address: str, **headers: str) -> ollama.Client:
    return ollama.Client(host=f"http://{address}", timeout=RPC_SECONDS, trust_env=False, headers=headers)


@pytest.fixture
def client(backends: Installation) -> ollama.Client:
    return connect(backends.address)


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def test_a_whole_answer(backends: Installation, client: ollama.Client) -> None:
    answer = client.chat(model="cordon", messages=user(TRIVIA), options={"temperature": 0, "num_predict": 64})
    assert answer.message.content == ANSWER
    assert answer.model == mock_backend.MODEL
    assert (answer.done, answer.done_reason) == (True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (7, len(mock_backend.ANSWER))
    assert backends.local.requests[0]["max_tokens"] == 64


def test_a_streamed_answer(client: ollama.Client) -> None:
    parts = list(client.chat(model="cordon", messages=user(TRIVIA), stream=True))
    assert "".join(part.message.content or "" for part in parts) == ANSWER
    assert [part.done for part in parts][-1] is True
    assert not any(part.done for part in parts[:-1])


def test_a_complex_public_question_goes_to_the_cloud_and_a_confidential_one_never(backends: Installation) -> None:
    client = connect(backends.address, **{"x-cordon-complexity": "complex"})
    client.chat(model="cordon", messages=user(HARD_QUESTION))
    assert "force majeure" in backends.cloud.seen()
    client.chat(model="cordon", messages=user(f"{HARD_QUESTION} {CARD_TEXT}"))
    assert CARD in backends.local.seen()
    assert CARD not in backends.cloud.seen()


def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: The city.
    """
    return f"sunny in {city}"


def test_tools_pass_through_and_their_results_come_back(backends: Installation, client: ollama.Client) -> None:
    backends.local.calls = [("weather", ['{"city": ', '"Canberra"}'])]
    asked = user("What is the weather in Canberra?")
    # The package makes the definition of the function itself.
    for stream in (False, True):
        answer = client.chat(model="cordon", messages=asked, tools=[weather], stream=stream)
        parts = list(answer) if stream else [answer]
        calls = [call for part in parts for call in part.message.tool_calls or []]
        assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
            ("weather", {"city": "Canberra"})
        ]
    assert backends.local.requests[0]["tools"][0]["function"]["description"] == "Tells the weather."
    backends.local.calls = []
    said = {"role": "assistant", "content": "", "tool_calls": [call.model_dump() for call in calls]}
    result = {"role": "tool", "tool_name": "weather", "content": weather("Canberra")}
    answer = client.chat(model="cordon", messages=[*asked, said, result], tools=[weather])
    assert answer.message.content == ANSWER
    sent = backends.local.requests[-1]["messages"]
    assert sent[-1]["content"] == "sunny in Canberra"
    assert sent[-1]["tool_call_id"] == sent[-2]["tool_calls"][0]["id"]


def test_a_call_that_is_no_json_is_a_clear_error(backends: Installation, client: ollama.Client) -> None:
    backends.local.calls = [("weather", ['{"city": canary'])]
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError, match="no JSON object") as refused:
            answer = client.chat(model="cordon", messages=user(TRIVIA), tools=[weather], stream=stream)
            list(answer)
        assert "canary" not in str(refused.value)


def test_a_format_reaches_the_backend(backends: Installation, client: ollama.Client) -> None:
    client.chat(model="cordon", messages=user(TRIVIA), format="json")
    schema = {"type": "object", "properties": {"capital": {"type": "string"}}}
    client.chat(model="cordon", messages=user(TRIVIA), format=schema)
    kinds = [request["response_format"] for request in backends.local.requests]
    assert kinds[0] == {"type": "json_object"}
    assert kinds[1]["json_schema"]["schema"] == schema


def test_models_are_listed(client: ollama.Client) -> None:
    assert [model.model for model in client.list().models] == ["cordon", mock_backend.MODEL, mock_backend.VECTORS]


def test_errors_are_the_packages_own(backends: Installation, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as refused:
        client.chat(model="gpt-canary", messages=user(TRIVIA))
    assert refused.value.status_code == 404
    assert "[http] models" in refused.value.error
    assert "canary" not in refused.value.error
    with pytest.raises(ollama.ResponseError) as refused:
        client.chat(model="cordon", messages=user(TRIVIA), options={"temperature": 9})
    assert (refused.value.status_code, refused.value.error) == (400, "options.temperature: must be from 0 to 2")
    once = connect(backends.address, **{"x-request-id": "ollama-once"})
    once.chat(model="cordon", messages=user(TRIVIA))
    with pytest.raises(ollama.ResponseError) as refused:
        once.chat(model="cordon", messages=user(TRIVIA))
    assert refused.value.status_code == 409
    assert "under decision" in refused.value.error


def test_an_endless_stream_ends_with_an_error_at_the_deadline(backends: Installation) -> None:
    backends.local.endless = True
    client = connect(backends.address, **{"x-cordon-timeout-ms": "1000"})
    parts = []
    with pytest.raises(ollama.ResponseError, match="deadline"):
        parts.extend(client.chat(model="cordon", messages=user(TRIVIA), stream=True))
