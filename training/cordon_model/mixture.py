"""What an epoch shows: each source as often as the configuration says, noise, texts of the generator that no other epoch shows, and texts
of our own inside longer harmless ones, because one sentence can make a long text confidential.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable

from .documents import Document
from .labels import TYPES
from .windows import Cutter, Window


def recased(document: Document, how: Callable[[str], str]) -> Document:
    """The document in lower or upper case; offsets stay right because letters that change their length are left alone."""
    text = "".join(new if len(new := how(c)) == 1 else c for c in document.text)
    changed = copy.copy(document)
    changed.text = text
    return changed


def behind(first: Document, second: Document, gap: str) -> Document:
    """Two texts in one; its topics are those of both, its level the higher one."""
    shift = len(first.text) + len(gap)
    order = ("public", "internal", "confidential")
    both = copy.copy(first)
    both.text = first.text + gap + second.text
    both.spans = first.spans + [(start + shift, end + shift, kind) for start, end, kind in second.spans]
    both.known = first.known & second.known
    if first.topics is None or second.topics is None:
        both.topics = None
    else:
        both.topics = first.topics | second.topics
        both.level = max(first.level or "public", second.level or "public", key=order.index)
    return both


class Mixture:
    """Makes the windows of an epoch."""

    def __init__(
        self,
        config: dict,
        cutter: Cutter,
        training: list[Document],
        generated: Callable[[int, int], Iterable[Document]],
    ) -> None:
        self.config, self.cutter, self.generated = config, cutter, generated
        self.sources: dict[str, list[Document]] = {}
        for document in training:
            self.sources.setdefault(document.source, []).append(document)

    def epoch(self, number: int, rng: random.Random) -> list[Window]:
        """The windows of one epoch, the same for the same number and seed."""
        data, noise = self.config["data"], self.config["noise"]
        harmless = [document for document in self.sources.get("own", []) if document.level == "public"]
        found: list[Window] = []
        for document in self.shown(number, rng, data):
            if document.source == "own" and harmless and rng.random() < noise["joined"]:
                pair = [document, rng.choice(harmless)]
                rng.shuffle(pair)
                document = behind(*pair, rng.choice(["\n\n", "\n", " ", "\n---\n"]))
            draw = rng.random()
            if draw < noise["lower"]:
                document = recased(document, str.lower)
            elif draw < noise["lower"] + noise["upper"]:
                document = recased(document, str.upper)
            length = data["window_tokens"]
            if rng.random() < noise["cut"]:
                length = rng.randrange(24, 250)
            found += self.cutter.windows(document, length, min(data["overlap_tokens"], length // 4))
        return found

    def shown(self, number: int, rng: random.Random, data: dict) -> Iterable[Document]:
        times = {**data["development"], "own": data["own"]}
        for source, documents in self.sources.items():
            share = times.get(source, 1)
            for _ in range(int(share)):
                yield from documents
            rest = share - int(share)
            if rest:
                yield from rng.sample(documents, int(rest * len(documents)))
        yield from self.generated(number, data["generated"])


def of_generator(record: dict) -> Document:
    """A document of the generator, whose labels are the model's own. What comes of its negative templates alone is harmless as far as
    topics go."""
    spans = [(span["start"], span["end"], span["label"]) for span in record["spans"]]
    harmless = all("neg" in part for part in record["template"].split("+"))
    return Document(
        record["id"], record["text"], spans, "harmless" if harmless else "generator", record["lang"], set(TYPES)
    )
