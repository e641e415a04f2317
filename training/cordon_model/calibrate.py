"""Thresholds for the types and probabilities for the topics, fitted on texts that the weights were not fitted on.

A threshold is moved only as far as it helps the F1 of its type, and stays within limits: it is a bias of the decoder, not a second model.
Topics get a line through their log-odds (Platt), pulled to the line that changes nothing, because some topics are rare.
"""

from __future__ import annotations

import copy

import numpy as np

from .decode import Votes
from .evaluate import CORE, Read, counts, f1, truth_of
from .labels import TOPICS, TYPES

THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)
START = 0.45
WORDS_OF_A_SOURCE = 12_000
QUIET = 1e-3
"""A word that is something with less than this probability is outside at every threshold above."""


def thresholds(read: list[Read]) -> np.ndarray:
    """The best threshold of each type by F1, one type after the other; near-equal ones go to the lower, which finds more."""
    chosen = np.full(len(TYPES), START)
    sample = some(read)
    for index, kind in enumerate(TYPES):
        knowing = [one for one in sample if kind in one.document.known]
        best = (-1.0, START)
        for threshold in reversed(THRESHOLDS):
            trial = chosen.copy()
            trial[index] = threshold
            total = np.zeros(4)
            for one in knowing:
                gold = [(start, end, k) for start, end, k in one.document.spans if k == kind]
                total += counts(gold, [(start, end, k) for start, end, k, _ in one.spans(trial) if k == kind])
            slack = 0.2 if kind in CORE else 0.05
            if f1(total) >= best[0] - slack:
                best = (max(f1(total), best[0]), threshold)
        chosen[index] = best[1]
    return chosen


def some(read: list[Read]) -> list[Read]:
    """Documents of every source, about as many words of each, so that a long one does not outweigh the others, and only the parts of
    them where the model sees something: elsewhere a threshold changes nothing."""
    kept, words = [], {}
    for one in read:
        source = one.document.source
        if words.get(source, 0) > WORDS_OF_A_SOURCE:
            continue
        words[source] = words.get(source, 0) + sum(len(voted.ranges) for voted, _, _ in one.windows)
        light = copy.copy(one)
        light.windows = [(part, first, last) for voted, first, last in one.windows for part in busy(voted)]
        kept.append(light)
    return kept


def busy(voted: Votes) -> list[Votes]:
    """Runs of words that may be something; between them the best path is outside."""
    may = np.flatnonzero(voted.inside.sum(axis=1) > QUIET)
    if not len(may):
        return []
    runs = np.split(may, np.flatnonzero(np.diff(may) > 1) + 1)
    return [
        Votes(voted.ranges[r[0] : r[-1] + 1], voted.inside[r[0] : r[-1] + 1], voted.begins[r[0] : r[-1] + 1])
        for r in runs
    ]


def lines(read: list[Read], pull: float = 20.0) -> list[tuple[float, float]]:
    """Scale and bias of each topic: probability = 1 / (1 + exp(-(scale * log-odds + bias)))."""
    own = [one for one in read if one.document.topics is not None]
    fitted = []
    for index, name in enumerate(TOPICS):
        pairs = [(one.topics[index], truth) for one in own if (truth := truth_of(one.document, name)) is not None]
        x, y = np.array([p[0] for p in pairs], np.float64), np.array([p[1] for p in pairs], np.float64)
        fitted.append(line(x, y, pull) if y.any() else (1.0, 0.0))
    return fitted


def line(x: np.ndarray, y: np.ndarray, pull: float) -> tuple[float, float]:
    """Logistic regression of one variable by Newton's method, with a pull towards scale 1 and bias 0."""
    w = np.array([1.0, 0.0])
    features = np.stack([x, np.ones_like(x)], axis=1)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(features @ w, -30, 30)))
        gradient = features.T @ (p - y) + pull / 10 * (w - [1.0, 0.0])
        curve = (features * (p * (1 - p))[:, None]).T @ features + pull / 10 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return (round(float(np.clip(w[0], 0.3, 3.0)), 4), round(float(w[1]), 4))
