#!/usr/bin/env python3
"""Verifies an audit log of Cordon, and shares no code with the program that wrote it.

    pip install -r clients/python/verify_log.requirements.txt
    python clients/python/verify_log.py /var/lib/cordon/audit --public-key kept/audit.pub --checkpoints kept/checkpoints.jsonl

It reads `audit.db` with Python's own SQLite, computes the chain of hashes anew, and checks the signatures of the
checkpoints. It works on a copy and beside a running service, and never writes. docs/audit-log.md specifies the format.

Exit codes: 0 no fault (and, where a public key was given, every record is proven), 1 the log could not be read, 2 wrong
arguments, 4 a record is at fault, 5 no fault, but the given public key does not prove every record.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sqlite3
import struct
import sys
import time
import unicodedata
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blake3 import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

APPLICATION_ID = 0x4352444E
NEWEST_SCHEMA = 2
DECISION, OUTCOME, CHANGE, CHECKPOINT, PRUNE, HEADS = 1, 2, 3, 4, 5, 6
LEVELS = {"public": 10, "internal": 20, "confidential": 30}
ROUTES = {"local": 1, "cloud": 2, "cloud-redacted": 3}
STRIDE = 512
U64 = 1 << 64


class CannotRead(Exception):
    """The log cannot be verified at all; the message says why."""


class Problem(Exception):
    """What is wrong with a record."""


@dataclass(frozen=True)
class Fault:
    """The first record at fault; 0 where every record is right and the file is not."""

    sequence: int
    problem: str

    def __str__(self) -> str:
        return f"record {self.sequence}: {self.problem}" if self.sequence else self.problem


# --- the chain -------------------------------------------------------------------------------------------------------

GENESIS = blake3(b"cordon audit genesis v1").digest()


@dataclass(frozen=True)
class Head:
    """A position and the chain hash of the record there."""

    sequence: int
    hash: bytes

    def then(self, body: bytes) -> Head:
        sequence = self.sequence + 1
        chained = b"cordon audit chain v1\n" + self.hash + struct.pack("<Q", sequence) + body
        return Head(sequence, blake3(chained).digest())


EMPTY = Head(0, GENESIS)


# --- the one form of a record ----------------------------------------------------------------------------------------
#
# A reader takes a JSON value and gives back the value that the writer would have written, or refuses it. The record is
# in its one form when the bytes of what comes back are the bytes that were read.


class Malformed(Exception):
    """Not a record of the version that this verifier knows."""


Reader = Callable[[Any], Any]
ABSENT = object()


def whole(least: int = 0, most: int = U64 - 1) -> Reader:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Malformed
        return value

    return read


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed
    return value


def string(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed
    return value


def label(value: object) -> str:
    text = string(value)
    fits = len(text.encode()) <= 128 and not any(unicodedata.category(c) == "Cc" for c in text)
    return text if fits else "(unfit)"


def word(value: object) -> str:
    if not re.fullmatch(r"[!-~]{1,128}", string(value)):
        raise Malformed
    return value


def identifier(value: object) -> str:
    try:
        return str(uuid.UUID(string(value)))
    except ValueError:
        raise Malformed from None


def digits(count: int) -> Reader:
    def read(value: object) -> str:
        if not re.fullmatch(f"[0-9a-fA-F]{{{count}}}", string(value)):
            raise Malformed
        return value.lower()

    return read


def one_of(*names: str) -> Reader:
    def read(value: object) -> str:
        if value not in names:
            raise Malformed
        return value

    return read


def maybe(inner: Reader) -> Reader:
    return lambda value: None if value is None else inner(value)


def many(inner: Reader) -> Reader:
    def read(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise Malformed
        return [inner(entry) for entry in value]

    return read


def row(*inner: Reader) -> Reader:
    """A list of so many values, each of its own kind."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(inner):
            raise Malformed
        return [reader(entry) for reader, entry in zip(inner, value, strict=True)]

    return read


@dataclass(frozen=True)
class Part:
    """A field: how to read it, whether it may be absent, and which value is left out when written."""

    read: Reader
    absent: Any = ABSENT
    left_out: Any = ABSENT


def nullable(inner: Reader) -> Part:
    """Written as `null` where there is none."""
    return Part(maybe(inner), absent=None)


def later(inner: Reader, nothing: object = None) -> Part:
    """Came after the first release: left out where it says nothing."""
    return Part(maybe(inner) if nothing is None else inner, absent=nothing, left_out=nothing)


def record(_open: bool = False, **parts: Reader | Part) -> Reader:
    """An object with these fields in this order. `_open`: other fields are not refused as such."""
    known = {name: part if isinstance(part, Part) else Part(part) for name, part in parts.items()}

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict) or (not _open and not value.keys() <= known.keys()):
            raise Malformed
        written = {}
        for name, part in known.items():
            if name in value:
                inner = part.read(value[name])
            elif part.absent is ABSENT:
                raise Malformed
            else:
                inner = part.absent
            if part.left_out is ABSENT or inner != part.left_out:
                written[name] = inner
        return written

    return read


