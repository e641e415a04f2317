"""From a text to what the model reads: token ids, the shape of each token, and labels. The service does the same in Rust
(`src/ner/vocabulary.rs`, `src/ner/shapes.rs`); the golden file holds both to it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from .documents import Document
from .labels import LABELS, SENSITIVE, TOPICS, TYPES

IGNORED = -100
"""Label of tokens that the loss leaves out."""

CASES, SPACINGS = 5, 3
SHAPES = CASES * SPACINGS
"""Shapes of tokens. The tokenizer lowers all letters and forgets the spaces; both tell a name from a word, and code from prose."""


def shape(text: str, start: int, end: int) -> int:
    """The shape of the token at these code points: its capitals (none, lower, first upper, upper, mixed), and what stands before it
    (a character, a space, or a line break or nothing)."""
    piece = text[start:end]
    upper = sum(c.isupper() for c in piece)
    lower = sum(c.islower() for c in piece)
    if upper == 0:
        case = 1 if lower else 0
    elif lower == 0:
        case = 3 if upper > 1 else 2
    else:
        case = 2 if upper == 1 and piece[0].isupper() else 4
    before = text[start - 1] if start else "\n"
    spacing = 2 if before in "\r\n" else 1 if before.isspace() else 0
    return case * SPACINGS + spacing


@dataclass
class Window:
    """What the model reads and should say of one window, special tokens included."""

    ids: np.ndarray
    shapes: np.ndarray
    labels: np.ndarray
    unknown: int
    """Index into the sets of types that the source does not annotate."""
    topics: np.ndarray
    """1, 0, or NaN where nobody knows; one for each topic."""


class Cutter:
    """Cuts documents into windows of tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.cls, self.sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        self.unknowns: list[frozenset[str]] = []

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and offsets in code points, without special tokens."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def windows(self, document: Document, length: int, overlap: int) -> list[Window]:
        """All windows of a document; `length` counts tokens of text."""
        ids, offsets = self.tokens(document.text)
        if not ids:
            return []
        labels = labelled(document, offsets)
        shapes = [shape(document.text, start, end) for start, end in offsets]
        unknown = frozenset(TYPES) - document.known
        if unknown not in self.unknowns:
            self.unknowns.append(unknown)
        found = []
        for start, end, core in cuts(len(ids), length, overlap):
            whole = core == (0, len(ids))
            found.append(
                Window(
                    np.array([self.cls, *ids[start:end], self.sep], np.int32),
                    np.array([0, *shapes[start:end], 0], np.int8),
                    np.array([IGNORED, *labels[start:end], IGNORED], np.int16),
                    self.unknowns.index(unknown),
                    topics(document, whole),
                )
            )
        return found


def cuts(count: int, length: int, overlap: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Divides `count` tokens into windows of about equal length that share `overlap`: start, end, and the tokens that it answers for."""
    if not count:
        return
    pieces = max(1, -(-(count - overlap) // max(1, length - overlap)))
    stride = -(-(count - overlap) // pieces) if pieces > 1 else count
    for piece in range(pieces):
        start = piece * stride
        end = min(count, start + stride + overlap) if pieces > 1 else count
        first = start + overlap // 2 if piece else 0
        yield start, end, (first, start + stride + overlap // 2 if piece + 1 < pieces else count)


def labelled(document: Document, offsets: list[tuple[int, int]]) -> list[int]:
    """The label of each token, as an index into LABELS. A token that only touches a span is of it."""
    labels = [0] * len(offsets)
    at = 0
    for start, end, kind in document.spans:
        while at and offsets[at - 1][1] > start:
            at -= 1
        while at < len(offsets) and offsets[at][1] <= start:
            at += 1
        first = True
        while at < len(offsets) and offsets[at][0] < end:
            if kind is None:
                labels[at] = IGNORED
            elif labels[at] == 0:
                labels[at] = LABELS.index(("B-" if first else "I-") + kind)
                first = False
            at += 1
    return labels


def topics(document: Document, whole: bool) -> np.ndarray:
    """What is known about the topics of a window. Of a part of a longer text, only what is not there is sure."""
    known = np.full(len(TOPICS), np.nan, np.float32)
    if document.topics is not None:
        for index, name in enumerate(TOPICS):
            if name in document.topics:
                known[index] = 1.0 if whole else np.nan
            else:
                known[index] = 0.0
        known[TOPICS.index("confidential_matter")] = (
            (1.0 if whole else np.nan) if document.level == "confidential" else 0.0
        )
        known[TOPICS.index("internal_matter")] = {
            "public": 0.0,
            "internal": 1.0 if whole else np.nan,
            "confidential": np.nan,
        }[document.level]
    elif document.source in ("neg_code", "neg_docs", "harmless"):
        for name in (*SENSITIVE, "confidential_matter"):
            known[TOPICS.index(name)] = 0.0
        if document.source != "harmless":
            known[TOPICS.index("code_or_docs")] = 1.0
    return known


def batches(windows: list[Window], tokens: int, rng: random.Random) -> list[list[Window]]:
    """Windows of about the same length together, in random order; about `tokens` tokens each, padding included."""
    order = sorted(windows, key=lambda window: (len(window.ids) + rng.randrange(8), rng.random()))
    found, batch, longest = [], [], 0
    for window in order:
        longest = max(longest, len(window.ids))
        if batch and longest * (len(batch) + 1) > tokens:
            found.append(batch)
            batch, longest = [], len(window.ids)
        batch.append(window)
    if batch:
        found.append(batch)
    rng.shuffle(found)
    return found
