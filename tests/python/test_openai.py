"""The real `openai` package through the real service: only the base URL is Cordon's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import mock_backend
import openai
import pytest
from conftest import MAX_TEXT_BYTES, RPC_SECONDS, Installation
from texts import CARD, CARD_TEXT, HARD_QUESTION, TRIVIA

ANSWER = "".join(mock_backend.ANSWER)


def connect(address: str) -> openai.OpenAI:
    """A client as people write it, but for the proxies of the environment, which loopback is never behind."""
    http = openai.DefaultHttpxClient(trust_env=False)
    return openai.OpenAI(
        base_url=f"http://{address}/v1", api_key="unused", http_client=http, timeout=RPC_SECONDS, max_retries=0
    )


@pytest.fixture
def client(backends: Installation) -> Iterator[openai.OpenAI]:
    with connect(backends.address) as client:
        yield client


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_a_whole_answer(backends: Installation, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="cordon", messages=user(TRIVIA), temperature=0, max_tokens=64, user="u-1"
    )
    answer = raw.parse()
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == mock_backend.MODEL
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, len(mock_backend.ANSWER))
    assert raw.headers["x-cordon-level"] == "public"
    assert raw.headers["x-cordon-route"] == "local"
    assert raw.headers["x-cordon-backend"] == "scripted-local"
    assert raw.headers["x-cordon-dropped"] == "user"
    assert answer.id == f"chatcmpl-{raw.headers['x-cordon-decision-id']}"
    assert "u-1" not in backends.local.seen()


def test_a_streamed_answer(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="cordon", messages=user(TRIVIA), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == ANSWER
    assert stream.response.headers["x-cordon-route"] == "local"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 7 + len(mock_backend.ANSWER)


def test_the_comment_of_a_stream_says_what_was_decided(client: openai.OpenAI) -> None:
    streaming = client.chat.completions.with_streaming_response.create(
        model="cordon", messages=user(CARD_TEXT), stream=True
    )
    with streaming as response:
        first = next(response.iter_lines())
    told = json.loads(first.removeprefix(": cordon "))
    assert told["verdict"]["level"] == "confidential"
    assert "CREDIT_CARD" in told["verdict"]["entity_types"]
    assert (told["route"], told["ceiling"]) == ("local", "local")
    assert CARD not in first


def test_a_complex_public_question_goes_to_the_cloud_and_a_confidential_one_never(
    backends: Installation, client: openai.OpenAI
) -> None:
    for text, route in [(HARD_QUESTION, "cloud"), (f"{HARD_QUESTION} {CARD_TEXT}", "local")]:
        for model in ["cordon", mock_backend.MODEL]:
            raw = client.chat.completions.with_raw_response.create(
                model=model, messages=user(text), extra_headers={"x-cordon-complexity": "complex"}
            )
            assert raw.headers["x-cordon-route"] == route
    assert "force majeure" in backends.cloud.seen()
    assert CARD not in backends.cloud.seen()


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_tools_pass_through_and_their_results_come_back(backends: Installation, client: openai.OpenAI) -> None:
    backends.local.calls = [("weather", ['{"city": ', '"Canberra"}'])]
    asked = user("What is the weather in Canberra?")
    answer = client.chat.completions.create(model="cordon", messages=asked, tools=[TOOL])  # type: ignore[list-item]
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    call = message.tool_calls[0]
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Canberra"})
    assert backends.local.requests[0]["tools"][0]["function"]["name"] == "weather"

    # The package's own streaming helper puts the pieces together.
    with client.chat.completions.stream(model="cordon", messages=asked, tools=[TOOL]) as stream:  # type: ignore[list-item]
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"city": "Canberra"}'

    backends.local.calls = []
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    answer = client.chat.completions.create(
        model="cordon",
        messages=[*asked, message.model_dump(exclude_none=True), result],  # type: ignore[list-item]
        tools=[TOOL],  # type: ignore[list-item]
    )
    assert answer.choices[0].message.content == ANSWER
    sent = backends.local.requests[-1]["messages"]
    assert sent[-1]["content"] == "sunny"
    assert sent[-1]["tool_call_id"] == sent[-2]["tool_calls"][0]["id"]


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["cordon", mock_backend.MODEL, mock_backend.VECTORS]
    assert client.models.retrieve(mock_backend.MODEL).id == mock_backend.MODEL
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("canary-model")
    assert refused.value.code == "model_not_found"


def test_texts_become_vectors(backends: Installation, client: openai.OpenAI) -> None:
    # The package asks for base64 unless told otherwise.
    for fields in ({}, {"encoding_format": "float"}):
        raw = client.embeddings.with_raw_response.create(model="cordon", input=["one", CARD_TEXT], **fields)  # type: ignore[arg-type]
        made = raw.parse()
        assert [item.embedding for item in made.data] == [[3.0, 0.5], [float(len(CARD_TEXT)), 0.5]]
        assert (made.model, made.usage.prompt_tokens) == (mock_backend.VECTORS, 5)
        assert (raw.headers["x-cordon-level"], raw.headers["x-cordon-route"]) == ("confidential", "local")
    assert not backends.cloud.requests
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="cordon", input=[1, 2, 3])
    assert refused.value.code == "tokens_not_scannable"


def test_an_unknown_model_says_what_to_do(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-canary", messages=user(TRIVIA))
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert "[http] models" in refused.value.message
    assert "canary" not in refused.value.message


def test_a_wrong_field_is_named(client: openai.OpenAI) -> None:
    for fields, param in [
        ({"temperature": 7}, "temperature"),
        ({"n": 3}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"tools": [{"type": "function", "function": {"name": "two words"}}]}, "tools[0].function.name"),
    ]:
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="cordon", messages=user(TRIVIA), extra_body=fields)
        assert refused.value.param == param


def test_broken_json_of_a_call_is_refused_without_repeating_it(client: openai.OpenAI) -> None:
    function = {"name": "weather", "arguments": '{"city": canary'}
    message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="cordon", messages=[*user(TRIVIA), message])  # type: ignore[list-item]
    assert refused.value.param == "messages[1].tool_calls[0].function.arguments"
    assert "canary" not in str(refused.value)


def test_a_duplicate_request_id_is_a_conflict_and_not_repeated(backends: Installation, client: openai.OpenAI) -> None:
    patient = client.with_options(max_retries=2)
    once = {"idempotency-key": "openai-once"}
    raw = patient.chat.completions.with_raw_response.create(model="cordon", messages=user(TRIVIA), extra_headers=once)
    with pytest.raises(openai.ConflictError) as refused:
        patient.chat.completions.create(model="cordon", messages=user(TRIVIA), extra_headers=once)
    assert refused.value.response.headers["x-cordon-decision-id"] == raw.headers["x-cordon-decision-id"]
    assert len(backends.local.requests) == 1


def test_two_thousand_messages(backends: Installation, client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "assistant" if index % 2 else "user", "content": f"line {index}"} for index in range(2_000)
    ]
    answer = client.chat.completions.create(model="cordon", messages=messages)
    assert answer.choices[0].message.content == ANSWER
    assert len(backends.local.requests[0]["messages"]) == 2_000


def test_text_over_the_limit_names_it(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="cordon", messages=user("x" * (MAX_TEXT_BYTES + 1)))
    assert refused.value.status_code == 413
    assert "max_text_bytes" in refused.value.message


def test_a_large_answer_comes_whole(backends: Installation, client: openai.OpenAI) -> None:
    backends.local.pieces = ["0123456789abcdef" * 4096] * 160
    answer = client.chat.completions.create(model="cordon", messages=user(TRIVIA))
    assert len(answer.choices[0].message.content or "") == 10 * 1024 * 1024
    chunks = client.chat.completions.create(model="cordon", messages=user(TRIVIA), stream=True)
    assert sum(len(chunk.choices[0].delta.content or "") for chunk in chunks) == 10 * 1024 * 1024


def test_an_endless_stream_ends_with_an_error_at_the_deadline(backends: Installation, client: openai.OpenAI) -> None:
    backends.local.endless = True
    pieces = []
    with pytest.raises(openai.APIError) as refused:
        for chunk in client.chat.completions.create(
            model="cordon", messages=user(TRIVIA), stream=True, extra_headers={"x-cordon-timeout-ms": "1000"}
        ):
            pieces.append(chunk.choices[0].delta.content)
    assert "deadline" in refused.value.message
    assert len(pieces) > 1


def test_an_answer_that_breaks_off_is_an_error(backends: Installation, client: openai.OpenAI) -> None:
    backends.local.breaks_off = True
    with pytest.raises(openai.APIError) as refused:
        list(client.chat.completions.create(model="cordon", messages=user(CARD_TEXT), stream=True))
    assert refused.value.code == "backend_failed"
    with pytest.raises(openai.InternalServerError) as whole:
        client.chat.completions.create(model="cordon", messages=user(CARD_TEXT))
    assert whole.value.status_code == 503
    assert CARD not in f"{refused.value} {whole.value}"
