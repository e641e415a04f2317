"""Measures on the validation fold, with the metrics of the accuracy tables: overlap F1 of people and of all types for each source, harmless
texts that the model flags, and each topic's average precision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from .decode import Votes, chosen, spans, votes
from .documents import Document
from .labels import TOPICS, TYPES
from .windows import Cutter, cuts, shape

Run = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Ids and shapes of one sequence in, logits `[tokens, labels]` and topics `[topics]` out."""

CORE = {
    "PERSON",
    "ADDRESS",
    "DATE_OF_BIRTH",
    "USERNAME",
    "PHONE",
    "ACCOUNT",
    "GOVERNMENT_ID",
    "MEDICAL_ID",
    "REFERENCE",
    "SECRET",
}
"""Types that make a text "hold personal data"."""


class Read:
    """What the model says of one document: for each window the votes of its words, the part that it answers for, and topics."""

    def __init__(self, document: Document, cutter: Cutter, run: Run, length: int, overlap: int) -> None:
        self.document = document
        ids, offsets = cutter.tokens(document.text)
        shapes = [shape(document.text, start, end) for start, end in offsets]
        self.windows: list[tuple[Votes, int, int]] = []
        topics = []
        for start, end, core in cuts(len(ids), length, overlap):
            logits, said = run(
                np.array([cutter.cls, *ids[start:end], cutter.sep]), np.array([0, *shapes[start:end], 0])
            )
            topics.append(said)
            base = offsets[start][0]
            places = [(first - base, last - base) for first, last in offsets[start:end]]
            voted = votes(document.text[base : offsets[end - 1][1]], places, logits[1:-1])
            voted.ranges = [(first + base, last + base) for first, last in voted.ranges]
            first = 0 if start == 0 else offsets[core[0]][0]
            last = len(document.text) if core[1] == len(ids) else offsets[core[1]][0]
            self.windows.append((voted, first, last))
        self.topics = np.array(topics).max(axis=0) if topics else np.full(len(TOPICS), -20.0)

    def spans(self, thresholds: np.ndarray) -> list[tuple[int, int, str, float]]:
        """Entities of the whole document."""
        found = []
        for voted, first, last in self.windows:
            found += [word for word in chosen(voted, thresholds) if first <= word.start < last]
        return spans(found)


def counts(gold: list[tuple[int, int, str]], found: list[tuple[int, int, str]]) -> tuple[int, int, int, int]:
    """Overlap of spans of the same type: found of gold, gold, right of found, found."""

    def hits(ones: list, others: list) -> int:
        return sum(
            any(kind == other and start < stop and begin < end for begin, stop, other in others)
            for start, end, kind in ones
        )

    return hits(gold, found), len(gold), hits(found, gold), len(found)


def f1(total: np.ndarray) -> float:
    """F1 of summed `counts`, in percent."""
    recall, precision = total[0] / max(1, total[1]), total[2] / max(1, total[3])
    return 100 * 2 * recall * precision / max(1e-9, recall + precision)


def report(read: list[Read], thresholds: np.ndarray) -> dict:
    """All figures: by source, F1 of PERSON, of CORE and of all known types, and the share of documents without personal data that are
    flagged; by type over all sources; by topic over own texts."""
    by_source: dict[str, dict[str, np.ndarray]] = defaultdict(lambda: defaultdict(lambda: np.zeros(4)))
    by_type: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4))
    flagged: dict[str, list[bool]] = defaultdict(list)
    for one in read:
        document = one.document
        gold = [(start, end, kind) for start, end, kind in document.spans if kind]
        unsure = [(start, end) for start, end, kind in document.spans if not kind]
        found = [
            (start, end, kind)
            for start, end, kind, _ in one.spans(thresholds)
            if kind in document.known and not any(start < stop and begin < end for begin, stop in unsure)
        ]
        for name, kinds in (("person", {"PERSON"}), ("core", CORE), ("all", set(TYPES))):
            by_source[document.source][name] += counts(
                [s for s in gold if s[2] in kinds], [s for s in found if s[2] in kinds]
            )
        for kind in document.known:
            by_type[kind] += counts([s for s in gold if s[2] == kind], [s for s in found if s[2] == kind])
        if not any(kind in CORE for _, _, kind in gold):
            flagged[document.source].append(any(kind in CORE for _, _, kind in found))
    figures: dict = {"sources": {}, "types": {}, "topics": {}}
    for source, totals in sorted(by_source.items()):
        line = {name: round(f1(total), 1) for name, total in totals.items() if total[1]}
        if flagged[source]:
            line["flagged"] = round(100 * float(np.mean(flagged[source])), 1)
        figures["sources"][source] = line
    figures["types"] = {kind: round(f1(total), 1) for kind, total in by_type.items() if total[1]}
    own = [one for one in read if one.document.topics is not None]
    for index, name in enumerate(TOPICS):
        truth = [truth_of(one.document, name) for one in own]
        pairs = [(one.topics[index], bool(t)) for one, t in zip(own, truth, strict=True) if t is not None]
        if any(t for _, t in pairs):
            figures["topics"][name] = round(100 * average_precision(pairs), 1)
    return figures


def truth_of(document: Document, topic: str) -> bool | None:
    """Whether a document is about a topic; `None` where that cannot be said."""
    if topic == "confidential_matter":
        return document.level == "confidential"
    if topic == "internal_matter":
        return None if document.level == "confidential" else document.level == "internal"
    return topic in (document.topics or ())


def average_precision(pairs: list[tuple[float, bool]]) -> float:
    """Mean precision over the places of what is true, by falling score."""
    hits, total = 0, 0.0
    for place, (_, true) in enumerate(sorted(pairs, key=lambda pair: -pair[0]), 1):
        if true:
            hits += 1
            total += hits / place
    return total / max(1, hits)


def table(figures: dict) -> str:
    """The figures for a person."""
    rows = [
        f"{source:26}" + "  ".join(f"{name} {value:5.1f}" for name, value in line.items())
        for source, line in figures["sources"].items()
    ]
    rows.append("types   " + "  ".join(f"{name} {value}" for name, value in figures["types"].items()))
    rows.append("topics  " + "  ".join(f"{name} {value}" for name, value in figures["topics"].items()))
    return "\n".join(rows)
