"""`cordon eval` against a second scorer, written here from the description in docs/evaluation.md and sharing no code.

It counts by sets of positions instead of intervals; every figure of both has to be the same to a tenth of a percent.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import stack

ROOT = Path(__file__).resolve().parent.parent.parent
SETS = ("hr", "data")
TENTH_OF_A_PERCENT = 0.0005

NOT_CORE = {"ORG", "URL", "DATE*", "AGE", "NRP", "TITLE"}
NOT_CORE_LABELS = {"ORG", "URL", "LOCATION", "DATE", "AGE", "NRP", "TITLE", "OTHER"}
TITLES = "Mr Mrs Ms Miss Mx Dr Prof Sir Dame Lord Lady Judge Justice Rev Hon Herr Frau Mme M MM Mlle Sr Sra Srta D Dª Dña Don Doña"
TITLE = re.compile(rf"(?:(?:{'|'.join(TITLES.split())})\b\.?\s+)+")
SENTENCES = {"LOCATION", "ADDRESS", "PHONE", "EMAIL", "URL", "IP_ADDRESS", "DATE", "DATE_OF_BIRTH"}
BETWEEN = {"LOC": re.compile(r"[\s,.;/-]{0,3}"), "PERSON": re.compile(r"\s?|-|\. ?|['’]")}


def class_of(label: str) -> str:
    return {"ADDRESS": "LOC", "LOCATION": "LOC", "DATE": "DATE*", "DATE_OF_BIRTH": "DATE*"}.get(label, label)


def trimmed(text: str, span: dict) -> tuple[int, int]:
    start, end, label = span["start"], span["end"], span["label"]
    while start < end and (text[start].isspace() or text[start] in "\"'“”‘’([{<,;:"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in '"“”‘)]}>,;:'):
        end -= 1
    if label == "PERSON":
        title = TITLE.match(text[start:end])
        if title and title.end() < end - start:
            start += title.end()
        if text[start:end].endswith(("'s", "’s")):
            end -= 2
    elif label in SENTENCES and text[start:end].endswith("."):
        end -= 1
    return start, end


def tidied(text: str, spans: list[dict]) -> list[tuple[str, int, int, str]]:
    """Class, start, end and label, with pieces of one thing joined."""
    pieces = sorted((class_of(span["label"]), *trimmed(text, span), span["label"]) for span in spans)
    joined: list[tuple[str, int, int, str]] = []
    for kind, start, end, label in pieces:
        if start >= end:
            continue
        if joined and joined[-1][0] == kind:
            _, first, last, before = joined[-1]
            gap = text[last:start].removesuffix("\n") if start - last <= 3 else "too far"
            if start <= last or not gap or (kind in BETWEEN and BETWEEN[kind].fullmatch(gap)):
                label = before if label == before or kind != "LOC" else "ADDRESS"
                joined[-1] = (kind, first, max(last, end), label)
                continue
        joined.append((kind, start, end, label))
    return joined


def positions(spans: list[tuple], kind: str | None = None) -> set[int]:
    return {at for span in spans if kind in (None, span[0]) for at in range(span[1], span[2])}


def is_half(span: tuple, where: set[int]) -> bool:
    return 2 * sum(at in where for at in range(span[1], span[2])) >= span[2] - span[1]


def rates(gold_found: int, gold: int, right: int, found: int) -> dict[str, float | None]:
    recall = gold_found / gold if gold else None
    precision = right / found if found else None
    f1 = 0.0 if gold and found else None
    if recall and precision:
        f1 = 2 * precision * recall / (precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1}


def measured(gold: list[dict], predicted: dict[str, dict], annotated: set[str]) -> dict:
    """What `cordon eval --json` says of one set, as far as it is compared."""
    counts: dict[str, Counter] = defaultdict(Counter)
    documents: Counter = Counter()
    covered: Counter = Counter()
    for text in gold:
        content = text["text"]
        want = tidied(content, [span for span in text["spans"] if span["label"] in annotated])
        left_out = tidied(content, [span for span in text["spans"] if span["label"] not in annotated])
        every = tidied(content, predicted[text["id"]]["spans"])
        classes = {class_of(label) for label in annotated}
        found = [span for span in every if span[0] in classes]
        found = [
            span
            for span in found
            if not is_half(span, positions(left_out))
            or any(w[0] == span[0] and w[1] < span[2] and span[1] < w[2] for w in want)
        ]
        for span in want:
            counts[span[0]]["gold"] += 1
            counts[span[0]]["gold found"] += is_half(span, positions(found, span[0]))
            covered["gold found"] += len(positions([span]) & positions(every))
            covered["gold"] += span[2] - span[1]
        for span in found:
            counts[span[0]]["found"] += 1
            counts[span[0]]["right"] += is_half(span, positions(want, span[0]))
            counts[span[0]]["exact"] += any(span[:3] == w[:3] for w in want)
            covered["right"] += len(positions([span]) & positions(want))
            covered["found"] += span[2] - span[1]
        core = annotated - NOT_CORE_LABELS
        documents[any(span[3] in core for span in want), any(span[3] in core for span in found)] += 1
    total: Counter = Counter()
    for kind, tally in counts.items():
        if kind not in NOT_CORE and (kind != "LOC" or "ADDRESS" in annotated):
            total += tally
    characters = rates(covered["gold found"], covered["gold"], covered["right"], covered["found"])
    return {
        "classes": {kind: both(tally) for kind, tally in counts.items()},
        "core": both(total),
        "characters": {"recall": characters["recall"], "precision": characters["precision"]},
        "documents": {
            "found": documents[True, True],
            "missed": documents[True, False],
            "false_alarms": documents[False, True],
            "quiet": documents[False, False],
        },
    }


def both(tally: Counter) -> dict:
    return {
        "exact": rates(tally["exact"], tally["gold"], tally["exact"], tally["found"]),
        "overlap": rates(tally["gold found"], tally["gold"], tally["right"], tally["found"]),
    }


def levels(gold: list[dict], predicted: dict[str, dict]) -> dict[str, float]:
    pairs = Counter((text["level"], predicted[text["id"]]["level"]) for text in gold)

    def share(of: str, *judged: str) -> float:
        return sum(pairs[of, level] for level in judged) / sum(n for (level, _), n in pairs.items() if level == of)

    return {
        "accuracy": sum(n for (want, found), n in pairs.items() if want == found) / len(gold),
        "confidential_to_public": share("confidential", "public"),
        "confidential_to_internal": share("confidential", "internal"),
        "internal_to_public": share("internal", "public"),
        "public_over": share("public", "internal", "confidential"),
    }


def flat(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {key: leaf for name, inner in value.items() for key, leaf in flat(inner, f"{path}/{name}").items()}
    return {path: value}


def assert_same(ours: object, theirs: object, name: str) -> int:
    expected, got = flat(ours), flat(theirs)
    assert expected.keys() == got.keys(), name
    for key, value in expected.items():
        assert got[key] == pytest.approx(value, abs=TENTH_OF_A_PERCENT), f"{name}{key}"
    return len(expected)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def measurement(program: Path, assets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    """Predictions of two sets, and what was measured of them."""
    folder = tmp_path_factory.mktemp("predictions")
    gold = [str(ROOT / "tests" / "corpus" / f"{name}.jsonl") for name in SETS]
    arguments = [program, "eval", "--gold", *gold, "--predictions", folder, "--resamples", "50", "--json"]
    environment = stack.service_environment(assets)
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=600, check=True)
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_both_scorers_say_the_same(measurement: tuple[Path, list]) -> None:
    folder, reports = measurement
    assert [report["set"] for report in reports] == [*SETS, "all"]
    compared = 0
    for report in reports[:-1]:
        path = ROOT / "tests" / "corpus" / f"{report['set']}.jsonl"
        gold = lines(path)
        annotated = set(json.loads(path.with_suffix(".meta.json").read_text(encoding="utf-8"))["annotated"]) - {"OTHER"}
        predicted = {line["id"]: line for line in lines(folder / path.name)}
        spans = report["spans"]
        theirs = {
            "classes": {
                name: {kind: scores[kind] for kind in ("exact", "overlap")} for name, scores in spans["classes"].items()
            },
            "core": {kind: spans["core"][kind] for kind in ("exact", "overlap")},
            "characters": {"recall": spans["character_recall"], "precision": spans["character_precision"]},
            "documents": spans["documents"],
        }
        compared += assert_same(measured(gold, predicted, annotated), theirs, report["set"])
        ours = levels(gold, predicted)
        compared += assert_same(ours, {name: report["levels"][name] for name in ours}, report["set"])
    assert compared > 100


def test_a_run_compared_with_itself_differs_in_nothing(
    program: Path, assets: dict[str, str], measurement: tuple[Path, list]
) -> None:
    folder, _ = measurement
    gold = ROOT / "tests" / "corpus" / "data.jsonl"
    arguments = [program, "eval", "--gold", gold, "--compare", folder, "--resamples", "50", "--json"]
    environment = stack.service_environment(assets)
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=600, check=True)
    differences = json.loads(done.stdout)["comparison"]["differences"]
    assert {"core_f1", "person_f1", "clean_flagged", "level_right"} <= {each["measured"] for each in differences}
    for each in differences:
        assert (each["difference"], each["significant"]) == (0.0, False), each
