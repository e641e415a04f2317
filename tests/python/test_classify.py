"""ClassifierService, as a Python client sees it: spans, options, bulk, and one code path with the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import stack
from conftest import MAX_TEXT_BYTES, RPC_SECONDS
from refusals import refusal
from texts import CARD, CARD_TEXT, PATIENT_TEXT, TRIVIA


def classify(classifier: Any, pb: SimpleNamespace, text: str, **options: Any) -> Any:
    request = pb.ClassifyRequest(text=text, options=pb.ClassifyOptions(**options))
    return classifier.Classify(request, timeout=RPC_SECONDS)


def of_type(response: Any, entity_type: str) -> list[Any]:
    return [finding for finding in response.verdict.findings if finding.entity_type == entity_type]


@pytest.mark.parametrize(
    "text",
    [
        f"Karte: {CARD}",
        f"🙂🙂 Grüße aus Łódź, die Kartennummer ist {CARD} — danke 🙏",
        f"𝒳𝒴 नमस्ते: credit card {CARD}\r\nzweite Zeile",
    ],
)
def test_ranges_fit_python_strings_bytes_and_utf16(classifier: Any, pb: SimpleNamespace, text: str) -> None:
    response = classify(classifier, pb, text, include_utf16=True, include_quotes=True)
    (finding,) = of_type(response, "CREDIT_CARD")
    assert text[finding.codepoint_range.start : finding.codepoint_range.end] == CARD
    assert text.encode()[finding.byte_range.start : finding.byte_range.end] == CARD.encode()
    utf16 = text.encode("utf-16-le")
    assert utf16[2 * finding.utf16_range.start : 2 * finding.utf16_range.end] == CARD.encode("utf-16-le")
    assert finding.quote == CARD
    assert response.verdict.level == pb.SENSITIVITY_CONFIDENTIAL


def test_findings_point_into_the_original_not_into_the_normalised_text(classifier: Any, pb: SimpleNamespace) -> None:
    # Full-width digits and a zero-width space inside: the same number to a reader, and so to the service.
    odd = CARD.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    odd = odd[:6] + "\u200b" + odd[6:]
    text = f"credit card {odd} expires soon"
    (finding,) = of_type(classify(classifier, pb, text), "CREDIT_CARD")
    assert text[finding.codepoint_range.start : finding.codepoint_range.end] == odd


def test_a_harmless_question_is_public_with_a_complete_receipt(classifier: Any, pb: SimpleNamespace) -> None:
    response = classify(classifier, pb, TRIVIA)
    assert response.verdict.level == pb.SENSITIVITY_PUBLIC
    assert response.verdict.coverage.complete
    assert {entry.detector for entry in response.verdict.coverage.detectors} == {
        pb.DETECTOR_PATTERN,
        pb.DETECTOR_DICTIONARY,
        pb.DETECTOR_SECRET,
        pb.DETECTOR_NER,
    }
    assert response.verdict.policy.digest
    assert response.decision_id


def test_health_of_a_named_person_is_confidential_and_the_name_is_found(classifier: Any, pb: SimpleNamespace) -> None:
    response = classify(classifier, pb, PATIENT_TEXT, ner=pb.NER_MODE_ALWAYS)
    assert response.verdict.level == pb.SENSITIVITY_CONFIDENTIAL
    assert of_type(response, "PERSON")
    assert response.verdict.reasons


def test_hidden_findings_still_count(classifier: Any, pb: SimpleNamespace) -> None:
    response = classify(classifier, pb, CARD_TEXT, entity_types=["EMAIL_ADDRESS"], min_score=1.0)
    assert not response.verdict.findings
    assert response.verdict.level == pb.SENSITIVITY_CONFIDENTIAL


def test_quotes_come_only_on_request(classifier: Any, pb: SimpleNamespace) -> None:
    (finding,) = of_type(classify(classifier, pb, CARD_TEXT), "CREDIT_CARD")
    assert finding.quote == ""
    assert not finding.HasField("utf16_range")


def test_a_declared_level_raises_and_never_lowers(classifier: Any, pb: SimpleNamespace) -> None:
    raised = classifier.Classify(
        pb.ClassifyRequest(text=TRIVIA, declared_level=pb.SENSITIVITY_INTERNAL), timeout=RPC_SECONDS
    )
    assert raised.verdict.level == pb.SENSITIVITY_INTERNAL
    kept = classifier.Classify(
        pb.ClassifyRequest(text=CARD_TEXT, declared_level=pb.SENSITIVITY_PUBLIC), timeout=RPC_SECONDS
    )
    assert kept.verdict.level == pb.SENSITIVITY_CONFIDENTIAL


def test_parts_are_one_document_with_pointers_of_the_caller(classifier: Any, pb: SimpleNamespace) -> None:
    parts = [
        pb.Part(role=pb.ROLE_USER, json_pointer="/order/note", text="Nothing here."),
        pb.Part(role=pb.ROLE_TOOL, json_pointer="/order/payment/number", text=f"credit card {CARD}"),
    ]
    response = classifier.Classify(pb.ClassifyRequest(parts=parts), timeout=RPC_SECONDS)
    (finding,) = of_type(response, "CREDIT_CARD")
    assert (finding.part_index, finding.json_pointer) == (1, "/order/payment/number")
    assert parts[1].text[finding.codepoint_range.start : finding.codepoint_range.end] == CARD


def test_bulk_answers_in_order_and_a_bad_item_does_not_end_it(classifier: Any, pb: SimpleNamespace) -> None:
    requests = [
        pb.ClassifyRequest(request_id="one", text=CARD_TEXT),
        pb.ClassifyRequest(request_id="two"),
        pb.ClassifyRequest(request_id="three", text="x" * (MAX_TEXT_BYTES + 1)),
        *(pb.ClassifyRequest(request_id=f"more-{index}", text=f"{TRIVIA} {index}") for index in range(40)),
    ]
    answers = list(classifier.ClassifyStream(iter(requests), timeout=RPC_SECONDS))
    assert [answer.index for answer in answers] == list(range(len(requests)))
    assert answers[0].response.request_id == "one"
    assert answers[0].response.verdict.level == pb.SENSITIVITY_CONFIDENTIAL
    for bad in (answers[1], answers[2]):
        assert bad.WhichOneof("result") == "error"
        assert bad.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert bad.error.field
    assert all(answer.response.request_id == f"more-{index}" for index, answer in enumerate(answers[3:]))


def test_entity_types_are_listed_and_every_finding_is_one_of_them(classifier: Any, pb: SimpleNamespace) -> None:
    listed = {info.name: info for info in classifier.ListEntityTypes(pb.ListEntityTypesRequest()).entity_types}
    assert {"PERSON", "EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "PHONE_NUMBER"} <= set(listed)
    assert listed["CREDIT_CARD"].coarse == "CREDIT_CARD"
    assert listed["US_SSN"].countries == ["US"]
    response = classify(classifier, pb, f"{PATIENT_TEXT} {CARD_TEXT}", ner=pb.NER_MODE_ALWAYS)
    assert {finding.entity_type for finding in response.verdict.findings} <= set(listed)


def test_service_and_command_line_say_the_same(
    classifier: Any,
    pb: SimpleNamespace,
    program: Path,
    assets: dict[str, str],
    tmp_path: Path,
) -> None:
    texts = [TRIVIA, CARD_TEXT, PATIENT_TEXT, "Grüße 🙂 an anna.berg@example.org, 10.0.0.7"]
    lines = "".join(json.dumps({"id": index, "text": text}) + "\n" for index, text in enumerate(texts))
    command = [str(program), "classify", "--input", "-", "--json", "--all-findings", "--data-dir", str(tmp_path)]
    environment = stack.service_environment(assets)
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == list(range(len(texts)))
    for row, text in zip(rows, texts, strict=True):
        verdict = classify(classifier, pb, text, ner=pb.NER_MODE_ALWAYS).verdict
        assert f"SENSITIVITY_{row['level'].upper()}" == pb.Sensitivity.Name(verdict.level)
        by_service = {(f.entity_type, f.codepoint_range.start, f.codepoint_range.end) for f in verdict.findings}
        by_program = {(f["entity_type"], f["start"], f["end"]) for f in row["findings"]}
        assert by_program == by_service, text


REFUSED = {
    "nothing": ({}, "text"),
    "text and parts": ({"text": "a", "parts": [{"text": "b"}]}, "parts"),
    "an unknown level": ({"text": "a", "declared_level": 99}, "declared_level"),
    "an unknown mode": ({"text": "a", "options": {"ner": 99}}, "options.ner"),
    "an unknown role": ({"parts": [{"text": "a", "role": 99}]}, "parts[0].role"),
    "an unknown entity type": (
        {"text": "a", "options": {"entity_types": ["PERSON", "NO_SUCH"]}},
        "options.entity_types[1]",
    ),
    "a score out of range": ({"text": "a", "options": {"min_score": 1.5}}, "options.min_score"),
    "a long request id": ({"text": "a", "request_id": "x" * 129}, "request_id"),
    "a text that is too large": ({"text": "x" * (MAX_TEXT_BYTES + 1)}, "text"),
    "parts that are too large together": ({"parts": [{"text": "x" * MAX_TEXT_BYTES}, {"text": "y"}]}, "parts"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_request_is_refused_with_its_field(classifier: Any, pb: SimpleNamespace, name: str) -> None:
    fields, at_fault = REFUSED[name]
    answer = refusal(lambda: classifier.Classify(pb.ClassifyRequest(**fields), timeout=RPC_SECONDS))
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT
    assert answer.domain == "cordon"
    assert answer.reason
    assert answer.fields == [at_fault]


def test_the_size_limit_is_named_and_a_text_at_the_limit_is_scanned_whole(classifier: Any, pb: SimpleNamespace) -> None:
    answer = refusal(lambda: classify(classifier, pb, "x" * (MAX_TEXT_BYTES + 1)))
    assert str(MAX_TEXT_BYTES) in answer.message
    ending = f" credit card {CARD}"
    text = ("harmless words " * MAX_TEXT_BYTES)[: MAX_TEXT_BYTES - len(ending)] + ending
    response = classify(classifier, pb, text)
    assert of_type(response, "CREDIT_CARD")[0].codepoint_range.end == len(text) == MAX_TEXT_BYTES


def test_a_deadline_that_cannot_be_met_is_said(classifier: Any, pb: SimpleNamespace) -> None:
    text = ("The minutes of the meeting in Ghent mention Anna Kowalska and Pieter de Vries. " * 800)[
        : MAX_TEXT_BYTES - 1
    ]
    request = pb.ClassifyRequest(text=text, options=pb.ClassifyOptions(ner=pb.NER_MODE_ALWAYS))
    with pytest.raises(grpc.RpcError) as error:
        classifier.Classify(request, timeout=0.02)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    # Nobody is left waiting behind it.
    assert classify(classifier, pb, TRIVIA).verdict.level == pb.SENSITIVITY_PUBLIC
