"""Owns the reading of `data/templates`, the split into train and validation, and the filling of slots.

A file `<lang>.txt` has sections `=== kind` with one template a line (`\\n` is a line break) and sections `=== kind blocks`
whose templates stand between lines `%%`. Kinds that begin with `neg` hold texts without people. A slot is `{name}` or `{name2}`;
slots with the same number speak of the same person or value. Doubled braces and braces around anything
else stand for themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from .lists import DATA
from .marks import Marked

SLOT = re.compile(r"\{\{[^{}\n]*\}\}|\{([A-Za-z][A-Za-z_]*?)([0-9]?)\}")

GAP = re.compile(r",? |,?\n *")


class Values(Protocol):
    """What fills slots."""

    def slot(self, name: str, number: str, lang: str, scope: dict) -> list | None:
        """The `(string, label)` pieces of a slot, or None where there is no such slot."""


@dataclass(frozen=True)
class Template:
    """One template: its text, kind (`prose`, `form`, `neg code` …), language, and the name that texts made of it carry."""

    text: str
    kind: str
    lang: str
    name: str

    @property
    def negative(self) -> bool:
        return self.kind.startswith("neg")


def split_of(text: str) -> str:
    """`validation` for one template of eight, by the hash of its text; otherwise `train`."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return "validation" if int.from_bytes(digest, "big") % 8 == 0 else "train"


@cache
def load() -> tuple[Template, ...]:
    """All templates of all languages, in the order of the files."""
    return tuple(template for path in sorted((DATA / "templates").glob("*.txt")) for template in _read(path))


def _read(path: Path) -> Iterator[Template]:
    lang = path.stem.split("_")[0]
    for kind, blocks, lines in _sections(path.read_text("utf-8").splitlines()):
        if blocks:
            texts = "\n".join(lines).split("\n%%\n")
        else:
            texts = [line.replace("\\n", "\n").replace("\\t", "\t") for line in lines]
        for text in filter(str.strip, texts):
            key = hashlib.blake2b(text.encode("utf-8"), digest_size=4).hexdigest()
            yield Template(text, kind, lang, f"{path.stem}/{kind.replace(' ', '-')}/{key}")


def _sections(lines: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """The sections of a file: kind, whether its templates are blocks, and its lines."""
    heads = [i for i, line in enumerate(lines) if line.startswith("=== ")]
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        words = lines[start][4:].split()
        blocks = words[-1] == "blocks"
        yield " ".join(words[:-1] if blocks else words), blocks, lines[start + 1 : end]


def fill(template: Template, values: Values, scope: dict) -> Marked:
    """Replaces the slots of a template by values; a person or value with a number is kept in `scope`."""
    out = Marked()
    at = 0
    for match in SLOT.finditer(template.text):
        if match[1] is None:
            continue
        pieces = values.slot(match[1], match[2], template.lang, scope)
        if pieces is None:
            continue
        out.add(template.text[at : match.start()])
        for string, label in pieces:
            out.add(string, label)
        at = match.end()
    out.add(template.text[at:])
    return _joined(out)


def _joined(marked: Marked) -> Marked:
    """Makes one span of a given name and a surname side by side, and one of a street and the town that follows it."""
    spans: list[list] = []
    for start, end, label in marked.spans:
        before = spans[-1] if spans else [0, 0, None]
        gap = marked.text[before[1] : start]
        if (label == before[2] == "PERSON" and gap == " ") or (
            before[2] == "ADDRESS" and label in ("ADDRESS", "LOCATION") and GAP.fullmatch(gap)
        ):
            before[1] = end
        else:
            spans.append([start, end, label])
    return Marked(marked.text, spans)
