"""A fleet's log: real services, one real PostgreSQL, and everything that can happen to both.

What is recorded on a replica's own disk must stand in the database exactly once, in order, under chains that verify,
whatever was stopped, killed, frozen or filled in between.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import postgres
import pytest
import stack
from conftest import RPC_SECONDS
from texts import CARD_TEXT

PASSWORD = "the replicas'"
# How long records may take to arrive once nothing is in their way; far more than they need on a busy machine.
ARRIVAL_SECONDS = 60.0
REPLICAS = 3


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    """One server for all tests here; each makes a database of its own."""
    with postgres.server(stack.fetch_assets("postgres")) as running:
        secret = f"PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'"
        for role in ("replica", "auditor", "stranger"):
            running.ask(f"CREATE ROLE {role} LOGIN {secret}")
        yield running


@pytest.fixture
def database(server: postgres.Postgres, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    name = "audit_" + str(abs(hash(request.node.name)) % 10**9)
    server.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", database="postgres")
    server.ask(f"CREATE DATABASE {name}", database="postgres")
    return name


class Cordon:
    """The program as an operator runs it."""

    def __init__(self, program: Path, assets: dict[str, str], folder: Path) -> None:
        self.program, self.assets, self.folder = program, assets, folder

    def environment(self, password: str | None) -> dict[str, str]:
        environment = stack.service_environment(self.assets)
        environment.pop("CORDON_STORE_PASSWORD", None)
        return environment | ({"CORDON_STORE_PASSWORD": password} if password is not None else {})

    def __call__(self, *arguments: str, password: str | None = PASSWORD) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), *arguments, "--data-dir", str(self.folder / "nothing")]
        environment = self.environment(password)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def migrate(self, server: postgres.Postgres, database: str) -> None:
        """Makes the tables as their owner, and gives the two roles their rights."""
        url = server.url(database=database)
        grants = ["--grant", "replica", "--grant-read", "auditor"]
        done = self("audit", "migrate", "--store", url, *grants, password=server.password)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def cordon(program: Path, assets: dict[str, str], tmp_path: Path) -> Cordon:
    return Cordon(program, assets, tmp_path)


class Replica:
    """One service with its data, which can be killed and started again."""

    def __init__(self, cordon: Cordon, name: str, store: str, password: str = PASSWORD, **fleet: Any) -> None:
        self.cordon, self.name = cordon, name
        self.folder = cordon.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "service.log"
        secret = self.folder / "password"
        secret.write_text(password + "\n", encoding="utf-8")
        secret.chmod(0o600)
        settings = {"password_file": str(secret), "name": name, "heads_seconds": 1, **fleet}
        lines = ["[ner]", "lanes = 1", "[audit]", f"store = {json.dumps(store)}", "checkpoint_records = 200"]
        lines += ["[audit.fleet]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
        self.config = self.folder / "cordon.toml"
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""

    @property
    def audit(self) -> Path:
        return self.folder / "data" / "audit"

    def begin(self) -> None:
        """Starts the process."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [str(self.cordon.program), "serve", "--config", str(self.config), "--listen", "127.0.0.1:0"]
        command += ["--data-dir", str(self.folder / "data"), "--ready-file", str(ready)]
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=self.cordon.environment(None),
                start_new_session=True,
                preexec_fn=stack.end_with_parent if sys.platform == "linux" else None,
            )

    def start(self) -> None:
        """Starts the process and waits until it serves."""
        self.begin()
        self.wait()

    def wait(self) -> None:
        """Waits until the process serves."""
        assert self.process is not None
        ready = stack.wait_for_file(self.process, self.folder / "ready.json", self.name, self.log)
        self.address = ready["listen"][0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the process; its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(stack.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def refusal(self) -> str:
        """What the process says that does not start."""
        self.begin()
        process, self.process = self.process, None
        assert process is not None
        try:
            code = process.wait(stack.START_SECONDS)
        finally:
            process.kill()
            process.wait()
        said = self.log.read_text(encoding="utf-8")
        assert code == 1, said
        assert PASSWORD not in said
        return said.splitlines()[-1]

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def chain(self) -> str:
        return self.query("SELECT id FROM log")[0][0]

    def records(self) -> list[tuple[int, str, str]]:
        """Position, hash and body of every record of the local log."""
        return self.query("SELECT sequence, lower(hex(hash)), lower(hex(body)) FROM records ORDER BY sequence")

    def query(self, sql: str) -> list[Any]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.audit / 'audit.db'}?mode=ro", uri=True, timeout=30)
        ) as log:
            return log.execute(sql).fetchall()

    def classify(self, pb: SimpleNamespace, count: int = 1) -> list[str]:
        """Classifies a text so often; the ids of the decisions."""
        with grpc.insecure_channel(self.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            stub = pb.ClassifierServiceStub(channel)
            request = pb.ClassifyRequest(text=CARD_TEXT)
            return [stub.Classify(request, timeout=RPC_SECONDS).decision_id for _ in range(count)]


def start_all(replicas: list[Replica]) -> None:
    """Starts replicas at the same time."""
    for replica in replicas:
        replica.begin()
    for replica in replicas:
        replica.wait()


class Load:
    """Asks replicas without pause until told to stop, and remembers what they answered. See fleet_load.py."""

    def __init__(self, replicas: list[Replica], stubs: Path, folder: Path) -> None:
        self.answers = {replica.name: folder / f"{replica.name}.answers" for replica in replicas}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.commands = [
            (self.answers[replica.name], [str(stubs), str(replica.folder / "ready.json"), CARD_TEXT])
            for replica in replicas
        ]

    def acknowledged(self, name: str) -> list[str]:
        return self.answers[name].read_text(encoding="ascii").split()

    def __enter__(self) -> Load:
        for answers, arguments in self.commands:
            command = [sys.executable, str(Path(__file__).parent / "fleet_load.py"), *arguments]
            with answers.open("wb") as sink:
                self.processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self.processes:
            process.wait(30)


def wait_until(what: str, holds: Callable[[], bool], seconds: float = ARRIVAL_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def stored(server: postgres.Postgres, database: str) -> dict[str, list[tuple[int, str, str]]]:
    """Every record of the database, by chain."""
    rows = server.ask(
        "SELECT encode(chain, 'hex'), sequence, encode(hash, 'hex'), encode(body, 'hex') FROM cordon.records "
        "ORDER BY chain, sequence",
        database,
    )
    chains: dict[str, list[tuple[int, str, str]]] = {}
    for chain, sequence, digest, body in rows:
        chains.setdefault(chain, []).append((int(sequence), digest, body))
    return chains


def arrived(server: postgres.Postgres, database: str, replica: Replica) -> bool:
    """Whether the database has all that the replica has recorded."""
    chain = replica.chain()
    newest = replica.query("SELECT coalesce(max(sequence), 0) FROM records")[0][0]
    question = f"SELECT coalesce(max(sequence), 0) FROM cordon.records WHERE chain = '\\x{chain}'"
    answer = server.psql(question, database)
    return answer.returncode == 0 and answer.stdout.strip() == str(newest)


def running(*replicas: Replica) -> contextlib.ExitStack:
    """Stops the replicas at the end, whatever happens."""
    stack_ = contextlib.ExitStack()
    for replica in replicas:
        stack_.callback(lambda replica=replica: replica.stop(signal.SIGKILL))
    return stack_


@pytest.mark.timeout(400)
def test_every_record_arrives_exactly_once_whatever_happens(
    cordon: Cordon,
    server: postgres.Postgres,
    database: str,
    stubs_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cordon.migrate(server, database)
    replicas = [
        Replica(cordon, f"replica-{number}", server.url("replica", database)) for number in range(1, REPLICAS + 1)
    ]
    first, second, third = replicas
    with running(*replicas):
        start_all(replicas)
        with Load(replicas, stubs_folder, cordon.folder) as load:
            wait_until("records arrive", lambda: len(stored(server, database)) == REPLICAS)

            # Stopped and started again.
            server.stop()
            time.sleep(1)
            server.start()
            wait_until("the first says so", lambda: "records wait in the local log" in first.said())

            # Killed; meanwhile a replica is killed too, and starts while the database is away.
            server.kill()
            third.stop(signal.SIGKILL)
            second.stop(signal.SIGKILL)
            start_all([third, second])
            assert "records wait in the local log" in third.said()
            server.start()

            # Every process of the server stands still: connections stay open and nobody answers.
            server.freeze(True)
            time.sleep(1)
            server.freeze(False)

            # Full: tables cannot grow any more, as with a full disk or a quota. Then there is room again.
            server.stop()
            table = "SELECT max(pg_relation_size(indexrelid)), max(pg_relation_size(indrelid)) FROM pg_index"
            server.start()
            index, heap = map(int, server.ask(table, database)[0])
            server.stop()
            server.start(largest_file=max(index, heap, 1 << 20) + (64 << 10))
            full = lambda: any("has no room" in replica.said() for replica in replicas)  # noqa: E731
            wait_until("the database is full", full)
            server.lift_limit()
            server.stop()
            server.start()

            # A replica killed while it sends.
            first.stop(signal.SIGKILL)
            first.start()
        for replica in replicas:
            wait_until(f"{replica.name} has sent all", lambda replica=replica: arrived(server, database, replica))
        for replica in replicas:
            assert replica.stop() == 0

        sent = sum(len(load.acknowledged(replica.name)) for replica in replicas)
        local = {replica.chain(): replica.records() for replica in replicas}
        there = stored(server, database)
        count = sum(map(len, there.values()))
        lost = sum(len(set(rows) - set(there.get(chain, []))) for chain, rows in local.items())
        doubled = count - int(
            server.ask("SELECT count(*) FROM (SELECT DISTINCT decision_id, kind FROM cordon.records) r", database)[0][0]
        )
        with capsys.disabled():
            recorded = sum(map(len, local.values()))
            print(f"\nfleet: sent {sent}, recorded {recorded}, stored {count}, lost {lost}, doubled {doubled}")
        assert sent > 100
        assert (lost, doubled) == (0, 0)
        assert there == local

        # What a caller holds the id of is there; a killed replica may owe what it had not written yet, and only that.
        ids = {
            row[0]
            for row in server.ask("SELECT encode(decision_id, 'hex') FROM cordon.records WHERE kind = 1", database)
        }
        written = {
            row[0] for replica in replicas for row in replica.query("SELECT lower(hex(decision_id)) FROM records")
        }
        for replica in replicas:
            owed = {name.replace("-", "") for name in load.acknowledged(replica.name)} - ids
            assert not owed & written

        done = cordon("audit", "verify", "--store", server.url("auditor", database), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        verified = json.loads(done.stdout)
        assert verified["intact"] and verified["records"] == count and verified["heads_compared"] > 0
        assert {chain["name"] for chain in verified["chains"]} == {replica.name for replica in replicas}


def test_what_a_replica_cannot_start_with_is_told(
    cordon: Cordon, server: postgres.Postgres, database: str, pb: SimpleNamespace
) -> None:
    url = server.url("replica", database)
    names = iter(range(100))

    def refusal(store: str = url, password: str = PASSWORD, **fleet: Any) -> str:
        return Replica(cordon, f"refused-{next(names)}", store, password, **fleet).refusal()

    assert "cordon audit migrate --store" in refusal(), "no tables, and no right to make them"
    cordon.migrate(server, database)
    assert "refuses the login" in refusal(password="wrong")
    assert "refuses the login" in refusal(store=server.url("replica", "no_such_database"))
    stranger = refusal(store=server.url("stranger", database))
    assert "lacks a right" in stranger and "--grant" in stranger
    assert "lacks a right" in refusal(store=server.url("auditor", database))
    assert "holds a password" in refusal(store=f"postgres://replica:secret@127.0.0.1:{server.port}/{database}")
    assert "switches TLS off" in refusal(store="postgres://replica@db.example/audit?sslmode=disable")
    assert "no TLS with the fleet's log" in refusal(store=url + "?sslmode=require")
    assert "password_file" in refusal(password_env="SOME_VARIABLE")
    server.ask("INSERT INTO cordon.schema_version (version, program) VALUES (99, 'newer')", database)
    assert "has schema version 99, this cordon knows 1" in refusal()
    for command in (["list"], ["verify"], ["migrate"]):
        done = cordon("audit", *command, "--store", server.url("auditor", database))
        assert done.returncode == 1 and "schema version 99" in done.stderr


def test_a_server_that_is_too_old_is_told(cordon: Cordon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                length = struct.unpack("!I", connection.recv(4))[0]
                connection.recv(length - 4)
                version = b"server_version\x0013.14\x00"
                connection.sendall(b"R" + struct.pack("!II", 8, 0))
                connection.sendall(b"S" + struct.pack("!I", 4 + len(version)) + version)
                connection.sendall(b"Z" + struct.pack("!I", 5) + b"I")
                connection.recv(1)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        done = cordon("audit", "list", "--store", f"postgres://u@127.0.0.1:{listener.getsockname()[1]}/d")
        thread.join(10)
    assert done.returncode == 1
    assert "runs PostgreSQL 13.14; cordon needs 15 or newer" in done.stderr


def test_many_programs_migrate_one_database_at_once(cordon: Cordon, server: postgres.Postgres, database: str) -> None:
    command = [str(cordon.program), "audit", "migrate", "--json", "--store", server.url(database=database)]
    environment = cordon.environment(server.password)
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    outputs = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 5, outputs
    assert all(json.loads(output)["to"] == 1 for output, _ in outputs)
    assert server.ask("SELECT version FROM cordon.schema_version", database) == [["1"]]


def test_nobody_changes_what_is_recorded(
    cordon: Cordon, server: postgres.Postgres, database: str, pb: SimpleNamespace
) -> None:
    cordon.migrate(server, database)
    replica = Replica(cordon, "replica", server.url("replica", database))
    with running(replica):
        replica.start()
        replica.classify(pb)
        wait_until("it has arrived", lambda: arrived(server, database, replica))
    changes = ["UPDATE cordon.records SET level = 10", "DELETE FROM cordon.records", "TRUNCATE cordon.records"]
    for change in changes:
        refused = server.psql(change, database)
        assert refused.returncode != 0 and "append-only" in refused.stderr, "the owner"
        refused = server.psql(f"SET ROLE replica; {change}", database)
        assert refused.returncode != 0 and "permission denied" in refused.stderr, "a replica"
    refused = server.psql("SET ROLE auditor; INSERT INTO cordon.chains VALUES ('x', now(), 'x')", database)
    assert refused.returncode != 0 and "permission denied" in refused.stderr


def test_a_copied_data_directory_is_found_out(
    cordon: Cordon, server: postgres.Postgres, database: str, pb: SimpleNamespace
) -> None:
    cordon.migrate(server, database)
    url = server.url("replica", database)
    original, copy = Replica(cordon, "original", url), Replica(cordon, "copy", url)
    with running(original, copy):
        original.start()
        original.classify(pb, 3)
        wait_until("it has arrived", lambda: arrived(server, database, original))
        assert original.stop() == 0
        shutil.copytree(original.folder / "data", copy.folder / "data")
        original.start()
        original.classify(pb, 3)
        wait_until("it has arrived", lambda: arrived(server, database, original))

        # The copy knows less than the fleet does.
        assert "the local log is an older copy" in copy.refusal()

        # The copy goes on by itself while the database is away, and meets its twin's records when it is back.
        server.stop()
        copy.start()
        copy.classify(pb, 6)
        server.start()
        wait_until("the fork is found", lambda: "forked chain" in copy.said())
        original.classify(pb, 2)
        wait_until("the original goes on", lambda: arrived(server, database, original))
        assert stored(server, database) == {original.chain(): original.records()}
        copy.stop()
        assert "forked chain" in copy.refusal()


def test_tampering_in_the_database_is_found_and_placed(
    cordon: Cordon, server: postgres.Postgres, database: str, pb: SimpleNamespace
) -> None:
    cordon.migrate(server, database)
    url, reading = server.url("replica", database), server.url("auditor", database)
    replicas = [Replica(cordon, name, url) for name in ("one", "two")]
    one, two = replicas
    with running(*replicas):
        start_all(replicas)
        for replica in replicas:
            replica.classify(pb, 8)
        heads = "SELECT count(*) FROM cordon.records WHERE kind = 6"
        wait_until("both note each other's heads", lambda: int(server.ask(heads, database)[0][0]) >= 2)
        seen = "SELECT max(sequence) FROM cordon.records WHERE kind = 1 AND chain = "
        chain = f"'\\x{one.chain()}'"

        def named() -> bool:
            rows = server.ask("SELECT convert_from(body, 'UTF8') FROM cordon.records WHERE kind = 6", database)
            told = [head for (body,) in rows for head in json.loads(body)["record"]["heads"]["heads"]]
            newest = int(server.ask(seen + chain, database)[0][0])
            return newest >= 8 and any(h["chain"] == one.chain() and h["sequence"] >= newest for h in told)

        wait_until("the other has seen all decisions", named)
        for replica in replicas:
            assert replica.stop() == 0
    keys = cordon.folder / "keys.pem"
    keys.write_text("".join((replica.audit / "audit.pub").read_text(encoding="utf-8") for replica in replicas))

    def verify() -> tuple[int, dict[str, Any]]:
        done = cordon("audit", "verify", "--store", reading, "--json", "--public-key", str(keys))
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        return done.returncode, {chain["name"]: chain for chain in found["chains"]}

    code, chains = verify()
    assert code == 0, chains
    assert chains["one"]["verdict"] == chains["two"]["verdict"] == "proven"

    def tampered(sql: str) -> tuple[int, dict[str, Any]]:
        """What is found after this; then everything is as it was."""
        server.ask("CREATE TABLE public.kept AS SELECT * FROM cordon.records", database)
        free = "ALTER TABLE cordon.records DISABLE TRIGGER USER;"
        server.ask(free + sql, database)
        try:
            return verify()
        finally:
            back = "DELETE FROM cordon.records; INSERT INTO cordon.records SELECT * FROM public.kept; DROP TABLE public.kept"
            server.ask(back, database)

    target = f"chain = {chain} AND sequence"
    edited = "convert_to(replace(convert_from(body, 'UTF8'), 'confidential', 'internal'), 'UTF8')"
    code, chains = tampered(f"UPDATE cordon.records SET body = {edited} WHERE {target} = 3")
    assert code == 4 and "record 3: changed" in chains["one"]["problem"] and chains["two"]["intact"]
    code, chains = tampered(f"DELETE FROM cordon.records WHERE {target} = 4")
    assert code == 4 and "record 4: removed" in chains["one"]["problem"]
    code, chains = tampered(f"UPDATE cordon.records SET level = 10 WHERE {target} = 2")
    assert code == 4 and "record 2: the column `level`" in chains["one"]["problem"]
    # A chain that lost its end is whole in itself; the other one knows better.
    code, chains = tampered(f"DELETE FROM cordon.records WHERE {target} > 5")
    assert code == 4 and "record 6: removed with all after it: the log ends at 5" in chains["one"]["problem"]
    assert f"chain {two.chain()} names record" in chains["one"]["problem"]
    code, chains = tampered(f"DELETE FROM cordon.records WHERE chain = {chain}")
    assert code == 4 and "the log ends at 0" in chains["one"]["problem"]
    code, chains = verify()
    assert code == 0, chains


def test_lists_and_exports_merge_the_chains_by_time(
    cordon: Cordon, server: postgres.Postgres, database: str, pb: SimpleNamespace, tmp_path: Path
) -> None:
    cordon.migrate(server, database)
    replicas = [Replica(cordon, name, server.url("replica", database), answers="fleet") for name in ("one", "two")]
    ids = []
    with running(*replicas):
        start_all(replicas)
        for _ in range(4):
            for replica in replicas:
                ids += replica.classify(pb)
        for replica in replicas:
            wait_until("they have arrived", lambda replica=replica: arrived(server, database, replica))
        with grpc.insecure_channel(replicas[0].address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            audit = pb.AuditServiceStub(channel)
            listed, token = [], ""
            while True:
                page = audit.ListDecisions(pb.ListDecisionsRequest(page_size=3, page_token=token), timeout=RPC_SECONDS)
                listed += [decision.decision_id for decision in page.decisions]
                token = page.next_page_token
                if not token:
                    break
                # What comes meanwhile moves nothing.
                replicas[1].classify(pb)
            assert listed == ids[::-1], "the service answers for the fleet, page by page"
            of_the_other = audit.GetDecision(pb.GetDecisionRequest(decision_id=ids[1]), timeout=RPC_SECONDS)
            assert of_the_other.decision_id == ids[1]
            assert audit.VerifyLog(pb.VerifyLogRequest(), timeout=RPC_SECONDS).intact
    store = ["--store", server.url("auditor", database)]
    done = cordon("audit", "list", *store, "--limit", "0", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows if row["id"] in ids] == ids[::-1], done.stderr
    assert {row["chain"] for row in rows} == {replica.chain() for replica in replicas}
    shown = cordon("audit", "show", *store, ids[0], "--json")
    assert json.loads(shown.stdout)["id"] == ids[0]
    missing = cordon("audit", "show", *store, "0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d")
    assert missing.returncode == 1 and "no decision" in missing.stderr
    export = tmp_path / "all.jsonl"
    done = cordon("audit", "export", *store, "--format", "jsonl", "--output", str(export))
    assert done.returncode == 0, done.stderr
    exported = [json.loads(line)["id"] for line in export.read_text(encoding="utf-8").splitlines()]
    assert [one for one in exported if one in ids] == ids
