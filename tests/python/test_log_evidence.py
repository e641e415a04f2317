"""The log as evidence: the server's verifier and the Python one find the same, on the same logs, in the same words.

A service of its own writes a signed log once; each test works on a copy of its files. The tampering is done here, with
Python's SQLite and BLAKE3, by somebody who knows the format and does not have the key.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import json
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pyarrow.parquet
import pytest
import stack
from blake3 import blake3
from conftest import ROOT, RPC_SECONDS
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

VERIFIER = ROOT / "clients" / "python" / "verify_log.py"
CLASSIFIED = 9
COLUMNS = "sequence, kind, decision_id, time_us, level, route, caller, request_id, hash, body"


@pytest.fixture(scope="module")
def kept(
    program: Path, assets: dict[str, str], pb: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """A signed log that a real service wrote and closed, and what an auditor kept of it elsewhere."""
    folder = tmp_path_factory.mktemp("evidence")
    with (
        stack.service(program, folder, assets, "[audit]\ncheckpoint_records = 4\n") as ready,
        grpc.insecure_channel(ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel,
    ):
        classifier = pb.ClassifierServiceStub(channel)
        for number in range(CLASSIFIED):
            text = "My card is 4539 1488 0343 6467." if number % 3 == 0 else f"Text number {number}."
            request = pb.ClassifyRequest(text=text, request_id=f"=evidence-{number}")
            classifier.Classify(request, timeout=RPC_SECONDS)
        audit = pb.AuditServiceStub(channel)
        live = audit.VerifyLog(pb.VerifyLogRequest(), timeout=RPC_SECONDS)
        assert live.intact
        assert live.records >= CLASSIFIED
        cards = pb.ListDecisionsRequest(entity_type="CREDIT_CARD", operation=pb.OPERATION_CLASSIFY)
        assert len(audit.ListDecisions(cards, timeout=RPC_SECONDS).decisions) == CLASSIFIED // 3
        one = pb.ListDecisionsRequest(request_id="=evidence-4", outcome_status="open")
        assert len(audit.ListDecisions(one, timeout=RPC_SECONDS).decisions) == 1
        with pytest.raises(grpc.RpcError) as refused:
            audit.ListDecisions(pb.ListDecisionsRequest(outcome_status="done"), timeout=RPC_SECONDS)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    log = folder / "data" / "audit"
    outside = folder / "kept"
    outside.mkdir()
    shutil.copy(log / "audit.pub", outside)
    shutil.copy(log / "checkpoints.jsonl", outside)
    return SimpleNamespace(log=log, key=outside / "audit.pub", checkpoints=outside / "checkpoints.jsonl")


@pytest.fixture
def log(kept: SimpleNamespace, tmp_path: Path) -> Path:
    """A copy of the log, to do with as one likes."""
    copy = tmp_path / "audit"
    shutil.copytree(kept.log, copy)
    copy.chmod(0o700)
    return copy


def run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def both(program: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs both verifiers, and gives what they agree about."""

    def verify(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
        server = run([str(program), "audit", "verify", "--json", "--directory", str(folder), *options])
        second = run([sys.executable, str(VERIFIER), str(folder), "--json", *options])
        assert server[1], server[2]
        assert second[1], second[2]
        assert json.loads(server[1]) == json.loads(second[1])
        assert server[0] == second[0]
        return server[0], json.loads(server[1])

    return verify


@contextlib.contextmanager
def tampering(folder: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / "audit.db", isolation_level=None)
    connection.execute("DROP TRIGGER IF EXISTS records_never_change")
    connection.execute("DROP TRIGGER IF EXISTS records_never_go")
    yield connection
    connection.close()


def rehash(connection: sqlite3.Connection, folder: Path) -> None:
    """Makes the whole chain anew, with both heads, as anybody can who knows the format."""
    chained = blake3(b"cordon audit genesis v1").digest()
    sequence = 0
    for sequence, body in connection.execute("SELECT sequence, body FROM records ORDER BY sequence").fetchall():
        chained = blake3(b"cordon audit chain v1\n" + chained + struct.pack("<Q", sequence) + body).digest()
        connection.execute("UPDATE records SET hash = ? WHERE sequence = ?", (chained, sequence))
    connection.execute("UPDATE head SET sequence = ?, hash = ?", (sequence, chained))
    (folder / "audit.head").write_text(f"cordon-audit-head-1 {sequence:020} {chained.hex()}\n")


def soften(connection: sqlite3.Connection, sequence: int) -> None:
    """Makes a confidential record an internal one, in its right form."""
    (body,) = connection.execute("SELECT body FROM records WHERE sequence = ?", (sequence,)).fetchone()
    assert b"confidential" in body
    changed = body.replace(b"confidential", b"internal")
    connection.execute("UPDATE records SET body = ?, level = 20 WHERE sequence = ?", (changed, sequence))


def confidential(connection: sqlite3.Connection) -> int:
    """A confidential record that is not the first."""
    return connection.execute("SELECT max(sequence) FROM records WHERE kind = 1 AND level = 30").fetchone()[0]


def move(connection: sqlite3.Connection, first: int, by: int) -> None:
    connection.execute("UPDATE records SET sequence = sequence + 1000 WHERE sequence >= ?", (first,))
    connection.execute("UPDATE records SET sequence = sequence - ? WHERE sequence > 1000", (1000 - by,))


def end_of(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "audit.db")) as connection:
        return connection.execute("SELECT max(sequence) FROM records").fetchone()[0]


