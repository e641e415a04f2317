"""Escalation with two real llama.cpp servers, one standing in for the cloud: a public prompt that the weak local model is not
sure of is answered by the other one, whole; a confidential one never leaves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import stack
from conftest import ROOT, RPC_SECONDS
from texts import CARD_TEXT

ANSWER_TOKENS = 24
COMPLEX = "Compare the trade-offs of three consensus protocols and say which one suits a satellite network, and why."
PROMPTS = ROOT / "tests" / "escalation" / "prompts.jsonl"


def escalation(threshold: float) -> str:
    """Ends the `[[backend]]` table before it: weights that spread the scores, and a short hold-back."""
    return (
        f"[backend.escalation]\nthreshold = {threshold}\nhold_back_tokens = 8\nhold_back_ms = 60000\n"
        "[backend.escalation.weights]\nbias = 0.0\nmean = 1.0\nwindow = 1.0\nmargins = -1.0\n"
        "usual = { mean = -0.6, window = -1.1, margins = 0.25 }\n"
    )


class House:
    """A service between two real models, and what the one in the cloud was asked."""

    def __init__(self, ready: dict[str, Any], pb: SimpleNamespace) -> None:
        self.ready, self.pb = ready, pb

    def stream(self, text: str, **more: Any) -> list[Any]:
        generation = self.pb.GenerationOptions(temperature=0.0, max_output_tokens=ANSWER_TOKENS)
        messages = [self.pb.Message(role=self.pb.ROLE_USER, content=text)]
        wanted = self.pb.DispatchRequest(messages=messages, generation=generation, **more)
        with grpc.insecure_channel(self.ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
            return list(self.pb.DispatcherServiceStub(channel).DispatchStream(wanted, timeout=4 * RPC_SECONDS))

    def whole(self, text: str, **more: Any) -> Any:
        generation = self.pb.GenerationOptions(temperature=0.0, max_output_tokens=ANSWER_TOKENS)
        messages = [self.pb.Message(role=self.pb.ROLE_USER, content=text)]
        wanted = self.pb.DispatchRequest(messages=messages, generation=generation, **more)
        with grpc.insecure_channel(self.ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
            return self.pb.DispatcherServiceStub(channel).Dispatch(wanted, timeout=4 * RPC_SECONDS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    with (
        stack.local_model(here, ANSWER_TOKENS, log=here / "model.log") as local,
        stack.local_model(there, ANSWER_TOKENS, log=there / "model.log") as cloud,
    ):
        yield local, cloud


@pytest.fixture(scope="module")
def never_sure(models: Any, program: Path, assets: dict[str, str], tmp_path_factory: Any, pb: SimpleNamespace) -> Any:
    """Everything that the local model says is below the threshold of 1."""
    local, cloud = models
    folder = tmp_path_factory.mktemp("never-sure")
    config = f"policy = {json.dumps(str(ROOT / 'policy' / 'escalation.toml'))}\n"
    config += stack.backend("weak-local", local["url"], local["model"]) + escalation(1.0)
    config += stack.backend("strong-cloud", cloud["url"], cloud["model"], side="cloud")
    with stack.service(program, folder, assets, config, log=folder / "cordon.log") as ready:
        yield House(ready, pb)


def test_a_public_complex_prompt_escalates_as_one_answer(never_sure: House, pb: SimpleNamespace) -> None:
    events = never_sure.stream(COMPLEX, complexity=pb.COMPLEXITY_COMPLEX)
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[:2] == ["verdict", "decision"]
    assert kinds.count("decision") == 1
    decision, outcome = events[1].decision, events[-1].outcome
    assert (decision.backend, decision.reason) == ("strong-cloud", "low_confidence")
    assert decision.escalated_from
    assert outcome.escalated
    assert outcome.confidence.low
    assert "log_probabilities" in outcome.confidence.signals
    # The model in the cloud is the same one at temperature 0, so its answer alone is known: nothing of the local one precedes it.
    alone = never_sure.whole(COMPLEX, complexity=pb.COMPLEXITY_COMPLEX)
    assert "".join(event.delta for event in events) == alone.content
    assert 0 < outcome.output_tokens <= ANSWER_TOKENS


def test_the_log_has_both_calls(never_sure: House, pb: SimpleNamespace) -> None:
    never_sure.whole(COMPLEX, request_id="both-calls")
    with grpc.insecure_channel(never_sure.ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        page = pb.AuditServiceStub(channel).ListDecisions(pb.ListDecisionsRequest(), timeout=RPC_SECONDS)
    ours = [record for record in page.decisions if record.request_id == "both-calls"]
    by_route = {record.decision.route: record for record in ours}
    assert by_route[pb.ROUTE_LOCAL].outcome.status == "escalated"
    assert by_route[pb.ROUTE_CLOUD].outcome.status == "completed"
    assert by_route[pb.ROUTE_CLOUD].decision.escalated_from == by_route[pb.ROUTE_LOCAL].decision_id


def test_a_confidential_prompt_never_leaves(never_sure: House, pb: SimpleNamespace) -> None:
    answer = never_sure.whole(CARD_TEXT, complexity=pb.COMPLEXITY_COMPLEX)
    assert answer.verdict.level == pb.SENSITIVITY_CONFIDENTIAL
    assert answer.outcome.backend == "weak-local"
    assert answer.outcome.confidence.low
    assert (answer.outcome.escalated, answer.outcome.escalation_withheld) == (False, "ceiling")
    events = never_sure.stream(CARD_TEXT, complexity=pb.COMPLEXITY_COMPLEX)
    assert events[-1].outcome.route == pb.ROUTE_LOCAL
    assert events[-1].outcome.escalation_withheld == "ceiling"


def test_a_sure_answer_stays(
    models: Any, program: Path, assets: dict[str, str], tmp_path: Path, pb: SimpleNamespace
) -> None:
    local, cloud = models
    config = f"policy = {json.dumps(str(ROOT / 'policy' / 'escalation.toml'))}\n"
    config += stack.backend("weak-local", local["url"], local["model"]) + escalation(0.5)
    config += stack.backend("strong-cloud", cloud["url"], cloud["model"], side="cloud")
    with stack.service(program, tmp_path, assets, config, log=tmp_path / "cordon.log") as ready:
        answer = House(ready, pb).whole("What is the capital of France? Answer in one sentence.")
    assert answer.outcome.backend == "weak-local"
    assert not answer.outcome.confidence.low
    assert "Paris" in answer.content


def test_calibration_writes_what_the_configuration_takes(models: Any, program: Path, tmp_path: Path) -> None:
    local, _ = models
    config, prompts, written, recorded = (tmp_path / name for name in ("c.toml", "p.jsonl", "cal.toml", "weak.jsonl"))
    config.write_text(stack.backend("weak-local", local["url"], local["model"]), encoding="utf-8")
    prompts.write_text("".join(PROMPTS.read_text(encoding="utf-8").splitlines(keepends=True)[:40]), encoding="utf-8")
    command = [str(program), "--config", str(config), "calibrate", "escalation", "--backend", "weak-local"]
    command += ["--prompts", str(prompts), "--max-tokens", str(ANSWER_TOKENS), "--share", "0.5", "--json"]
    command += ["--write", str(written), "--record", str(recorded)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["prompts"] == report["with_probabilities"] == 40
    assert 0 < report["accepted"] < 1
    assert report["auc"] is not None
    assert len(recorded.read_text(encoding="utf-8").splitlines()) == 40
    # The configuration takes it: a backend that cannot be built would fail before anything is asked.
    text = config.read_text(encoding="utf-8") + f"[backend.escalation]\ncalibration = {json.dumps(str(written))}\n"
    config.write_text(text, encoding="utf-8")
    again = subprocess.run([*command[:-5], "--json"], capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode == 0, again.stderr


def test_a_cascade_is_replayed(program: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    sample = ROOT / "tests" / "escalation" / "cascade.jsonl"
    command = [str(program), "eval", "cascade", "--recorded", str(sample), "--svg", str(picture), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    replay = json.loads(done.stdout)
    assert replay["requests"] == 124
    assert 0 < replay["gain"] < 1
    assert replay["steps"][0]["quality"] == pytest.approx(replay["weak"])
    assert replay["steps"][-1]["quality"] == pytest.approx(replay["strong"])
    assert picture.read_text(encoding="utf-8").startswith("<svg")
