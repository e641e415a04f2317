"""Owns the generator of labelled texts: `texts` joins templates, records and tables into documents and adds noise.

Everything is drawn from one random source, so that a seed gives the same texts again. Templates are split by the hash of
their text: what makes validation texts never makes training texts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from .marks import Marked
from .noise import noisy
from .records import record
from .slots import Slots
from .tables import table
from .templates import Template, fill, load, split_of

__all__ = ["SHARES", "texts"]

# How often a text is of each sort; about a third of all texts are about nobody.
SHARES = {"templates": 0.50, "record": 0.12, "negative": 0.28, "table": 0.05, "mixed": 0.05}
ENGLISH = 0.45
NOISE = 0.30


@cache
def _pools(split: str) -> dict[tuple[str, str], dict[str, tuple[Template, ...]]]:
    """The templates of a split by (`positive` or `negative`, language) and kind."""
    pools: dict[tuple[str, str], dict[str, list[Template]]] = {}
    for template in load():
        if split_of(template.text) == split:
            sort = "negative" if template.negative else "positive"
            pools.setdefault((sort, template.lang), {}).setdefault(template.kind, []).append(template)
    return {key: {kind: tuple(found) for kind, found in kinds.items()} for key, kinds in pools.items()}


def _draw(rng: random.Random, kinds: dict[str, tuple[Template, ...]], kind: str | None = None) -> Template:
    """A template of a kind, or of all kinds by the root of their size, so that large kinds do not drown small ones."""
    if kind is None or kind not in kinds:
        names = list(kinds)
        kind = rng.choices(names, [len(kinds[name]) ** 0.7 for name in names])[0]
    return rng.choice(kinds[kind])


def _language(rng: random.Random, sort: str, pools: dict) -> str:
    others = [lang for kind, lang in pools if kind == sort and lang != "en"]
    return "en" if rng.random() < ENGLISH or not others else rng.choice(others)


def _joined(rng: random.Random, slots: Slots, sort: str, pools: dict) -> tuple[Marked, str, str]:
    """One to five templates of one language, joined by lines, paragraphs or spaces."""
    lang = _language(rng, sort, pools)
    kinds = pools[(sort, lang)]
    first = _draw(rng, kinds)
    chosen = [first]
    more = rng.choices((0, 1, 2, 3, 4), (26, 22, 20, 17, 15))[0]
    while more and sum(len(t.text) for t in chosen) < 900:
        template = _draw(rng, kinds, first.kind if rng.random() < 0.6 else None)
        if template not in chosen:
            chosen.append(template)
        more -= 1
    if sort == "positive" and len(chosen) > 1 and rng.random() < 0.15:
        chosen.insert(
            rng.randrange(len(chosen) + 1),
            _draw(rng, pools[("negative", rng.choice((lang, "en")) if ("negative", lang) in pools else "en")]),
        )
    lined = "form" in first.kind or "log" in first.kind or "chat" in first.kind
    by = (
        rng.choice(("\n", "\n", "\n\n"))
        if lined or any("\n" in t.text for t in chosen)
        else rng.choice((" ", " ", " ", "\n", "\n\n"))
    )
    scope: dict = {}
    shared = rng.random() < 0.4
    out = Marked()
    for i, template in enumerate(chosen):
        out.add(by if i else "")
        out.extend(fill(template, slots, scope if shared else {}))
    return out, lang, "+".join(dict.fromkeys(t.name for t in chosen))


def texts(seed: int, count: int, split: str) -> Iterator[dict]:
    """Yields `count` documents `{"id", "text", "spans", "lang", "source", "template"}` of a split, `train` or `validation`."""
    if split not in ("train", "validation"):
        raise ValueError(f"unknown split {split!r}: use train or validation")
    rng = random.Random(f"{seed}/{split}")
    slots = Slots(rng, split)
    pools = _pools(split)
    for number in range(count):
        sort = rng.choices(list(SHARES), list(SHARES.values()))[0]
        lang = "en"
        if sort == "record":
            marked, lang, name = record(slots, split)
        elif sort == "table":
            marked, name = table(rng, slots.technical, split)
        elif sort == "mixed":
            marked, lang, name = _joined(rng, slots, "positive", pools)
            if rng.random() < 0.5:
                other, other_name = table(rng, slots.technical, split)
            else:
                other, _, other_name = record(slots, split)
            marked.add("\n")
            marked.extend(other)
            name += "+" + other_name
        else:
            marked, lang, name = _joined(rng, slots, "negative" if sort == "negative" else "positive", pools)
        if rng.random() < NOISE:
            marked = noisy(marked, rng, technical=sort in ("negative", "table"))
        yield {
            "id": f"generator/{split}/{seed}/{number:06d}",
            "text": marked.text,
            "lang": lang,
            "source": "generator",
            "template": name,
            "spans": [{"start": start, "end": end, "label": label} for start, end, label in marked.spans],
        }