def test_a_whole_log_is_proven_to_its_end(kept: SimpleNamespace, log: Path, both: Any) -> None:
    code, found = both(log, "--public-key", str(kept.key), "--checkpoints", str(kept.checkpoints))
    assert (code, found["verdict"], found["unproven"]) == (0, "proven", [])
    assert found["checkpoints"] >= 3
    assert found["proven_through"] == found["records"] == end_of(log)
    code, found = both(log)
    assert code == 0
    assert any("public key beside the log" in note for note in found["unproven"])
    _, again = both(log, "--head", found["head"])
    assert not any("made the whole log anew" in note for note in again["unproven"])


def test_what_is_not_signed_is_unproven_and_not_passed(kept: SimpleNamespace, log: Path, both: Any) -> None:
    # The last record is the checkpoint of the clean stop; a kill would have left the log without it.
    end = end_of(log)
    with tampering(log) as connection:
        connection.execute("DELETE FROM records WHERE sequence = ?", (end,))
        rehash(connection, log)
    lines = (log / "checkpoints.jsonl").read_text().splitlines(keepends=True)
    (log / "checkpoints.jsonl").write_text("".join(lines[:-1]))
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["verdict"], found["intact"]) == (5, "unproven", True)
    assert found["unproven_records"] >= 1
    assert found["proven_through"] + found["unproven_records"] == end - 1
    assert both(log)[0] == 0
    # Who kept the checkpoints elsewhere knows more.
    code, found = both(log, "--public-key", str(kept.key), "--checkpoints", str(kept.checkpoints))
    assert (code, found["first_bad_sequence"]) == (4, end)


def test_an_edited_record_is_found(kept: SimpleNamespace, log: Path, both: Any) -> None:
    with tampering(log) as connection:
        at = confidential(connection)
        soften(connection, at)
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["verdict"], found["first_bad_sequence"]) == (4, "fault", at)
    assert "changed" in found["problem"]


def test_a_dropped_record_is_found(kept: SimpleNamespace, log: Path, both: Any) -> None:
    with tampering(log) as connection:
        connection.execute("DELETE FROM records WHERE sequence IN (6, 7)")
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 6)
    assert "removed; the next record in the log is 8" in found["problem"]


