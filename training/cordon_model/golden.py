"""The golden file: what the shipped graph says of texts of our own, decoded by the reference. A test in Rust decodes the same and compares."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .decode import decode
from .evaluate import Run
from .labels import TOPICS
from .windows import Cutter, shape

EDGES = (
    "Dr. Ana-María O'Neill-Núñez, 27 Tanner's Row, Hexham NE46 3QL, +44 20 7946 0958",
    "wang xiaoming 王小明 met Jose\u0301 Nu\u200bñez at Łódź on 3 May",
    "user.name=anna smith;pw=hunter22;host=db01\n\tat Foo.bar(Baz.java:12)",
    "B. O. B.",
    "…  ",
    "ANNA SMITH AND PETER JONES LEFT ACME CORP. IN 2019",
    "The patient (54) was told of the diagnosis; his wife was not.",
)
"""Texts with what two decoders may see differently: combining marks, scripts without spaces, invisible characters, code, capitals."""


def line(text: str, cutter: Cutter, run: Run, thresholds: np.ndarray, lines: list[tuple[float, float]]) -> dict:
    """One text in one window."""
    ids, offsets = cutter.tokens(text)
    logits, topics = run(
        np.array([cutter.cls, *ids, cutter.sep]), np.array([0, *(shape(text, *place) for place in offsets), 0])
    )
    words = decode(text, offsets, logits[1:-1], thresholds)

    def at(place: int) -> int:
        return len(text[:place].encode())

    said = {
        name: round(float(1 / (1 + np.exp(-(scale * topic + bias)))), 4)
        for name, topic, (scale, bias) in zip(TOPICS, topics, lines, strict=True)
    }
    return {
        "text": text,
        "words": [
            {"start": at(w.start), "end": at(w.end), "label": w.kind, "begins": w.begins, "score": round(w.score, 4)}
            for w in words
        ],
        "topics": said,
    }


def write(
    path: Path, texts: list[str], cutter: Cutter, run: Run, thresholds: np.ndarray, lines: list[tuple[float, float]]
) -> None:
    """Writes the file: the edges, and texts of our own that fit one window."""
    with path.open("w", encoding="utf-8") as file:
        for text in (*EDGES, *texts):
            file.write(json.dumps(line(text, cutter, run, thresholds, lines), ensure_ascii=False) + "\n")