def status(value: object) -> dict[str, Any]:
    if isinstance(value, dict) and value.get("status") == "complete":
        return {"status": "complete"}
    return record(True, status=one_of("permitted_skip", "failed"), reason=string)(value)


u32 = whole(most=(1 << 32) - 1)
time_us = whole(-377705023201000000, 253402207200999999)
score = whole(most=1_000_000)
level = one_of(*LEVELS)
route = one_of(*ROUTES)
category = one_of(
    *("person", "contact", "location", "organization", "government_id", "financial", "health", "special_category"),
    *("credential", "network", "device", "marking", "business", "temporal", "other"),
)
detector = one_of("pattern", "dictionary", "secret", "ner")
complexity = one_of("simple", "moderate", "complex")
entity = record(entity_type=string, category=category, count=whole(), distinct=whole(), max_score=score)
reason = record(rule=label, level=level)
policy = record(True, name=string, version=string, digest=string)
decision = record(
    id=identifier,
    time_us=time_us,
    operation=one_of("classify", "dispatch", "validate"),
    caller=label,
    request_id=nullable(word),
    level=level,
    declared_level=nullable(level),
    reasons=many(reason),
    entities=many(entity),
    findings=many(
        record(
            part=whole(),
            role=label,
            start=whole(),
            end=whole(),
            entity_type=string,
            category=category,
            score=score,
            detector=detector,
            recognizer=label,
            value=whole(),
        )
    ),
    findings_omitted=whole(),
    topics=many(record(name=label, probability=score)),
    coverage=record(
        True,
        detectors=many(
            record(True, detector=detector, status=status, bytes_scanned=whole(), bytes_total=whole(), digest=string)
        ),
    ),
    parts=whole(),
    text_bytes=whole(),
    text_digest=label,
    digest_key=label,
    policy=policy,
    provenance=record(service_version=label, catalog=label, dictionaries=label, model=label, calibration=label),
    timings=record(rules_us=whole(), ner_us=whole(), policy_us=whole(), total_us=whole()),
    routing=nullable(
        record(
            route=route,
            ceiling=route,
            backend=label,
            model=label,
            complexity=complexity,
            complexity_reasons=many(label),
            rule=label,
            reason=label,
            redacted=later(
                record(
                    replaced=whole(),
                    level=level,
                    reasons=many(reason),
                    entities=many(entity),
                    text_bytes=whole(),
                    text_digest=label,
                )
            ),
            escalated_from=later(identifier),
            overridden=later(record(rule=label, **{"from": level, "to": level}, reason=label)),
        )
    ),
    observed=later(
        record(policy=policy, level=level, rule=label, route=nullable(route), route_rule=label, differs=boolean)
    ),
    recalled=later(
        record(
            unscannable=later(whole(), 0),
            parts=later(many(row(string, whole(), whole())), []),
            cues=later(
                many(
                    record(
                        **{"type": string},
                        category=category,
                        detector=detector,
                        at=many(row(whole(), whole(), whole(), u32)),
                    )
                ),
                [],
            ),
            cues_omitted=later(whole(), 0),
            points=later(many(row(whole(), whole())), []),
            names=later(many(many(u32)), []),
            values=later(many(u32), []),
            forms=later(many(row(string, many(u32))), []),
            lists=later(string),
            allowed=later(many(row(string, category, whole())), []),
        )
    ),
)
outcome = record(
    time_us=time_us,
    status=one_of("completed", "failed", "cancelled", "escalated"),
    error=label,
    reason=label,
    finish_reason=nullable(one_of("stop", "length", "tool_calls", "content_filter", "other")),
    backend=label,
    model=label,
    route=nullable(route),
    attempts=u32,
    input_tokens=whole(),
    output_tokens=whole(),
    cost_micros=nullable(whole()),
    time_to_first_token_us=whole(),
    total_us=whole(),
    confidence=later(record(millionths=u32, low=boolean, early=boolean, signals=many(label), reasons=many(label))),
    escalation_withheld=later(label),
    cached_input_tokens=later(whole(), 0),
    other_side_cost_micros=later(whole()),
    cost_estimated=later(boolean, False),
)
change = record(id=identifier, time_us=time_us, kind=one_of("cloud_closed", "cloud_opened"), by=label, caller=label)
checkpoint = record(
    id=identifier,
    time_us=time_us,
    log=label,
    number=whole(),
    sequence=whole(),
    hash=digits(64),
    records=whole(),
    previous=nullable(digits(128)),
    key=label,
    next_key=nullable(digits(64)),
    signature=digits(128),
)
prune = record(
    id=identifier,
    time_us=time_us,
    log=label,
    first=whole(),
    hash_before=digits(64),
    last=whole(),
    hash=digits(64),
    records=whole(),
    keep_from_us=time_us,
    by=label,
    key=label,
    signature=digits(128),
)
heads = record(id=identifier, time_us=time_us, heads=many(record(chain=digits(32), sequence=whole(), hash=digits(64))))
KINDS: dict[str, tuple[int, Reader]] = {
    "decision": (DECISION, decision),
    "outcome": (OUTCOME, record(decision_id=identifier, outcome=outcome)),
    "change": (CHANGE, change),
    "checkpoint": (CHECKPOINT, checkpoint),
    "prune": (PRUNE, prune),
    "heads": (HEADS, heads),
}
NO_RECORD = "its bytes are no record of a version that this cordon knows"
NOT_CANONICAL = "its bytes are not in the one form that a record has"


