"""The reference of the decoder: from logits to labelled words, by the best sequence in which `I-X` follows only `B-X` or `I-X`.

`src/ner/` does the same in Rust; `assets/ner/golden.jsonl` holds both to it. A word is judged as a whole: its probabilities are the mean
over its tokens, weighted by their bytes, so a piece of a word is never an entity of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .labels import TYPES

LEAST = 1e-6
"""Probabilities below this count as this: a logarithm needs some."""


@dataclass
class Word:
    """A word that is something; offsets in code points."""

    start: int
    end: int
    kind: str
    begins: bool
    score: float


def is_unspaced(c: str) -> bool:
    """Whether this script is written without spaces; each character is then a word."""
    n = ord(c)
    ranges = (
        (0xE00, 0xEFF),
        (0x1000, 0x109F),
        (0x1780, 0x17FF),
        (0x3040, 0x30FF),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x323AF),
    )
    return n >= 0xE00 and any(low <= n <= high for low, high in ranges)


EXTENDING = [
    (0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6ED), (0x93C, 0x93C),
    (0x94D, 0x94D), (0x9BC, 0x9BC), (0x9CD, 0x9CD), (0xA4D, 0xA4D), (0xACD, 0xACD), (0xB4D, 0xB4D), (0xBCD, 0xBCD), (0xC4D, 0xC4D),
    (0xCCD, 0xCCD), (0xD4D, 0xD4D), (0xDCA, 0xDCA), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F), (0xAD, 0xAD), (0x200B, 0x200F), (0x2060, 0x2060), (0xFEFF, 0xFEFF),
]  # fmt: skip
"""Combining marks and what is invisible: they belong to the word before them."""


def words(text: str) -> list[tuple[int, int]]:
    """Runs of letters, digits and their marks; any other character but white space alone."""
    found: list[list[int]] = []
    open_word = False
    for at, c in enumerate(text):
        n = ord(c)
        letter = c.isalnum() and not is_unspaced(c)
        extends = n >= 0xAD and any(low <= n <= high for low, high in EXTENDING)
        if found and open_word and (letter or extends):
            found[-1][1] = at + 1
        elif c.isspace():
            open_word = False
        else:
            open_word = letter
            found.append([at, at + 1])
    return [(start, end) for start, end in found]


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the labels, `[tokens, labels]`."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@dataclass
class Votes:
    """What the tokens say of each word of a window."""

    ranges: list[tuple[int, int]]
    """Code points of the text."""
    inside: np.ndarray
    """Probability that the word is of each type, `[words, types]`."""
    begins: np.ndarray
    """Probability that an entity begins with the word, given its type, `[words, types]`."""


def votes(text: str, offsets: list[tuple[int, int]], logits: np.ndarray) -> Votes:
    """Collects the tokens of each word. A token that covers several words speaks for all of them; one that began in white space
    belongs to the word that follows."""
    rows, sizes = probabilities(logits), [max(1, len(text[start:end].encode())) for start, end in offsets]
    ranges: list[tuple[int, int]] = []
    inside, begins = [], []
    nothing = np.zeros(len(TYPES))
    token, at, pending = 0, 0, words(text)
    while at < len(pending):
        start, end = pending[at]
        at += 1
        first = token
        while token < len(offsets) and offsets[token][0] < end:
            piece_start, piece_end = offsets[token]
            end = max(end, piece_start + len(text[piece_start:piece_end].rstrip()))
            token += 1
        while at < len(pending) and pending[at][0] < end:
            end = max(end, pending[at][1])
            at += 1
        ranges.append((start, end))
        if token == first:
            inside.append(nothing)
            begins.append(nothing)
            continue
        weights = np.array(sizes[first:token], np.float64)
        mean = (rows[first:token] * weights[:, None]).sum(axis=0) / weights.sum()
        begin, whole = rows[first, 1::2], rows[first, 1::2] + rows[first, 2::2]
        inside.append(mean[1::2] + mean[2::2])
        begins.append(np.divide(begin, whole, out=np.zeros(len(TYPES)), where=whole > 0))
    shape = (len(ranges), len(TYPES))
    return Votes(ranges, np.array(inside).reshape(shape), np.array(begins).reshape(shape))


def best_path(inside: np.ndarray, begins: np.ndarray, thresholds: np.ndarray) -> list[int]:
    """The state of each word: 0 is outside, 1 + 2t begins type t, 2 + 2t goes on with it."""
    if not len(inside):
        return []
    bias = np.log((1 - thresholds) / thresholds)
    scores = np.empty((len(inside), 1 + 2 * inside.shape[1]))
    scores[:, 0] = np.log(np.maximum(1 - inside.sum(axis=1), LEAST))
    scores[:, 1::2] = np.log(np.maximum(inside * begins, LEAST)) + bias
    scores[:, 2::2] = np.log(np.maximum(inside * (1 - begins), LEAST)) + bias
    best, back = scores[0].copy(), []
    best[2::2] = -math.inf
    begun, going = np.arange(1, len(best), 2), np.arange(2, len(best), 2)
    for row in scores[1:]:
        before = np.full(len(row), int(best.argmax()))
        before[2::2] = np.where(best[1::2] >= best[2::2], begun, going)
        best = best[before] + row
        back.append(before)
    path = [int(best.argmax())]
    for before in reversed(back):
        path.append(int(before[path[-1]]))
    return path[::-1]


def chosen(voted: Votes, thresholds: np.ndarray) -> list[Word]:
    """Words that are something, by the best path."""
    found = []
    path = best_path(voted.inside, voted.begins, thresholds)
    for (start, end), scores, state in zip(voted.ranges, voted.inside, path, strict=True):
        if state:
            kind = (state - 1) // 2
            found.append(Word(start, end, TYPES[kind], state % 2 == 1, float(scores[kind])))
    return found


def decode(text: str, offsets: list[tuple[int, int]], logits: np.ndarray, thresholds: np.ndarray) -> list[Word]:
    """Words of one window that are something. `logits` has a row for each token of the text, without special tokens."""
    return chosen(votes(text, offsets, logits), thresholds)


def spans(found: list[Word]) -> list[tuple[int, int, str, float]]:
    """Words that go on are joined to what they go on with; the score of a span is the mean of its words."""
    joined: list[list] = []
    for word in found:
        if joined and not word.begins and joined[-1][2] == word.kind:
            joined[-1][1] = word.end
            joined[-1][3].append(word.score)
        else:
            joined.append([word.start, word.end, word.kind, [word.score]])
    return [(start, end, kind, float(np.mean(scores))) for start, end, kind, scores in joined]
