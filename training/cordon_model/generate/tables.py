"""Owns tables of numbers and lists of codes: texts that look like records and hold nobody."""

from __future__ import annotations

import random

from .lists import values
from .marks import Marked
from .technical import Technical
from .templates import split_of

COLUMNS = (
    "int",
    "float",
    "hash",
    "uuid",
    "ver",
    "ts",
    "clock",
    "epoch",
    "money",
    "part",
    "pct",
    "noun",
    "level",
    "isbn",
    "coord",
    "ip",
    "digits",
    "hex",
    "path",
    "unit",
    "small",
    "product",
    "word",
    "ident",
)
HEADS = (
    "id",
    "value",
    "count",
    "total",
    "mean",
    "sensor",
    "depth",
    "mass_kg",
    "t_celsius",
    "sku",
    "qty",
    "price",
    "lat_lon",
    "build",
    "commit",
    "status",
    "rank",
    "goals",
    "points",
    "lap",
    "speed",
    "load",
    "pressure",
    "batch",
    "node",
    "elapsed",
    "size",
    "hash",
    "rev",
    "kWh",
    "x",
    "y",
    "z",
    "error",
    "stock",
    "unit",
    "isbn",
    "code",
    "version",
    "seq",
)
SEPARATORS = (",", ";", "\t", " | ", "  ", " ", ", ")


def table(rng: random.Random, technical: Technical, split: str) -> tuple[Marked, str]:
    """A table of measurements, stock, results or codes, and the name of its layout."""
    while True:
        kinds = rng.choices(COLUMNS[:12] if rng.random() < 0.3 else COLUMNS, k=rng.randint(1, 6))
        if rng.random() < 0.35:
            kinds = [rng.choice(("int", "float", "pct", "money", "small"))] * rng.randint(1, 8)
        by = rng.choice(SEPARATORS)
        heads = rng.sample(HEADS, k=len(kinds))
        if split_of(by + " ".join(kinds + heads)) == split:
            break
    shape = rng.random()
    lines = []
    if shape < 0.55:
        if rng.random() < 0.7:
            lines.append(by.join(heads))
        for _ in range(rng.randint(2, 9)):
            lines.append(by.join(technical.make(kind) for kind in kinds))
    elif shape < 0.7:
        lines = [
            "[" + ", ".join(technical.make(kinds[0]) for _ in range(rng.randint(4, 16))) + "]"
            for _ in range(rng.randint(1, 4))
        ]
    elif shape < 0.85:
        lines = [
            "{"
            + ", ".join(
                f'"{head}": '
                + (value if (value := technical.make(kind)).replace(".", "", 1).isdigit() else f'"{value}"')
                for head, kind in zip(heads, kinds, strict=True)
            )
            + "}"
            for _ in range(rng.randint(1, 4))
        ]
    else:
        lines = [
            f"{head}{rng.choice((': ', ' = ', ' '))}{technical.make(kind)}"
            for head, kind in zip(heads, kinds, strict=True)
        ]
    if rng.random() < 0.2:
        lines.insert(
            0,
            rng.choice(
                (
                    "# measurements",
                    "Results",
                    "-- export",
                    "Table 3",
                    "Stock list",
                    "# generated",
                    "Batch overview",
                    "; calibration",
                )
            )
            + " "
            + rng.choice(values("tech", "noun")),
        )
    marked = Marked()
    marked.add("\n".join(lines))
    return marked, "neg/table/" + "-".join(kinds[:3])
