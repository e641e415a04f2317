"""AuditService: every decision is there, in order, verifiable, and without a word of anybody's text."""

from __future__ import annotations

import json
import stat
import subprocess
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from conftest import RPC_SECONDS, Installation
from refusals import refusal
from texts import CARD, CARD_TEXT, PATIENT, PATIENT_TEXT, TRIVIA


def dispatch(dispatcher: Any, pb: SimpleNamespace, text: str, **fields: Any) -> Any:
    messages = [pb.Message(role=pb.ROLE_USER, content=text)]
    return dispatcher.Dispatch(pb.DispatchRequest(messages=messages, **fields), timeout=RPC_SECONDS)


def test_a_dispatch_is_recorded_with_its_outcome(
    backends: Installation, dispatcher: Any, audit: Any, pb: SimpleNamespace
) -> None:
    answer = dispatch(dispatcher, pb, CARD_TEXT, request_id="audit-1")
    record = audit.GetDecision(pb.GetDecisionRequest(decision_id=answer.decision_id), timeout=RPC_SECONDS)
    assert record.request_id == "audit-1"
    assert record.operation == pb.OPERATION_DISPATCH
    assert record.level == pb.SENSITIVITY_CONFIDENTIAL
    assert record.decision.route == pb.ROUTE_LOCAL
    assert record.policy.digest == answer.verdict.policy.digest
    assert record.text_bytes == len(CARD_TEXT.encode())
    assert {reason.rule for reason in answer.verdict.reasons} <= set(record.reasons)
    cards = [entity for entity in record.entities if entity.entity_type == "CREDIT_CARD"]
    assert [(entity.count, entity.distinct) for entity in cards] == [(1, 1)]
    assert record.outcome.status == "completed"
    assert record.outcome.outcome.backend == "scripted-local"
    assert record.outcome.sequence > record.sequence
    assert uuid.UUID(record.decision_id).version == 7


def test_a_classification_is_recorded(classifier: Any, audit: Any, pb: SimpleNamespace) -> None:
    answer = classifier.Classify(pb.ClassifyRequest(request_id="audit-2", text=PATIENT_TEXT), timeout=RPC_SECONDS)
    record = audit.GetDecision(pb.GetDecisionRequest(decision_id=answer.decision_id), timeout=RPC_SECONDS)
    assert record.operation == pb.OPERATION_CLASSIFY
    assert record.request_id == "audit-2"
    assert not record.HasField("decision")


def test_pages_go_through_the_whole_log_newest_first(
    backends: Installation, dispatcher: Any, audit: Any, pb: SimpleNamespace
) -> None:
    for _ in range(3):
        dispatch(dispatcher, pb, TRIVIA)
    whole = audit.ListDecisions(pb.ListDecisionsRequest(page_size=1000), timeout=RPC_SECONDS).decisions
    sequences = [record.sequence for record in whole]
    assert len(sequences) >= 3
    assert sequences == sorted(sequences, reverse=True)
    paged, token = [], ""
    while True:
        page = audit.ListDecisions(pb.ListDecisionsRequest(page_size=2, page_token=token), timeout=RPC_SECONDS)
        assert len(page.decisions) <= 2
        paged += [record.sequence for record in page.decisions]
        token = page.next_page_token
        if not token:
            break
    assert paged == sequences


def test_filters_choose(backends: Installation, dispatcher: Any, audit: Any, pb: SimpleNamespace) -> None:
    dispatch(dispatcher, pb, TRIVIA)
    dispatch(dispatcher, pb, CARD_TEXT)
    level = pb.SENSITIVITY_CONFIDENTIAL
    chosen = audit.ListDecisions(pb.ListDecisionsRequest(level=level, page_size=1000), timeout=RPC_SECONDS).decisions
    assert chosen
    assert {record.level for record in chosen} == {level}
    nobody = audit.ListDecisions(pb.ListDecisionsRequest(caller="nobody"), timeout=RPC_SECONDS)
    assert not nobody.decisions


def test_the_chain_verifies_and_the_command_line_agrees(
    backends: Installation, dispatcher: Any, audit: Any, pb: SimpleNamespace, program: Path
) -> None:
    dispatch(dispatcher, pb, TRIVIA)
    answer = audit.VerifyLog(pb.VerifyLogRequest(), timeout=RPC_SECONDS)
    assert answer.intact
    assert answer.records >= 2
    assert answer.first_bad_sequence == 0
    assert answer.head_hash
    command = [str(program), "audit", "verify", "--data-dir", str(backends.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_wrong_requests_are_refused(audit: Any, pb: SimpleNamespace) -> None:
    unknown = str(uuid.uuid4())
    answer = refusal(lambda: audit.GetDecision(pb.GetDecisionRequest(decision_id=unknown), timeout=RPC_SECONDS))
    assert (answer.code, answer.domain) == (grpc.StatusCode.NOT_FOUND, "cordon")
    for fields in ({"page_token": "no such page"}, {"page_size": 1001}, {"level": 99}):
        answer = refusal(lambda fields=fields: audit.ListDecisions(pb.ListDecisionsRequest(**fields), timeout=10))
        assert (answer.code, answer.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "cordon"), fields


@pytest.mark.parametrize("canary", [CARD, CARD.replace(" ", ""), PATIENT, "charged twice", "capital of Australia"])
def test_no_text_stands_in_the_data_or_in_the_log_of_the_service(
    backends: Installation, dispatcher: Any, classifier: Any, audit: Any, pb: SimpleNamespace, canary: str
) -> None:
    for text in (CARD_TEXT, PATIENT_TEXT, TRIVIA):
        dispatch(dispatcher, pb, text)
    classifier.Classify(pb.ClassifyRequest(text=CARD_TEXT), timeout=RPC_SECONDS)
    files = [path for path in [backends.log, *backends.data_dir.rglob("*")] if path.is_file()]
    assert len(files) >= 2
    for path in files:
        assert canary.encode() not in path.read_bytes(), path
    listed = audit.ListDecisions(pb.ListDecisionsRequest(page_size=1000), timeout=RPC_SECONDS)
    assert canary not in str(listed)


def test_data_files_are_for_their_owner_only(backends: Installation) -> None:
    for path in backends.data_dir.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_command_line_lists_the_same_decisions(
    backends: Installation, dispatcher: Any, pb: SimpleNamespace, program: Path
) -> None:
    answer = dispatch(dispatcher, pb, TRIVIA)
    command = [str(program), "audit", "list", "--json", "--data-dir", str(backends.data_dir)]
    # The command reads the files; a local answer does not wait until its record is there.
    end = time.monotonic() + 10
    while True:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        if answer.decision_id in done.stdout or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert answer.decision_id in done.stdout
    assert all(json.loads(line) for line in done.stdout.splitlines())
