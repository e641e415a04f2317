"""The corpus keeps its own rules: what its README promises holds for every line."""

from __future__ import annotations

import json
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
LEVELS = {"public", "internal", "confidential"}
FIELDS = {"id", "text", "level", "topics", "kind", "lang", "spans"}
LEAST_TEXTS = 300


def texts() -> list[dict]:
    files = sorted(CORPUS.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_ids_are_unique_and_there_are_enough() -> None:
    ids = [text["id"] for text in texts()]
    assert len(ids) == len(set(ids))
    assert len(ids) >= LEAST_TEXTS


def test_every_level_is_there_in_number() -> None:
    levels = [text["level"] for text in texts()]
    assert set(levels) == LEVELS
    for level in LEVELS:
        assert levels.count(level) >= LEAST_TEXTS / 5, level


def test_lines_have_the_fields_and_spans_lie_inside() -> None:
    for file in sorted(CORPUS.glob("*.jsonl")):
        meta = json.loads(file.with_suffix(".meta.json").read_text(encoding="utf-8"))
        labels = {*meta["annotated"], "HEALTH"}
        lines = file.read_text(encoding="utf-8").splitlines()
        assert meta["docs"] == len(lines)
        for line in lines:
            text = json.loads(line)
            assert set(text) == FIELDS, text["id"]
            assert text["id"].startswith(f"{file.stem}-")
            assert text["topics"], text["id"]
            for span in text["spans"]:
                assert span["label"] in labels, text["id"]
                found = text["text"][span["start"] : span["end"]]
                assert 0 <= span["start"] < span["end"] <= len(text["text"]), text["id"]
                assert found == found.strip(), text["id"]