def refuse_number(_: str) -> object:
    raise Malformed


def refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise Malformed
    return read


def decode(body: bytes) -> tuple[int, dict[str, Any]]:
    """Kind and content of a record."""
    if not body.startswith(b'{"v":1,"record":'):
        raise Problem(NO_RECORD)
    try:
        read = json.loads(
            body.decode(), parse_float=refuse_number, parse_constant=refuse_number, object_pairs_hook=refuse_twice
        )
        if not isinstance(read, dict) or read.keys() != {"v", "record"} or len(read["record"]) != 1:
            raise Malformed
        ((name, content),) = read["record"].items()
        kind, reader = KINDS[name]
        written = reader(content)
        again = json.dumps({"v": 1, "record": {name: written}}, separators=(",", ":"), ensure_ascii=False).encode()
    except (Malformed, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise Problem(NO_RECORD) from None
    if again != body:
        raise Problem(NOT_CANONICAL)
    return kind, written


def columns(kind: int, content: dict[str, Any]) -> dict[str, Any]:
    """What the columns beside a body must hold."""
    plain = {"level": None, "route": None, "caller": None, "request_id": None}
    if kind == OUTCOME:
        time_of, name = content["outcome"]["time_us"], content["decision_id"]
    else:
        time_of, name = content["time_us"], content["id"]
    if kind == DECISION:
        routing = content["routing"]
        plain["level"] = LEVELS[content["level"]]
        plain["route"] = ROUTES[routing["route"]] if routing else None
        plain["caller"] = content["caller"]
        plain["request_id"] = content["request_id"]
    elif kind in (CHANGE, PRUNE):
        plain["caller"] = content["by"]
    return {"kind": kind, "decision_id": uuid.UUID(name).bytes, "time_us": time_of, **plain}


# --- signatures ------------------------------------------------------------------------------------------------------

SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")


def key_id(key: bytes) -> str:
    return blake3(key).hexdigest()[:16]


def parse_keys(text: str) -> list[bytes]:
    """PEM blocks one after the other, or one key as 64 hexadecimal digits."""
    text = text.strip()
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return [bytes.fromhex(text)]
    block = r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----"
    if not re.fullmatch(rf"(?:{block}\s*)+", text):
        raise CannotRead("this is no Ed25519 public key; give what `cordon audit key` prints")
    keys = [base64.b64decode("".join(found.split())) for found in re.findall(block, text)]
    if any(len(der) != 44 or not der.startswith(SPKI_PREFIX) for der in keys):
        raise CannotRead("this is no Ed25519 public key; give what `cordon audit key` prints")
    return [der[len(SPKI_PREFIX) :] for der in keys]


def verifies(key: bytes, statement: bytes, signature: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def statement(title: str, content: dict[str, Any], names: list[str]) -> bytes:
    lines = [title, *(f"{name} {'-' if content[name] is None else content[name]}" for name in names)]
    return ("\n".join(lines) + "\n").encode()


def checkpoint_statement(content: dict[str, Any]) -> bytes:
    names = ["id", "time_us", "log", "number", "sequence", "hash", "records", "previous", "key", "next_key"]
    return statement("cordon audit checkpoint v1", content, names)


def prune_statement(content: dict[str, Any]) -> bytes:
    names = ["id", "time_us", "log", "first", "hash_before", "last", "hash", "records", "keep_from_us", "by", "key"]
    return statement("cordon audit prune v1", content, names)


class Seals:
    """Which keys are trusted, and how far their checkpoints reach."""

    def __init__(
        self, trusted: list[bytes], given: bool, log: str | None, start: tuple[int, dict[str, Any]] | None
    ) -> None:
        self.trusted, self.given, self.log, self.start = list(trusted), given, log, start
        self.last: dict[str, Any] | None = None
        self.signer: str | None = None
        self.removed: int | None = None if start else 0
        self.checkpoints = self.proven = 0

    def begin(self) -> Head:
        if not self.start:
            return EMPTY
        position, content = self.start
        self.judge(content, position)
        return Head(content["last"], bytes.fromhex(content["hash"]))

    def record(self, before: Head, kind: int, content: dict[str, Any]) -> None:
        if kind == CHECKPOINT:
            self.checkpoint(before, content)
        elif self.start and self.start[1]["last"] == before.sequence:
            raise misfit("the first record that was kept is no checkpoint")
        elif kind == PRUNE:
            self.prune(before.sequence + 1, content)

    def signed(self, content: dict[str, Any], text: bytes) -> None:
        if not self.trusted:
            return
        key = next((key for key in self.trusted if key_id(key) == content["key"]), None)
        if key is None:
            raise foreign(content["key"], self.signer)
        if not verifies(key, text, content["signature"]):
            raise Problem(
                "its signature is wrong: it was changed after it was signed, or made by somebody without the key"
            )

    def checkpoint(self, before: Head, content: dict[str, Any]) -> None:
        if self.signer is not None and content["key"] != self.signer:
            raise foreign(content["key"], self.signer)
        self.signed(content, checkpoint_statement(content))
        if content["sequence"] != before.sequence:
            raise out_of_step("it belongs at another position")
        if content["hash"] != before.hash.hex():
            first, last = (self.last["sequence"] if self.last else 0) + 1, content["sequence"]
            raise Problem(
                f"the checkpoint names another hash for record {last}: records {first} to {last} were changed and their chain made anew"
            )
        if self.log is not None and content["log"] != self.log:
            raise out_of_step("it names another log")
        if self.last:
            follows = (content["number"], content["previous"]) == (self.last["number"] + 1, self.last["signature"])
        else:
            follows = content["number"] > 0 if self.start else (content["number"], content["previous"]) == (1, None)
        if not follows:
            raise out_of_step("it names another one as the one before")
        if self.removed is not None and content["records"] + self.removed != content["sequence"]:
            raise out_of_step("it counts other records than there are")
        self.log, self.last = content["log"], content
        self.checkpoints += 1
        successor = content["next_key"]
        self.signer = key_id(bytes.fromhex(successor)) if successor else content["key"]
        if self.trusted:
            self.proven = content["sequence"] + 1
            if successor:
                self.trusted.append(bytes.fromhex(successor))

    def prune(self, position: int, content: dict[str, Any]) -> None:
        self.judge(content, position)
        if position > (self.start[0] if self.start else 0):
            raise misfit("the records that it removed are there")
        if self.removed is not None and content["first"] != self.removed + 1:
            raise misfit("it does not begin where the one before it ended")
        self.removed = content["last"]

    def judge(self, content: dict[str, Any], position: int) -> None:
        self.signed(content, prune_statement(content))
        if self.log is not None and content["log"] != self.log:
            raise misfit("it names another log")
        first, last = content["first"], content["last"]
        begins = content["hash_before"] == GENESIS.hex() if first == 1 else first > 1
        if not begins or last < first or content["records"] != last - first + 1 or position <= last + 1:
            raise misfit("its numbers contradict each other")


def foreign(key: str, expected: str | None) -> Problem:
    rest = f"the key {expected} signs at this place" if expected else "it is none of those given"
    return Problem(f"a checkpoint signed by another key: {key}, and {rest}")


def out_of_step(why: str) -> Problem:
    return Problem(f"the checkpoint does not follow the one before it: {why}")


def misfit(why: str) -> Problem:
    return Problem(f"the record of a removal does not fit the log: {why}")


class Copies:
    """A file of checkpoints, one a line, as a witness; read along with the log."""

    def __init__(self, path: Path, name: str, witness: str, given: bool) -> None:
        self.path, self.name, self.witness, self.given = path, name, witness, given
        try:
            # As it is now: what is added later may stand beyond the end that is read.
            self.left = path.stat().st_size
            self.file = path.open("rb")
        except OSError as error:
            raise CannotRead(f"cannot read {path}: {error}") from error
        self.read = self.matched = self.foreign = 0
        self.unreadable: int | None = None
        self.next: tuple[int, bytes, dict[str, Any]] | None = None
        self.advance()

    def advance(self) -> None:
        self.next = None
        line = self.file.readline(self.left)
        self.left -= len(line)
        # A last line without its end is being written, or was cut short by a crash.
        if not line.endswith(b"\n"):
            return
        self.read += 1
        try:
            kind, content = decode(line[:-1])
        except Problem:
            kind, content = 0, {}
        if kind == CHECKPOINT:
            self.next = (content["sequence"] + 1, line[:-1], content)
        else:
            self.unreadable = self.read

    def successors(self, trusted: list[bytes]) -> None:
        lines = Copies(self.path, self.name, self.witness, self.given)
        while lines.next:
            successor = lines.next[2]["next_key"]
            if successor and is_signed(lines.next[2], trusted):
                trusted.append(bytes.fromhex(successor))
            lines.advance()

    def meet(self, position: int, body: bytes, trusted: list[bytes]) -> None:
        while self.next and self.next[0] <= position:
            at, line, content = self.next
            if (at, line) == (position, body):
                self.matched = position
            elif not is_signed(content, trusted):
                self.foreign += 1
            elif at == position:
                raise Problem(f"replaced: its hash is not the one that {self.witness} names")
            self.advance()

    def beyond(self, trusted: list[bytes]) -> int:
        newest = 0
        while self.next:
            if is_signed(self.next[2], trusted):
                newest = self.next[0]
            else:
                self.foreign += 1
            self.advance()
        return newest


def is_signed(content: dict[str, Any], trusted: list[bytes]) -> bool:
    keys = (key for key in trusted if key_id(key) == content["key"])
    return any(verifies(key, checkpoint_statement(content), content["signature"]) for key in keys)


# --- the database ----------------------------------------------------------------------------------------------------

COLUMNS = "sequence, kind, decision_id, time_us, level, route, caller, request_id, hash, body"
SCHEMAS = [
    """CREATE TABLE records (
         sequence    INTEGER PRIMARY KEY CHECK (sequence > 0),
         kind        INTEGER NOT NULL,
         decision_id BLOB    NOT NULL,
         time_us     INTEGER NOT NULL,
         level       INTEGER,
         route       INTEGER,
         caller      TEXT,
         request_id  TEXT,
         hash        BLOB    NOT NULL,
         body        BLOB    NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX records_by_decision ON records (decision_id, kind);
     CREATE INDEX records_by_time ON records (time_us) WHERE kind = 1;
     CREATE INDEX records_by_caller ON records (caller) WHERE kind = 1;
     CREATE INDEX records_by_request ON records (request_id) WHERE kind = 1 AND request_id IS NOT NULL;
     CREATE INDEX records_to_cloud ON records (sequence) WHERE kind = 1 AND route = 2;
     CREATE TRIGGER records_never_change BEFORE UPDATE ON records
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
     CREATE TRIGGER records_never_go BEFORE DELETE ON records
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
     CREATE TABLE head (
         only     INTEGER PRIMARY KEY CHECK (only = 1),
         sequence INTEGER NOT NULL,
         hash     BLOB    NOT NULL
     ) STRICT;
     CREATE TABLE probe (
         only  INTEGER PRIMARY KEY CHECK (only = 1),
         bytes BLOB NOT NULL
     ) STRICT;""",
    """CREATE TABLE log (
         only    INTEGER PRIMARY KEY CHECK (only = 1),
         id      TEXT    NOT NULL,
         removed INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX records_by_kind ON records (kind) WHERE kind > 2;
     DROP TRIGGER records_never_go;
     CREATE TRIGGER records_never_go BEFORE DELETE ON records
         WHEN OLD.sequence > coalesce((SELECT removed FROM log WHERE only = 1), 0)
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;""",
]


class Database:
    """The log's SQLite file, opened for reading alone."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise CannotRead(f"no audit log in {path.parent}; name the folder that holds audit.db")
        self.connection = self.open(path)
        application, self.version = self.pragma("application_id"), self.pragma("user_version")
        if application != APPLICATION_ID or self.version < 1:
            raise CannotRead(f"{path} is not an audit log of cordon")
        if self.version > NEWEST_SCHEMA:
            raise CannotRead(
                f"the audit log {path} has schema version {self.version}, this verifier knows {NEWEST_SCHEMA}"
            )

    @staticmethod
    def open(path: Path) -> sqlite3.Connection:
        uri = f"file:{urllib.parse.quote(str(path.resolve()))}?mode=ro"
        wal = path.with_name(path.name + "-wal")
        # Without a folder to put the shared memory into, a database without a write-ahead log can still be read.
        options = ["", "" if wal.exists() and wal.stat().st_size else "&immutable=1"]
        problem: Exception = CannotRead(f"cannot open {path}")
        for option in options:
            try:
                connection = sqlite3.connect(uri + option, uri=True, timeout=5, isolation_level=None)
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA cell_size_check = ON")
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                return connection
            except sqlite3.Error as error:
                problem = error
        raise CannotRead(f"cannot open {path} as an audit log: {problem}")

    def pragma(self, name: str) -> int:
        try:
            return self.connection.execute(f"PRAGMA {name}").fetchone()[0]
        except sqlite3.Error as error:
            raise CannotRead(f"cannot read the audit log: {error}") from error

    def bounds(self) -> tuple[Head | None, int, int]:
        """The head row, the last position and the number of records, in one moment."""
        self.connection.execute("BEGIN")
        try:
            row = self.connection.execute("SELECT sequence, hash FROM head WHERE only = 1").fetchone()
            last, count = self.connection.execute("SELECT coalesce(max(sequence), 0), count(*) FROM records").fetchone()
        finally:
            self.connection.execute("COMMIT")
        usable = row is not None and row[0] >= 0 and isinstance(row[1], bytes) and len(row[1]) == 32
        return (Head(*row) if usable else None), last, count

    def log_id(self) -> str | None:
        try:
            row = self.connection.execute("SELECT id FROM log WHERE only = 1").fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row else None

    def newest_prune(self) -> tuple[int, bytes] | None:
        query = "SELECT sequence, body FROM records WHERE kind = 5 AND kind > 2 ORDER BY sequence DESC LIMIT 1"
        try:
            return self.connection.execute(query).fetchone()
        except sqlite3.DatabaseError:
            return None

    def rows(self, after: int, last: int) -> Iterator[tuple[Any, ...]]:
        """Rows by position, each few hundred from a statement of their own, so that a writer is not held up."""
        query = f"SELECT {COLUMNS} FROM records WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT {STRIDE}"
        while True:
            some = self.connection.execute(query, (after, last)).fetchall()
            yield from some
            if len(some) < STRIDE:
                return
            after = some[-1][0]

    def file_problem(self) -> str | None:
        try:
            answer = self.connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if answer == "ok" else answer

    def has_expected_schema(self) -> bool:
        query = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        fresh = sqlite3.connect(":memory:")
        for step in SCHEMAS[: self.version]:
            fresh.executescript(step)
        try:
            return self.connection.execute(query).fetchall() == fresh.execute(query).fetchall()
        except sqlite3.DatabaseError:
            return False


def read_head_file(path: Path) -> Head | str:
    """The newest record by the head file; `absent` or `unreadable` where it says none."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        raise CannotRead(f"cannot read {path}: {error}") from error
    if not text:
        return "absent"
    found = re.fullmatch(rb"cordon-audit-head-1 (\d+) ([0-9a-fA-F]{64})\n", text)
    return Head(int(found[1]), bytes.fromhex(found[2].decode())) if found else "unreadable"


# --- the verification ------------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """What a verification found."""

    head: Head = EMPTY
    records: int = 0
    kinds: dict[int, int] = field(default_factory=dict)
    checkpoints: int = 0
    proven: int = 0
    removed: int = 0
    fault: Fault | None = None
    unproven: list[str] = field(default_factory=list)

    @property
    def unproven_records(self) -> int:
        return max(0, self.head.sequence - self.proven)

    @property
    def verdict(self) -> str:
        if self.fault:
            return "fault"
        return "unproven" if self.unproven_records else "proven"

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "intact": self.fault is None,
            "records": self.records,
            "decisions": self.kinds.get(DECISION, 0),
            "outcomes": self.kinds.get(OUTCOME, 0),
            "changes": self.kinds.get(CHANGE, 0),
            "checkpoints": self.checkpoints,
            "head": f"{self.head.sequence}:{self.head.hash.hex()}",
            "proven_through": self.proven,
            "unproven_records": self.unproven_records,
            "removed_through": self.removed,
            "first_bad_sequence": self.fault.sequence if self.fault else None,
            "problem": str(self.fault) if self.fault else None,
            "unproven": self.unproven,
        }


@dataclass
class Evidence:
    """What was kept outside of the log."""

    heads: list[Head] = field(default_factory=list)
    keys: list[bytes] | None = None
    checkpoints: Path | None = None


ROW, FILE, ASKER = "the head row", "the head file", "the head given for comparison"


def verify(
    folder: Path, evidence: Evidence, progress: Callable[[int, int], None] = lambda done, total: None
) -> Verdict:
    """Verifies the log in this folder."""
    for attempt in range(5):
        database = Database(folder / "audit.db")
        began = database.newest_prune()
        verdict = once(folder, database, began, evidence, progress)
        # A writer that removes old records leaves a gap for whoever reads just there, and says so in the log first.
        if verdict.fault is None or attempt == 4 or database.newest_prune() == began:
            break
    return verdict


def once(
    folder: Path,
    database: Database,
    newest: tuple[int, bytes] | None,
    evidence: Evidence,
    progress: Callable[[int, int], None],
) -> Verdict:
    copies = []
    own = folder / "checkpoints.jsonl"
    if own.exists():
        name = "the file of checkpoints beside the log"
        copies.append(Copies(own, name, "the copy of a checkpoint beside the log", False))
    if evidence.checkpoints:
        name = "the file of checkpoints given for comparison"
        copies.append(Copies(evidence.checkpoints, name, "a checkpoint given for comparison", True))
    try:
        remembered_by_file, (row, last, count) = extent(folder, database)
    except sqlite3.DatabaseError:
        return Verdict(fault=Fault(1, "the database cannot read it"), unproven=[REST])
    start = None
    if newest:
        try:
            kind, content = decode(newest[1])
            start = (newest[0], content) if kind == PRUNE else None
        except Problem:
            start = None
    public = folder / "audit.pub"
    trusted = evidence.keys
    if trusted is None:
        trusted = parse_keys(public.read_text()) if public.exists() else []
    seals = Seals(trusted, evidence.keys is not None, database.log_id(), start)
    if start and seals.trusted:
        for one in copies:
            one.successors(seals.trusted)
    walk = Walk(database, seals, copies, evidence, row, remembered_by_file)
    walk.run(last, count, progress)
    return walk.verdict()


def extent(folder: Path, database: Database) -> tuple[Head | str, tuple[Head | None, int, int]]:
    """First the file, then the database: a commit between the two makes the file look behind, never ahead."""
    for _ in range(10):
        file = read_head_file(folder / "audit.head")
        bounds = database.bounds()
        if not isinstance(file, Head) or file.sequence >= bounds[1]:
            break
        time.sleep(0.005)
    return file, bounds


REST = "records after the one at fault were not judged: without it their hashes prove nothing"


class Walk:
    """Reads the log from its first record to the end that it had at the beginning."""

    def __init__(
        self,
        database: Database,
        seals: Seals,
        copies: list[Copies],
        evidence: Evidence,
        row: Head | None,
        file: Head | str,
    ) -> None:
        self.database, self.seals, self.copies, self.row, self.file = database, seals, copies, row, file
        self.heads = evidence.heads
        self.remembered = [(head, ASKER) for head in evidence.heads]
        if row:
            self.remembered.append((row, ROW))
        if isinstance(file, Head):
            self.remembered.append((file, FILE))
        self.records = self.leftover = 0
        self.kinds: dict[int, int] = {}
        self.fault: Fault | None = None
        self.start = EMPTY
        try:
            self.start = seals.begin()
        except Problem as problem:
            self.fault = Fault(seals.start[0] if seals.start else 0, str(problem))
        self.head = self.start

    def run(self, last: int, count: int, progress: Callable[[int, int], None]) -> None:
        if self.fault:
            return
        try:
            self.meet_heads()
            for row in self.database.rows(-(1 << 63), last):
                self.next(row)
                if self.records % STRIDE == 0:
                    progress(self.records, count)
            self.end()
        except Problem as problem:
            at = getattr(problem, "at", self.head.sequence + 1)
            self.fault = Fault(at, str(problem))
        except (sqlite3.DatabaseError, struct.error):
            self.fault = Fault(self.head.sequence + 1, "the database cannot read it")
        if self.fault and "changed: its hash" in self.fault.problem:
            self.look_for_the_right_one(last)
        if not self.fault and (problem := self.database.file_problem()):
            self.fault = Fault(0, f"the records are whole, but the database file is damaged: {problem}")

    def next(self, row: tuple[Any, ...]) -> None:
        sequence, *_, stored, body = row
        following = self.head.then(body)
        if 1 <= sequence <= self.start.sequence:
            self.leftover += 1
            return
        self.records += 1
        if sequence < following.sequence:
            raise Problem(f"a record was put in before it, at position {sequence}")
        if sequence > following.sequence:
            raise Problem(f"removed; the next record in the log is {sequence}")
        if stored != following.hash:
            raise Problem("changed: its hash does not follow from its bytes and the record before it")
        kind, content = decode(body)
        names = [name.strip() for name in COLUMNS.split(",")][1:-2]
        expected = columns(kind, content)
        for name, value in zip(names, row[1:-2], strict=True):
            if value != expected[name]:
                raise Problem(f"the column `{name}` differs from the record itself")
        self.seals.record(self.head, kind, content)
        for one in self.copies:
            one.meet(following.sequence, body, self.seals.trusted)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.head = following
        self.meet_heads()

    def meet_heads(self) -> None:
        for head, witness in self.remembered:
            if head.sequence == self.head.sequence and head.hash != self.head.hash:
                problem = Problem(f"replaced: its hash is not the one that {witness} names")
                problem.at = self.head.sequence  # type: ignore[attr-defined]
                raise problem

    def end(self) -> None:
        if not self.row:
            raise Problem("the head row is missing, so records after it may have been removed")
        end = self.head.sequence
        beyond = [(head.sequence, witness) for head, witness in self.remembered]
        beyond += [(one.beyond(self.seals.trusted), one.witness) for one in self.copies]
        beyond = [(sequence, witness) for sequence, witness in beyond if sequence > end]
        if beyond:
            # Of several that name the same, the last one speaks, as in the server's verifier.
            sequence, witness = max(reversed(beyond), key=lambda found: found[0])
            raise Problem(f"removed with all after it: the log ends at {end}, and {witness} names record {sequence}")
        if end > self.row.sequence:
            problem = Problem(f"put in at the end: the head row names record {self.row.sequence} as the last")
            problem.at = self.row.sequence + 1  # type: ignore[attr-defined]
            raise problem

    def look_for_the_right_one(self, last: int) -> None:
        try:
            for row in self.database.rows(self.head.sequence + 1, last):
                if self.head.then(row[-1]).hash == row[-2]:
                    text = f"out of place: the record that belongs here is at {row[0]}, so records were put in or reordered"
                    self.fault = Fault(self.head.sequence + 1, text)
                    return
        except sqlite3.DatabaseError:
            return

    def verdict(self) -> Verdict:
        end = self.head.sequence
        met = [head.sequence for head in self.heads if self.start.sequence <= head.sequence <= end]
        proven = min(max([self.seals.proven, *met]), end)
        return Verdict(
            head=self.head,
            records=self.records,
            kinds=self.kinds,
            checkpoints=self.seals.checkpoints,
            proven=proven,
            removed=self.start.sequence,
            fault=self.fault,
            unproven=list(self.notes(proven)),
        )

    def notes(self, proven: int) -> Iterator[str]:
        end, seals = self.head.sequence, self.seals
        if self.fault:
            yield REST
        outside = [head.sequence for head in self.heads if head.sequence >= self.start.sequence]
        outside += [one.matched for one in self.copies if one.given and one.matched]
        if not outside and seals.given and seals.proven:
            yield "whoever can write the data directory could have put back an older state of all files; keep checkpoints or the head elsewhere and give them to the next verification"
        elif not outside:
            yield "whoever can write the data directory could have made the whole log anew, with its head; keep the head hash elsewhere and give it to the next verification"
        elif max(outside) < end:
            yield f"records {max(outside) + 1} to {end} are newer than the head given for comparison; they are proven only by the log itself"
        if proven < end:
            yield f"records {proven + 1} to {end} are consistent, but no checkpoint covers them yet: they are not proven"
        if seals.checkpoints and not seals.trusted:
            yield "there is no public key, so no signature was checked; give the one that `cordon audit key` printed"
        elif seals.checkpoints and not seals.given:
            yield "the signatures were checked with the public key beside the log, which whoever can write there could have replaced; keep that key elsewhere and give it to the next verification"
        if self.start.sequence:
            yield f"records 1 to {self.start.sequence} were removed by retention and are no longer there to check; the removal is signed"
        if self.leftover:
            yield f"{self.leftover} records that are said to be removed are still there and were not judged; the writer goes on with it"
        for one in self.copies:
            if one.unreadable:
                yield f"line {one.unreadable} of {one.name} is no checkpoint; nothing after it was compared"
            if one.foreign and seals.trusted:
                yield f"{one.foreign} lines of {one.name} are signed by no trusted key and were not compared"
        if self.file == "absent" and end:
            yield "the head file is missing; that the database is no older copy of itself cannot be shown"
        elif self.file == "unreadable":
            yield "the head file is not readable; that the database is no older copy of itself cannot be shown"
        elif isinstance(self.file, Head) and self.file.sequence < end:
            yield f"the head file names record {self.file.sequence}; records after it are proven only by the database itself"
        if not self.database.has_expected_schema():
            yield "tables, indexes or triggers differ from those that cordon makes; someone has worked on the database"


# --- the command line ------------------------------------------------------------------------------------------------


def parse_head(text: str) -> Head:
    found = re.fullmatch(r"(\d+):([0-9a-fA-F]{64})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is no head; write SEQUENCE:HASH as the verifier prints it")
    return Head(int(found[1]), bytes.fromhex(found[2]))


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} records", end="\r", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an audit log of Cordon.", epilog=__doc__.split("\n\n")[-1])
    parser.add_argument("folder", type=Path, help="the folder of the log, which holds audit.db")
    parser.add_argument("--public-key", type=Path, metavar="FILE", help="the public key, kept elsewhere")
    parser.add_argument("--checkpoints", type=Path, metavar="FILE", help="checkpoints that were kept elsewhere")
    parser.add_argument("--head", type=parse_head, action="append", default=[], help="a head that was kept elsewhere")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        keys = parse_keys(arguments.public_key.read_text()) if arguments.public_key else None
        evidence = Evidence(arguments.head, keys, arguments.checkpoints)
        found = verify(arguments.folder, evidence, show_progress)
    except (CannotRead, OSError, UnicodeDecodeError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(found.as_dict()))
    else:
        print(f"NOT intact: {found.fault}" if found.fault else f"intact: {found.records} records")
        print(f"proven: through record {found.proven}" if found.proven else "proven: nothing")
        print(f"head: {found.head.sequence}:{found.head.hash.hex()}")
        for note in found.unproven:
            print(f"unproven: {note}")
    if found.fault:
        return 4
    return 5 if arguments.public_key and found.unproven_records else 0


if __name__ == "__main__":
    sys.exit(main())
