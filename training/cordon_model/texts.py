"""Texts of our own, written with their spans inside: `⟦PERSON:Ruth⟧`, behind a line `=== level | topics | kind | language`.

`python -m cordon_model.texts` checks them all: labels and topics that exist, and no two texts that share more than 30 % of their masked
five-word shingles, for a template with other values teaches nothing.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from .labels import COARSE, TOPICS, TYPES, WHOLE

MARK = re.compile("⟦([A-Z_]+):([^⟦⟧]*)⟧")
UNMARKED_LABELS = {"EMAIL", "URL", "IP_ADDRESS", "CRYPTO"}
SHARED = 0.3
"""Share of the smaller text's shingles that two texts may have in common."""


def records(path: Path) -> Iterator[dict]:
    """The texts of a file, in the form of the JSON lines; ids count from 1."""
    head, body, number = None, [], 0
    for line in [*path.read_text(encoding="utf-8").splitlines(), "=== "]:
        if not line.startswith("=== "):
            body.append(line)
            continue
        if head is not None:
            number += 1
            level, topics, kind, lang = (part.strip() for part in head.split("|"))
            text, spans = unmarked("\n".join(body).strip("\n"))
            yield {
                "id": f"{path.stem}-{number:03}", "text": text, "level": level, "topics": [t.strip() for t in topics.split(",") if t.strip()],
                "kind": kind, "lang": lang, "spans": spans, "jobs_marked": True,
            }  # fmt: skip
        head, body = line[4:], []


def unmarked(marked: str) -> tuple[str, list[dict]]:
    """The text without its marks, and where they were, in code points."""
    parts, spans, at, length = [], [], 0, 0
    for match in MARK.finditer(marked):
        before = marked[at : match.start()]
        start = length + len(before)
        spans.append({"start": start, "end": start + len(match[2]), "label": match[1]})
        parts += [before, match[2]]
        length = start + len(match[2])
        at = match.end()
    return "".join([*parts, marked[at:]]), spans


def shingles(record: dict) -> set[tuple[str, ...]]:
    """Runs of five words, with spans and digits masked."""
    text, parts, at = record["text"], [], 0
    for span in sorted(record["spans"], key=lambda span: span["start"]):
        parts += [text[at : span["start"]], f" {span['label']} "]
        at = max(at, span["end"])
    found = re.findall(r"\w+", re.sub(r"\d+", "0", "".join([*parts, text[at:]]).lower()))
    return {tuple(found[i : i + 5]) for i in range(max(1, len(found) - 4))}


def alike(texts: list[dict]) -> Iterator[tuple[str, str, float]]:
    """Pairs of texts that share more than they may."""
    sets = [shingles(record) for record in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, one in enumerate(sets):
        common = Counter(other for shingle in one for other in holders[shingle])
        for other, count in common.items():
            share = count / min(len(one), len(sets[other]))
            if share > SHARED and count > 1:
                yield texts[other]["id"], texts[index]["id"], share
        for shingle in one:
            holders[shingle].append(index)


def faults(texts: list[dict]) -> Iterator[str]:
    """What is wrong with them, a sentence each."""
    for record in texts:
        if record["level"] not in ("public", "internal", "confidential"):
            yield f"{record['id']}: there is no level {record['level']}"
        for topic in record["topics"]:
            if topic not in TOPICS or topic in WHOLE:
                yield f"{record['id']}: there is no topic {topic}"
        if not record["topics"]:
            yield f"{record['id']}: it has no topic"
        for span in record["spans"]:
            if span["label"] not in COARSE and span["label"] not in UNMARKED_LABELS and span["label"] not in TYPES:
                yield f"{record['id']}: there is no label {span['label']}"
        if "⟦" in record["text"] or "⟧" in record["text"]:
            yield f"{record['id']}: a mark is not closed, or inside another"
    for one, other, share in alike(texts):
        yield f"{one} and {other} share {share:.0%} of their shingles"


def main() -> None:
    """Prints counts and faults of all own texts; fails if there is a fault."""
    from .documents import own_records

    texts = list(own_records())
    found = list(faults(texts))
    print(f"{len(texts)} texts:", dict(Counter(record["level"] for record in texts)))
    print("languages:", dict(Counter(record["lang"] for record in texts).most_common()))
    print("topics:", dict(Counter(topic for record in texts for topic in record["topics"]).most_common()))
    print(*found, sep="\n", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
