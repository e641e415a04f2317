"""Owns the noise of real texts: case, typos, OCR, lost accents and punctuation, quoting, markup, escaping.

Each function takes a marked text and gives a new one; all work through `edit`, so spans stay right.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

from .marks import Marked, edit

OCR = {
    "O": "0",
    "0": "O",
    "l": "1",
    "1": "l",
    "I": "l",
    "S": "5",
    "5": "S",
    "B": "8",
    "m": "rn",
    "e": "c",
    "g": "q",
    "h": "b",
    "u": "ii",
    "rn": "m",
}
NEAR = {
    "a": "sq",
    "e": "wr",
    "i": "uo",
    "o": "ip",
    "n": "bm",
    "s": "ad",
    "t": "ry",
    "r": "et",
    "l": "k",
    "d": "sf",
    "c": "xv",
    "h": "gj",
    "m": "n",
    "u": "yi",
}


def _mapped(marked: Marked, change: Callable[[str], str]) -> Marked:
    """Changes each character alone; a change that would alter the length is left out."""
    text = "".join(new if len(new := change(c)) == 1 else c for c in marked.text)
    return Marked(text, marked.spans)


def lower(marked: Marked, rng: random.Random) -> Marked:
    return _mapped(marked, str.lower)


def upper(marked: Marked, rng: random.Random) -> Marked:
    return _mapped(marked, str.upper)


def title(marked: Marked, rng: random.Random) -> Marked:
    """Every Word With A Capital, as headings and careless forms have it."""
    text = "".join(
        c.upper() if i and marked.text[i - 1].isspace() and len(c.upper()) == 1 else c
        for i, c in enumerate(marked.text)
    )
    return Marked(text, marked.spans)


def unaccented(marked: Marked, rng: random.Random) -> Marked:
    return _mapped(
        marked,
        lambda c: unicodedata.normalize("NFKD", c)[0] if unicodedata.decomposition(c).strip() and c.isalpha() else c,
    )


def unpunctuated(marked: Marked, rng: random.Random) -> Marked:
    """Without commas and full stops between words, as dictation and chat have it."""
    return edit(marked, [(m.start(), m.end(), "") for m in re.finditer(r"[.,;!?](?=\s|$)", marked.text)])


def tokenised(marked: Marked, rng: random.Random) -> Marked:
    """Punctuation set apart by spaces, as in corpora and badly joined text."""
    edits = [
        (m.start(), m.start(), " ") for m in re.finditer(r"(?<=\w)[.,;:!?)'’](?=\s|$|\w\b)|(?<=\s\()\w", marked.text)
    ]
    spans = [(s, e) for s, e, _ in marked.spans]
    return edit(marked, [e for e in edits if not any(s < e[0] < t for s, t in spans)])


def typos(marked: Marked, rng: random.Random) -> Marked:
    """One typo in about forty letters: swapped, dropped, doubled or neighbouring keys."""
    edits = []
    for m in re.finditer(r"[a-z]{2}", marked.text):
        if rng.random() < 0.04:
            a, b = m[0]
            edits.append((m.start(), m.end(), rng.choice((b + a, a, a + a + b, rng.choice(NEAR.get(a, a)) + b))))
    return edit(marked, edits)


def ocr(marked: Marked, rng: random.Random) -> Marked:
    """Characters mistaken by a scanner, words torn apart, hyphens at line ends."""
    edits = []
    for i, c in enumerate(marked.text):
        if c in OCR and rng.random() < 0.025:
            edits.append((i, i + 1, OCR[c]))
        elif c == " " and rng.random() < 0.03:
            edits.append((i, i + 1, rng.choice(("  ", "\n", "\t"))))
    return edit(marked, edits)


def spaced(marked: Marked, rng: random.Random) -> Marked:
    """Doubled spaces, tabs and no-break spaces."""
    return edit(
        marked,
        [
            (m.start(), m.end(), rng.choice(("  ", "  ", "   ", "\u00a0", "\t")))
            for m in re.finditer(" ", marked.text)
            if rng.random() < 0.12
        ],
    )


def wrapped(marked: Marked, rng: random.Random) -> Marked:
    """Hard line breaks after some 40 to 76 characters, also in the middle of a name."""
    width, column, edits = rng.randint(40, 76), 0, []
    for i, c in enumerate(marked.text):
        column = 0 if c == "\n" else column + 1
        if c == " " and column >= width - 8:
            edits.append((i, i + 1, "\n"))
            column = 0
    return edit(marked, edits)


def quoted(marked: Marked, rng: random.Random) -> Marked:
    """Quoted as in an answer by e-mail."""
    mark = rng.choice(("> ", "> ", ">", ">> ", "| "))
    return _prefixed(wrapped(marked, rng), mark)


def _prefixed(marked: Marked, mark: str) -> Marked:
    starts = [0] + [m.end() for m in re.finditer("\n", marked.text)]
    return edit(marked, [(at, at, mark) for at in starts])


def bullets(marked: Marked, rng: random.Random) -> Marked:
    return _prefixed(marked, rng.choice(("- ", "* ", "• ", "1. ", "## ", "// ", "# ", "    ")))


def markdown(marked: Marked, rng: random.Random) -> Marked:
    """Bold, italic or code around some spans."""
    edits = []
    for start, end, _ in marked.spans:
        if rng.random() < 0.4 and "\n" not in marked.text[start:end]:
            mark = rng.choice(("**", "*", "_", "`", "__"))
            edits += [(start, start, mark), (end, end, mark)]
    return edit(marked, edits)


def html(marked: Marked, rng: random.Random) -> Marked:
    """Tags around some spans and at line breaks."""
    edits = []
    for start, end, _ in marked.spans:
        if rng.random() < 0.35:
            tag = rng.choice(("b", "td", "span", "strong", "em", "a", "li"))
            edits += [(start, start, f"<{tag}>"), (end, end, f"</{tag}>")]
    spans = [(s, e) for s, e, _ in marked.spans]
    edits += [
        (m.start(), m.end(), rng.choice(("<br>", "<br/>\n", "</p>\n<p>")))
        for m in re.finditer("\n", marked.text)
        if not any(s <= m.start() < e for s, e in spans)
    ]
    return edit(marked, edits)


def escaped(marked: Marked, rng: random.Random) -> Marked:
    """Inside a JSON string."""
    table = {"\n": "\\n", '"': '\\"', "\t": "\\t", "\\": "\\\\"}
    inner = edit(marked, [(i, i + 1, table[c]) for i, c in enumerate(marked.text) if c in table])
    before, after = rng.choice(
        (
            ('{"text": "', '"}'),
            ('{"body":"', '","lang":"x"}'),
            ('{"role": "user", "content": "', '"}'),
            ('[{"id": 7, "note": "', '"}]'),
            ('msg="', '" status=ok'),
        )
    )
    return edit(inner, [(0, 0, before), (len(inner.text), len(inner.text), after)])


KINDS = (
    (lower, 7),
    (upper, 2),
    (title, 1),
    (unaccented, 2),
    (unpunctuated, 3),
    (tokenised, 2),
    (typos, 4),
    (ocr, 3),
    (spaced, 2),
    (wrapped, 3),
    (quoted, 2),
    (bullets, 2),
    (markdown, 2),
    (html, 2),
    (escaped, 3),
)


def noisy(marked: Marked, rng: random.Random, technical: bool = False) -> Marked:
    """The text with one or two kinds of noise; technical texts get only what happens to them."""
    kinds = [
        (k, w) for k, w in KINDS if not technical or k in (lower, upper, spaced, wrapped, quoted, bullets, escaped)
    ]
    for _ in range(1 if rng.random() < 0.75 else 2):
        kind = rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        marked = kind(marked, rng)
    return marked