def test_an_inserted_record_is_found(kept: SimpleNamespace, log: Path, both: Any) -> None:
    with tampering(log) as connection:
        move(connection, 3, 1)
        row = list(connection.execute(f"SELECT {COLUMNS} FROM records WHERE sequence = 1").fetchone())
        row[0], row[2] = 3, b"\0" * 16
        connection.execute(f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 3)
    assert "out of place: the record that belongs here is at 4" in found["problem"]


def test_reordered_records_are_found(kept: SimpleNamespace, log: Path, both: Any) -> None:
    with tampering(log) as connection:
        connection.execute("UPDATE records SET sequence = 1002 WHERE sequence = 2")
        connection.execute("UPDATE records SET sequence = 2 WHERE sequence = 6")
        connection.execute("UPDATE records SET sequence = 6 WHERE sequence = 1002")
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 2)
    assert "is at 6" in found["problem"]


@pytest.mark.parametrize("heads", ["left alone", "remade"])
def test_a_truncated_log_is_found(kept: SimpleNamespace, log: Path, both: Any, heads: str) -> None:
    with tampering(log) as connection:
        connection.execute("DELETE FROM records WHERE sequence > 7")
        if heads == "remade":
            rehash(connection, log)
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 8)
    assert "removed with all after it: the log ends at 7" in found["problem"]
    if heads == "remade":
        (log / "checkpoints.jsonl").unlink()
        assert both(log)[1]["intact"], "nothing inside can tell"
        code, found = both(log, "--public-key", str(kept.key), "--checkpoints", str(kept.checkpoints))
        assert (code, found["first_bad_sequence"]) == (4, 8)


def test_a_chain_made_anew_without_the_key_is_found(kept: SimpleNamespace, log: Path, both: Any) -> None:
    with tampering(log) as connection:
        at = confidential(connection)
        soften(connection, at)
        rehash(connection, log)
        query = "SELECT min(sequence) FROM records WHERE kind = 4 AND sequence > ?"
        (after,) = connection.execute(query, (at,)).fetchone()
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["first_bad_sequence"]) == (4, after)
    assert "their chain made anew" in found["problem"]


def sign(content: dict[str, Any], key: Ed25519PrivateKey) -> None:
    """Signs a checkpoint anew, as docs/audit-log.md says."""
    names = ["id", "time_us", "log", "number", "sequence", "hash", "records", "previous", "key", "next_key"]
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    content["key"] = blake3(public).hexdigest()[:16]
    lines = [f"{name} {'-' if content[name] is None else content[name]}\n" for name in names]
    content["signature"] = key.sign("".join(["cordon audit checkpoint v1\n", *lines]).encode()).hex()


@pytest.mark.parametrize("signed_by", ["nobody", "another key"])
def test_a_forged_checkpoint_is_found(kept: SimpleNamespace, log: Path, both: Any, signed_by: str) -> None:
    with tampering(log) as connection:
        at, body = connection.execute("SELECT sequence, body FROM records WHERE kind = 4 LIMIT 1").fetchone()
        envelope = json.loads(body)
        content = envelope["record"]["checkpoint"]
        if signed_by == "another key":
            sign(content, Ed25519PrivateKey.generate())
        else:
            content["records"] += 1
        forged = json.dumps(envelope, separators=(",", ":")).encode()
        connection.execute("UPDATE records SET body = ? WHERE sequence = ?", (forged, at))
        rehash(connection, log)
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["first_bad_sequence"]) == (4, at)
    expected = "a checkpoint signed by another key" if signed_by == "another key" else "its signature is wrong"
    assert expected in found["problem"]


