"""Documents of all sources, divided into the training and the validation fold. It decides what may be learned from: the validation fold,
and the texts that measure the levels, never are.

A document is `{"id", "text", "spans": [{"start", "end", "label"}], "source", "lang"}` with offsets in code points; texts of our own add
`level` and `topics`. The fold is by `blake3(id) mod 5`, or by the template where documents share one, so that no template is on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from . import texts
from .labels import COARSE, TYPES, UNSURE, known_types

OWN = Path(__file__).parent.parent / "data" / "texts"
"""Texts of our own with levels, topics and spans."""

FOLDS = 5


@dataclass
class Document:
    """A text with what is known of it. `spans` are (start, end, type or None for "unsure"); `topics` is None where nobody said."""

    id: str
    text: str
    spans: list[tuple[int, int, str | None]]
    source: str
    lang: str = "en"
    known: set[str] = field(default_factory=lambda: set(TYPES))
    level: str | None = None
    topics: set[str] | None = None


def validation(key: str) -> bool:
    """Whether what has this key belongs to the validation fold."""
    return int.from_bytes(blake3(key.encode()).digest()[:8], "little") % FOLDS == 0


def of_json(record: dict, source: str, known: set[str]) -> Document:
    """A document of a line of a file; labels that mean nothing to the model are dropped."""
    spans = []
    for span in record["spans"]:
        label = span["label"]
        kind = label if label in TYPES and label not in COARSE else COARSE.get(label)
        if source == "presidio_synth_v2" and label == "TITLE":
            kind = None  # a form of address there, not a job
            continue
        if kind or label in UNSURE:
            spans.append((span["start"], span["end"], kind))
    topics = set(record["topics"]) if "topics" in record else None
    return Document(
        record["id"],
        record["text"],
        sorted(spans, key=lambda s: s[0]),
        source,
        record.get("lang", "en"),
        known,
        record.get("level"),
        topics,
    )


def lines(path: Path) -> Iterator[dict]:
    """The records of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def own_records() -> Iterator[dict]:
    """The lines of all files with texts of our own, in either form."""
    for path in sorted(OWN.iterdir()):
        if path.suffix == ".jsonl":
            yield from lines(path)
        elif path.suffix == ".txt":
            yield from texts.records(path)


def own() -> list[Document]:
    """Texts of our own: every type is annotated, but in the oldest of them jobs only here and there."""
    jobs = {"JOB_TITLE"}
    return [
        of_json(record, "own", set(TYPES) - (set() if record.get("jobs_marked") else jobs)) for record in own_records()
    ]


def development(folder: Path, sets: list[str]) -> list[Document]:
    """Sets of the folder that `DATA` names, each with a `.meta.json` that says what it annotates."""
    documents = []
    for name in sets:
        path = folder / f"{name}.jsonl"
        if not path.exists():
            continue
        known = known_types(json.loads((folder / f"{name}.meta.json").read_text())["annotated"]) - (
            {"JOB_TITLE"} if name != "meddocan_es" else set()
        )
        documents += [of_json(record, name, known) for record in lines(path)]
    return documents


def template_of(document: Document) -> str:
    """What documents of one template share: the text without its values. Others share it with nobody."""
    if document.source not in ("presidio_synth_v2", "kiji_e2e"):
        return document.id
    parts, at = [], 0
    for start, end, kind in document.spans:
        parts += [document.text[at:start], f"<{kind}>"]
        at = max(at, end)
    return "".join([*parts, document.text[at:]])


def folds(documents: list[Document]) -> tuple[list[Document], list[Document]]:
    """Training and validation. A document is validation by its id, as the accuracy tables count it; what shares a template with one is
    left out of the training."""
    validating = [document for document in documents if validation(document.id)]
    shown = {template_of(document) for document in validating}
    training = [
        document for document in documents if not validation(document.id) and template_of(document) not in shown
    ]
    return training, validating
