"""Owns marked text: a string with labelled spans, and the edits that keep the spans right.

Every other module builds texts out of pieces `(string, label or None)` and changes finished texts only through `edit`,
so that offsets (code points, end exclusive) cannot drift.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Piece = tuple[str, str | None]


@dataclass
class Marked:
    """A text and its spans `[start, end, label]`, in order and without overlap."""

    text: str = ""
    spans: list[list] = field(default_factory=list)

    def add(self, string: str, label: str | None = None) -> None:
        """Appends a piece; the label covers it without its outer white space."""
        start = len(self.text)
        self.text += string
        if label is None or not string.strip():
            return
        start += len(string) - len(string.lstrip())
        self.spans.append([start, start + len(string.strip()), label])

    def extend(self, other: Marked) -> None:
        """Appends another marked text."""
        shift = len(self.text)
        self.text += other.text
        self.spans.extend([start + shift, end + shift, label] for start, end, label in other.spans)


def edit(marked: Marked, edits: list[tuple[int, int, str]]) -> Marked:
    """Replaces the ranges `(start, end, new)`; they must not overlap. Spans grow and shrink with what stands inside.

    An insertion at the edge of a span stays outside; a replaced range that crosses an edge belongs to the span.
    """
    edits = sorted((e for e in edits if e[0] != e[1] or e[2]), key=lambda e: (e[0], e[1]))
    starts = [start for start, _, _ in marked.spans]
    ends = [end for _, end, _ in marked.spans]
    out: list[str] = []
    at = 0
    length = 0
    new_starts, new_ends = list(starts), list(ends)
    i = j = 0
    done = 0

    def settle(until: int, offset: int, last: bool) -> None:
        nonlocal i, j
        while i < len(starts) and (starts[i] < until or last):
            new_starts[i] = starts[i] + offset
            i += 1
        while j < len(ends) and (ends[j] <= until or last):
            new_ends[j] = ends[j] + offset
            j += 1

    for start, end, new in edits:
        if start < done:
            continue
        settle(start, length - at, False)
        out.append(marked.text[at:start])
        length += start - at
        out.append(new)
        # Starts inside the replaced range move to where the new string begins, ends to where it ends.
        while i < len(starts) and starts[i] < end:
            new_starts[i] = length
            i += 1
        while j < len(ends) and ends[j] < end:
            new_ends[j] = length + len(new)
            j += 1
        length += len(new)
        at = done = end
    settle(len(marked.text), length - at, True)
    out.append(marked.text[at:])
    text = "".join(out)
    spans = []
    for start, end, (_, _, label) in zip(new_starts, new_ends, marked.spans, strict=True):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start < end:
            spans.append([start, end, label])
    return Marked(text, spans)


def inline(marked: Marked) -> str:
    """The text with its marks inline, for reading: `⟦PERSON Ada Byron⟧`."""
    return edit(marked, [(s, e, f"⟦{label} {marked.text[s:e]}⟧") for s, e, label in marked.spans]).text