def test_a_log_from_before_checkpoints_is_read_as_it_is_and_unproven(
    kept: SimpleNamespace, log: Path, both: Any, program: Path
) -> None:
    first = (ROOT / "src" / "audit" / "store" / "sqlite.rs").read_text().split("MIGRATIONS: [&str; 2] = [")[1]
    schema = first.split('"')[1]
    old = log.parent / "old"
    old.mkdir(mode=0o700)
    with contextlib.closing(sqlite3.connect(old / "audit.db", isolation_level=None)) as connection:
        connection.executescript(schema)
        connection.execute(f"PRAGMA application_id = {0x4352444E}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("ATTACH ? AS kept", (str(log / "audit.db"),))
        connection.execute(f"INSERT INTO records SELECT {COLUMNS} FROM kept.records WHERE sequence <= 3")
        connection.execute("INSERT INTO head SELECT 1, sequence, hash FROM records WHERE sequence = 3")
    for path in old.iterdir():
        path.chmod(0o600)
    code, found = both(old, "--public-key", str(kept.key))
    assert (code, found["intact"], found["records"], found["proven_through"]) == (5, True, 3, 0)
    assert not any("tables" in note for note in found["unproven"])
    # The writer brings it up to date and signs it.
    code, _, err = run([str(program), "audit", "key", "--rotate", "--directory", str(old)])
    assert code == 0, err
    code, found = both(old, "--public-key", str(old / "audit.pub"))
    assert (code, found["verdict"], found["records"]) == (0, "proven", 4)


def test_a_foreign_public_key_is_named(log: Path, both: Any, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    other = tmp_path / "other.pub"
    other.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    code, found = both(log, "--public-key", str(other))
    assert code == 4
    assert "a checkpoint signed by another key" in found["problem"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{}", "no record of a version"),
        (b'{"v":2,"record":{"decision":{}}}', "no record of a version"),
        (b'{"v":1,"record":{"decision":{}}}', "no record of a version"),
        (b'{"v":1,"record":{"change":{}}}', "no record of a version"),
        (None, "not in the one form"),
    ],
)
def test_bytes_that_are_no_record_are_named(log: Path, both: Any, body: bytes | None, problem: str) -> None:
    with tampering(log) as connection:
        if body is None:
            (body,) = connection.execute("SELECT body FROM records WHERE sequence = 2").fetchone()
            body = body.replace(b'"operation":', b'"operation": ', 1)
        connection.execute("UPDATE records SET body = ? WHERE sequence = 2", (body,))
        rehash(connection, log)
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 2)
    assert problem in found["problem"]


@pytest.mark.parametrize("change", ["level = 10", "caller = 'x'", "time_us = 0", "request_id = NULL", "kind = 3"])
def test_a_changed_column_is_named(log: Path, both: Any, change: str) -> None:
    with tampering(log) as connection:
        at = confidential(connection)
        connection.execute(f"UPDATE records SET {change} WHERE sequence = ?", (at,))
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, at)
    assert f"the column `{change.split()[0]}`" in found["problem"]


def test_a_missing_head_is_a_fault_and_a_missing_head_file_is_told(log: Path, both: Any) -> None:
    (log / "audit.head").unlink()
    assert any("head file is missing" in note for note in both(log)[1]["unproven"])
    with tampering(log) as connection:
        connection.execute("DELETE FROM head")
    code, found = both(log)
    assert code == 4
    assert "head row is missing" in found["problem"]


