"""Owns records: invented rows of fields in the formats of machines and forms (CSV, JSON, SQL, XML, logs and so on).

The names of the fields come from `data/lists/fields.txt`, by language; personal fields stand among harmless ones.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from .lists import sections, values
from .marks import Marked
from .people import ascii_of
from .slots import Slots
from .templates import split_of

FORMATS = (
    "json",
    "json pretty",
    "jsonl",
    "csv",
    "csv quoted",
    "semicolon",
    "tsv",
    "pipe",
    "markdown table",
    "yaml",
    "xml",
    "sql",
    "sql update",
    "form",
    "form wide",
    "form dots",
    "html table",
    "log",
    "url",
    "python",
    "toml",
    "env",
    "one line",
    "fixed",
    "ini",
    "graphql",
    "php",
)
CODE_KEYS = (
    "json",
    "json pretty",
    "jsonl",
    "csv",
    "tsv",
    "yaml",
    "xml",
    "sql",
    "sql update",
    "log",
    "url",
    "python",
    "toml",
    "env",
    "ini",
    "graphql",
    "php",
)


def _fields(lang: str) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for line in values("fields", lang, "en"):
        slot, keys = line.split(": ", 1)
        found.append((slot, tuple(key.strip() for key in keys.split(","))))
    return found


def _key(key: str, fmt: str, style: int) -> str:
    """The key as the format writes it: `date_of_birth`, `dateOfBirth`, `DateOfBirth` or the words themselves."""
    if fmt not in CODE_KEYS and style % 3:
        return key
    parts = re.findall(r"[a-z0-9]+", ascii_of(key).lower()) or ["field"]
    if fmt == "env":
        return "_".join(parts).upper()
    return ("_".join(parts), parts[0] + "".join(p.capitalize() for p in parts[1:]), "_".join(parts))[style % 3]


def layout(rng: random.Random, split: str) -> tuple[str, str, list[tuple[str, str]]]:
    """A language, a format and the fields of a record; drawn until their hash belongs to the split."""
    while True:
        lang = (
            "en"
            if rng.random() < 0.5
            else rng.choice([key for key in sections("fields") if key not in ("en", "harmless")])
        )
        fmt = rng.choice(FORMATS)
        table = _fields(lang)
        chosen = rng.sample(table, k=min(rng.randint(2, 6), len(table))) + rng.sample(
            _fields("harmless"), k=rng.randint(0, 3)
        )
        if rng.random() < 0.7 and not any(slot.startswith(("person", "given")) for slot, _ in chosen):
            chosen.append(rng.choice([f for f in table if f[0].startswith("person")]))
        rng.shuffle(chosen)
        style = rng.randint(0, 5)
        fields = [(slot, _key(rng.choice(keys), fmt, style)) for slot, keys in chosen]
        if split_of(fmt + lang + " ".join(key for _, key in fields)) == split:
            return lang, fmt, fields


def _row(slots: Slots, lang: str, fields: list) -> list[list]:
    """The pieces of each field of one row; a row speaks of one person, so slots share number 1."""
    scope: dict = {}
    row = []
    for slot, _ in fields:
        # `person1` is somebody else: whoever signs or is paid.
        name, number = (slot[:-1], "2") if slot[-1].isdigit() else (slot, "1")
        row.append(slots.slot(name, number, lang, scope))
    return row


def _put(out: Marked, pieces: list, escape: Callable[[str], str] = str) -> None:
    for string, label in pieces:
        out.add(escape(string), label)


def record(slots: Slots, split: str) -> tuple[Marked, str, str]:
    """A record, its language and the name of its layout."""
    rng = slots.rng
    lang, fmt, fields = layout(rng, split)
    out = Marked()
    name = f"record/{fmt.replace(' ', '-')}/{lang}"
    keys = [key for _, key in fields]
    count = (
        rng.randint(2, 5)
        if fmt in ("jsonl", "csv", "csv quoted", "semicolon", "tsv", "pipe", "markdown table", "fixed", "html table")
        else 1
    )
    rows = [_row(slots, lang, fields) for _ in range(count)]
    _WRITERS.get(fmt, _lines)(out, rng, fmt, keys, rows)
    return out, lang, name


def _separated(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    by = {
        "csv": ",",
        "csv quoted": ",",
        "semicolon": ";",
        "tsv": "\t",
        "pipe": "|",
        "markdown table": " | ",
        "fixed": "   ",
    }[fmt]
    quote = '"' if fmt == "csv quoted" else ""
    edge = ("| ", " |") if fmt == "markdown table" else ("", "")
    if rng.random() < 0.85 or fmt == "markdown table":
        out.add(edge[0] + by.join(quote + key + quote for key in keys) + edge[1] + "\n")
    if fmt == "markdown table":
        out.add("|" + "---|" * len(keys) + "\n")
    for row in rows:
        out.add(edge[0])
        for i, pieces in enumerate(row):
            out.add(by if i else "")
            value = "".join(s for s, _ in pieces)
            mark = '"' if not quote and by.strip() and by.strip() in value and fmt in ("csv", "semicolon") else quote
            out.add(mark)
            _put(out, pieces, lambda s: s.replace("\n", ", "))
            out.add(mark)
            if fmt == "fixed" and i + 1 < len(row):
                out.add(" " * max(0, 18 - len(value)))
        out.add(edge[1] + "\n")


def _json(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    gap, end = ("\n  ", "\n") if fmt == "json pretty" else (" " if rng.random() < 0.6 else "", "")
    colon = ": " if gap.strip(" ") or gap else ":"
    wrap = (
        rng.choice((("", ""), ("", ""), ('{"data": ', "}"), ("[", "]"), ('{"event": "updated", "payload": ', "}")))
        if fmt != "jsonl"
        else ("", "")
    )
    for row in rows:
        out.add(wrap[0] + "{")
        for i, (key, pieces) in enumerate(zip(keys, row, strict=True)):
            value = "".join(s for s, _ in pieces)
            bare = value.isdigit() and len(value) < 10 and value[0] != "0"
            out.add(
                ("," if i else "")
                + (gap if i or fmt == "json pretty" else "")
                + f'"{key}"{colon}'
                + ("" if bare else '"')
            )
            _put(out, pieces, lambda s: s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
            out.add("" if bare else '"')
        out.add(end + "}" + wrap[1] + "\n")


def _xml(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    outer = rng.choice(("record", "customer", "entry", "patient", "item", "row", "contact", "Dossier"))
    table = fmt == "html table"
    out.add("<table>\n" if table else f"<{outer}>\n")
    if table and rng.random() < 0.7:
        out.add("<tr>" + "".join(f"<th>{key}</th>" for key in keys) + "</tr>\n")
    for row in rows:
        out.add("<tr>" if table else "")
        for key, pieces in zip(keys, row, strict=True):
            out.add("<td>" if table else f"  <{key}>")
            _put(out, pieces, lambda s: s.replace("&", "&amp;").replace("<", "&lt;"))
            out.add("</td>" if table else f"</{key}>\n")
        out.add("</tr>\n" if table else "")
    out.add("</table>" if table else f"</{outer}>")


def _sql(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    table = rng.choice(
        (
            "customers",
            "users",
            "patients",
            "employees",
            "contacts",
            "orders",
            "members",
            "hr.staff",
            "public.person",
            "tbl_clients",
        )
    )
    row = rows[0]
    if fmt == "sql update":
        out.add(f"UPDATE {table} SET ")
        for i, (key, pieces) in enumerate(zip(keys, row, strict=True)):
            out.add((", " if i else "") + f"{key} = '")
            _put(out, pieces, lambda s: s.replace("'", "''"))
            out.add("'")
        out.add(f" WHERE id = {rng.randint(1, 99999)};")
        return
    out.add(
        f"INSERT INTO {table} ({', '.join(keys)}) VALUES (" if rng.random() < 0.8 else f"insert into {table} values ("
    )
    for i, pieces in enumerate(row):
        out.add((", " if i else "") + "'")
        _put(out, pieces, lambda s: s.replace("'", "''"))
        out.add("'")
    out.add(");")


def _flat(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    """Key and value pairs on one line: logs, query strings, dictionaries."""
    before, pair, quote, by, after = {
        "log": (
            f"{_time(rng)} {rng.choice(('INFO', 'DEBUG', 'WARN'))} {rng.choice(('profile', 'crm', 'billing', 'intake', 'signup'))}: {rng.choice(('saved', 'request', 'updated', 'lookup'))} ",
            "=",
            rng.choice(('"', "", "'")),
            " ",
            "",
        ),
        "url": ("", "=", "", "&", ""),
        "python": (
            rng.choice(("user = {", "row = dict({", "FIXTURE = {", "    data={")),
            ": ",
            rng.choice(("'", '"')),
            ", ",
            "}",
        ),
        "php": ("$row = [", " => ", "'", ", ", "];"),
        "graphql": ("mutation { save(input: {", ": ", '"', ", ", "}) { id } }"),
        "one line": ("", ": ", "", rng.choice((", ", "; ", " | ", " / ", ". ")), ""),
    }[fmt]
    out.add(before)
    for i, (key, pieces) in enumerate(zip(keys, rows[0], strict=True)):
        quoted_key = quote + key + quote if fmt in ("python", "php") else key
        out.add((by if i else "") + quoted_key + pair + quote)
        _put(
            out,
            pieces,
            lambda s: (
                s.replace(" ", "+").replace("\n", "%0A")
                if fmt == "url"
                else s.replace("\n", ", ").replace(quote, "’")
                if quote
                else s.replace("\n", ", ")
            ),
        )
        out.add(quote)
    out.add(after)


def _time(rng: random.Random) -> str:
    """A time as logs write it."""
    return f"{rng.randint(2012, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}Z"


def _lines(out: Marked, rng: random.Random, fmt: str, keys: list[str], rows: list) -> None:
    """One field a line, as forms and settings have it."""
    head = {"ini": "[contact]\n", "toml": "[owner]\n", "yaml": rng.choice(("customer:\n", "- \n", "---\n", ""))}.get(
        fmt, rng.choice(("", "", "", "=== \n"))
    )
    out.add(head)
    pair = {
        "yaml": ": ",
        "toml": " = ",
        "env": "=",
        "ini": rng.choice((" = ", "=")),
        "form dots": " ........ ",
        "form wide": ":        ",
    }.get(fmt, rng.choice((": ", ": ", ":", " : ", " - ", "\n", ":\t", " = ")))
    quote = {"toml": '"', "env": rng.choice(("", '"')), "yaml": rng.choice(("", '"', ""))}.get(fmt, "")
    indent = "  " if fmt == "yaml" and head.startswith("customer") else ""
    for key, pieces in zip(keys, rows[0], strict=True):
        out.add(indent + key + pair + quote)
        _put(out, pieces, lambda s: s if fmt.startswith("form") else s.replace("\n", ", "))
        out.add(quote + rng.choice(("\n", "\n", "\n", "\n", ".\n" if fmt == "form" else "\n")))


_WRITERS = (
    {fmt: _separated for fmt in ("csv", "csv quoted", "semicolon", "tsv", "pipe", "markdown table", "fixed")}
    | {fmt: _json for fmt in ("json", "json pretty", "jsonl")}
    | {"xml": _xml, "html table": _xml, "sql": _sql, "sql update": _sql}
    | {fmt: _flat for fmt in ("log", "url", "python", "php", "graphql", "one line")}
)
