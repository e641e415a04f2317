"""Owns the reading of `data/lists`: plain files with one value a line, in sections `=== name`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """All sections of a list; lines before the first heading are the section `all`. `# ` starts a comment line."""
    found: dict[str, list[str]] = {}
    at = "all"
    for line in (DATA / "lists" / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("=== "):
            at = line[4:].strip()
        elif line.strip() and not line.startswith("# "):
            found.setdefault(at, []).extend(
                part.strip() for part in (line.split(" | ") if name != "phrases" else (line,))
            )
    return {key: tuple(values) for key, values in found.items()}


def values(name: str, section: str = "all", otherwise: str | None = None) -> tuple[str, ...]:
    """The values of a section; `otherwise` names the section that stands in for a missing one."""
    table = sections(name)
    return table[section] if section in table else table[otherwise or "all"]