def test_a_damaged_database_is_never_intact(log: Path, program: Path) -> None:
    database = log / "audit.db"
    content = bytearray(database.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    database.write_bytes(content)
    for command in ([str(program), "audit", "verify", "--directory"], [sys.executable, str(VERIFIER)]):
        code, out, err = run([*command, str(log)])
        assert code == 4, (command, code, out, err)
        assert "NOT intact" in out


@pytest.mark.parametrize("what", ["another version", "another database", "no database", "nothing"])
def test_what_cannot_be_read_is_an_error(log: Path, program: Path, what: str) -> None:
    database = log / "audit.db"
    expected = "is not an audit log"
    if what == "another version":
        with tampering(log) as connection:
            connection.execute("PRAGMA user_version = 99")
        expected = "schema version 99"
    elif what == "another database":
        database.unlink()
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("CREATE TABLE mine (x)")
    elif what == "no database":
        database.write_text("a letter, not a database, and long enough to have a header of its own, as they do")
        expected = "audit log"
    else:
        database.unlink()
        expected = "no audit log in"
    for command in ([str(program), "audit", "verify", "--directory"], [sys.executable, str(VERIFIER)]):
        code, _, err = run([*command, str(log)])
        assert code == 1, (command, code, err)
        assert expected in err


def test_a_log_that_is_written_verifies_and_an_edit_under_the_writer_is_found(
    program: Path, assets: dict[str, str], pb: SimpleNamespace, both: Any, tmp_path: Path
) -> None:
    with stack.service(program, tmp_path, assets, "[audit]\ncheckpoint_records = 5\n") as ready:
        folder = tmp_path / "data" / "audit"
        with grpc.insecure_channel(ready["address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
            classifier = pb.ClassifierServiceStub(channel)

            def classify() -> None:
                request = pb.ClassifyRequest(text="My card is 4539 1488 0343 6467.")
                classifier.Classify(request, timeout=RPC_SECONDS)

            for _ in range(3):
                waiting = [
                    classifier.Classify.future(pb.ClassifyRequest(text=f"Text {number}."), timeout=RPC_SECONDS)
                    for number in range(40)
                ]
                # While they are written: the two may see another end, and neither may see a fault.
                for command in ([str(program), "audit", "verify", "--directory"], [sys.executable, str(VERIFIER)]):
                    code, out, err = run([*command, str(folder)])
                    assert code == 0, (out, err)
                for answer in waiting:
                    answer.result()
            classify()
            pb.AuditServiceStub(channel).VerifyLog(pb.VerifyLogRequest(), timeout=RPC_SECONDS)
            with tampering(folder) as connection:
                at = confidential(connection)
                soften(connection, at)
            classify()
            pb.AuditServiceStub(channel).VerifyLog(pb.VerifyLogRequest(), timeout=RPC_SECONDS)
            code, found = both(folder)
            assert (code, found["first_bad_sequence"]) == (4, at)


def test_the_key_is_printed_and_hands_over(kept: SimpleNamespace, log: Path, both: Any, program: Path) -> None:
    cordon = [str(program), "audit"]
    code, out, _ = run([*cordon, "key", "--directory", str(log)])
    assert code == 0
    assert out.strip() == kept.key.read_text().strip()
    assert "PRIVATE" not in out
    private = load_pem_private_key((log / "audit.signing-key").read_bytes(), None)
    code, out, _ = run([*cordon, "key", "--hex", "--directory", str(log)])
    assert out.strip() == private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    code, out, err = run([*cordon, "key", "--rotate", "--directory", str(log)])
    assert code == 0, err
    assert out.count("BEGIN PUBLIC KEY") == 2
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["verdict"]) == (0, "proven"), "the key that was kept vouches for its successor"


def test_old_records_are_removed_and_the_rest_is_proven(
    kept: SimpleNamespace, log: Path, both: Any, program: Path
) -> None:
    with contextlib.closing(sqlite3.connect(log / "audit.db")) as connection:
        (second,) = connection.execute("SELECT sequence FROM records WHERE kind = 4 LIMIT 1 OFFSET 1").fetchone()
        (after,) = connection.execute(
            "SELECT time_us FROM records WHERE kind = 1 AND sequence > ? LIMIT 1", (second,)
        ).fetchone()
    # Python's times have microseconds too, so nothing is lost.
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    moment = (epoch + datetime.timedelta(microseconds=after)).isoformat()
    prune = [str(program), "audit", "prune", "--before", moment, "--directory", str(log)]
    code, out, _ = run(prune)
    assert (code, f"{second - 1} records would be removed" in out) == (0, True), out
    assert both(log)[1]["removed_through"] == 0
    code, out, err = run([*prune, "--yes"])
    assert (code, f"{second - 1} records were removed" in out) == (0, True), err
    code, found = both(log, "--public-key", str(kept.key), "--checkpoints", str(kept.checkpoints))
    assert (code, found["verdict"], found["removed_through"]) == (0, "proven", second - 1)
    assert any("removed by retention" in note for note in found["unproven"])

    # A gap that no signed record tells of, and a signed record that somebody changed.
    with tampering(log) as connection:
        at, body = connection.execute("SELECT sequence, body FROM records WHERE kind = 5").fetchone()
        changed = body.replace(f'"last":{second - 1}'.encode(), f'"last":{second}'.encode())
        assert changed != body
        connection.execute("UPDATE records SET body = ? WHERE sequence = ?", (changed, at))
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["first_bad_sequence"]) == (4, at)
    assert "its signature is wrong" in found["problem"]
    with tampering(log) as connection:
        connection.execute("UPDATE records SET body = ? WHERE sequence = ?", (body, at))
        connection.execute("DELETE FROM records WHERE sequence = ?", (second,))
    code, found = both(log, "--public-key", str(kept.key))
    assert (code, found["first_bad_sequence"]) == (4, second)


def test_a_gap_at_the_beginning_is_a_fault(log: Path, both: Any) -> None:
    with tampering(log) as connection:
        (first,) = connection.execute("SELECT min(sequence) FROM records WHERE kind = 4").fetchone()
        connection.execute("DELETE FROM records WHERE sequence < ?", (first,))
    code, found = both(log)
    assert (code, found["first_bad_sequence"]) == (4, 1)


def test_exports_hold_the_decisions_and_no_text(log: Path, program: Path, tmp_path: Path) -> None:
    cordon = [str(program), "audit", "export", "--directory", str(log)]
    files = {name: tmp_path / f"out.{name}" for name in ("jsonl", "csv", "parquet")}
    for name, path in files.items():
        code, _, err = run([*cordon, "--format", name, "--output", str(path)])
        assert code == 0, err
        assert b"4539" not in path.read_bytes()
        code, _, err = run([*cordon, "--format", name, "--output", str(path)])
        assert (code, "--force" in err) == (1, True)
        assert run([*cordon, "--format", name, "--output", str(path), "--force"])[0] == 0
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert len(lines) == CLASSIFIED
    with files["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pyarrow.parquet.read_table(files["parquet"])
    assert table.num_rows == len(rows) == CLASSIFIED
    assert table.column_names == list(rows[0])
    assert table.column("decision_id").to_pylist() == [row["decision_id"] for row in rows] == [x["id"] for x in lines]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("text_bytes").type) == "int64"
    assert not table.schema.field("level").nullable
    assert table.column("request_id").to_pylist() == [f"=evidence-{number}" for number in range(CLASSIFIED)]
    assert rows[0]["request_id"] == "'=evidence-0", "no formula for a spreadsheet"
    code, out, _ = run([*cordon, "--format", "jsonl", "--output", "-", "--entity-type", "CREDIT_CARD"])
    assert (code, len(out.splitlines())) == (0, CLASSIFIED // 3)
    code, out, _ = run([str(program), "audit", "list", "--json", "--directory", str(log), "--outcome", "completed"])
    assert (code, out) == (0, "")


def test_what_cannot_be_written_is_an_error(log: Path, program: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "such" / "folder.csv"
    code, _, err = run(
        [str(program), "audit", "export", "--format", "csv", "--output", str(nowhere), "--directory", str(log)]
    )
    assert code == 1
    assert "no/such" in err
    code, _, err = run(
        [str(program), "audit", "verify", "--public-key", str(log / "audit.db"), "--directory", str(log)]
    )
    assert code == 1
    code, _, err = run([sys.executable, str(VERIFIER), str(log), "--public-key", str(log / "audit.db")])
    assert code == 1
