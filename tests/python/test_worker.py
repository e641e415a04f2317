"""Bulk classification over a real NATS server with JetStream: workers that die, a server that dies, and what comes out.

Every worker and every feeder is a real process. The queue's client here is our own (scripts/queue_server.py), so what the
streams hold is seen by other eyes than the service's.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stack
from queue_server import QueueClient, QueueServer, free_port, worker, workers

CANARY = "canary-7f3a"
# Short, so that what a killed worker held is delivered again while the test waits.
SOON = ["--ack-wait", "2"]
RUN = "by-hand"


@pytest.fixture(scope="module")
def nats_program() -> str:
    return stack.fetch_assets("nats")["nats_server"]


@pytest.fixture
def server(nats_program: str, tmp_path: Path) -> Iterator[QueueServer]:
    with QueueServer(nats_program, tmp_path) as server:
        yield server


class Scan:
    """`cordon scan --nats`, in the background."""

    def __init__(self, program: Path, assets: dict[str, str], folder: Path, url: str, *arguments: str) -> None:
        self.out = (folder / "scan.out").open("w+b")
        self.log = folder / "scan.err"
        environment = stack.service_environment(assets) | {"CORDON_DATA_DIR": str(folder / "data")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(program), "scan", "--nats", url, "--json", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=self.out,
                stderr=log,
                env=environment,
                preexec_fn=stack.end_with_parent,
            )

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def run_id(self) -> str:
        wait_for(lambda: "run " in self.said(), "the run id")
        return self.said().split("run ", 1)[1].split()[0].rstrip(":")

    def ends(self, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        code = self.process.wait(60)
        assert code in codes, self.said()
        self.out.seek(0)
        return json.loads(self.out.read() or b"{}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def scan(program: Path, assets: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Scan]]:
    scans: list[Scan] = []

    def begin(url: str, *arguments: str) -> Scan:
        scans.append(Scan(program, assets, tmp_path, url, *arguments))
        return scans[-1]

    yield begin
    for scan in scans:
        stack.stop(scan.process)
        scan.out.close()


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} after {seconds} s"
        time.sleep(0.02)


def documents(folder: Path, number: int) -> Path:
    """Short texts of all levels, as JSON lines."""
    texts = [
        "Open day on the 3rd of May, free entry for everybody.",
        "Please pay card 4539 5787 6362 1486 before Friday.",
        "Contact maria.lopez@example.org about the offer.",
    ]
    path = folder / "corpus.jsonl"
    lines = (json.dumps({"id": n, "text": f"{texts[n % 3]} Reference {n}."}) for n in range(number))
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def stored(server: QueueServer, stream: str = "cordon-verdicts") -> int:
    try:
        with QueueClient(server) as client:
            return int(client.state(stream).get("messages", 0))
    except OSError:
        return 0


def test_killed_workers_and_a_killed_server_lose_and_double_nothing(
    program: Path,
    assets: dict[str, str],
    server: QueueServer,
    tmp_path: Path,
    scan: Callable[..., Scan],
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = 900
    begun = time.monotonic()
    options = [*SOON, "--concurrency", "8", "--all-findings"]
    with workers(program, assets, server, tmp_path, ["first", "second", "third"], *options) as (first, second, _):
        feeding = scan(server.url, *SOON, "--keep-verdicts", str(documents(tmp_path, number)))
        run = feeding.run_id()
        for killed, after in ((first, number // 6), (second, number // 3)):
            wait_for(lambda after=after: stored(server) >= after, f"{after} verdicts")
            assert killed.poll() is None
            killed.kill()
        wait_for(lambda: stored(server) >= number // 2, "half of the verdicts")
        assert stored(server) < number, "the corpus is too short for this test"
        server.kill()
        server.start()
        report = feeding.ends()
    assert {key: report[key] for key in ("sent", "stored", "lost", "doubled")} == {
        "sent": number,
        "stored": number,
        "lost": 0,
        "doubled": 0,
    }
    assert report["dead"] == [] and report["unreadable"] == 0
    assert sum(report["levels"].values()) == number
    assert report["levels"]["confidential"] >= number // 3

    # By other eyes: each document of the file has its verdict, and no verdict holds a text.
    with QueueClient(server) as client:
        verdicts = [
            json.loads(message["body"]) for message in client.messages("cordon-verdicts", f"cordon.verdict.{run}")
        ]
        left = client.state("cordon-work")["messages"]
    assert left == 0
    assert {verdict["number"] for verdict in verdicts} == set(range(number))
    assert {verdict["place"]["line"] for verdict in verdicts} == set(range(1, number + 1))
    assert len(verdicts) - number == report["dropped"]
    assert {"first", "second", "third"} == {verdict["worker"] for verdict in verdicts}
    again = sum(verdict["delivery"] > 1 for verdict in verdicts)
    assert again > 0, "the killed workers held nothing"
    for verdict in verdicts:
        assert "4539" not in json.dumps(verdict) and "maria" not in json.dumps(verdict)
        assert verdict["policy"]["digest"] and verdict["coverage"]["complete"]
    with capsys.disabled():
        print(
            f"\nNATS: 3 workers, 2 killed, server killed and restarted: sent {report['sent']}, stored {report['stored']}, "
            f"lost {report['lost']}, doubled {report['doubled']} ({again} classified again, {report['dropped']} duplicate "
            f"verdicts dropped, {time.monotonic() - begun:.1f} s)"
        )


def test_a_killed_feeder_goes_on_and_duplicates_are_dropped(
    program: Path, assets: dict[str, str], server: QueueServer, tmp_path: Path, scan: Callable[..., Scan]
) -> None:
    number = 400
    corpus = documents(tmp_path, number)
    # The queue takes about a quarter of it: the feeder waits, and is killed while it waits.
    small = [*SOON, "--queue-bytes", "65536"]
    feeding = scan(server.url, *small, str(corpus))
    run = feeding.run_id()
    wait_for(lambda: stored(server, "cordon-work") > 50, "documents in the queue")
    time.sleep(1.5)
    held = stored(server, "cordon-work")
    assert 50 < held < number, "the queue was to be too small for all documents"
    feeding.kill()
    with worker(program, assets, server, tmp_path, "one", *SOON) as one:
        # Without its feeder the queue runs empty, and what was there has its verdicts.
        wait_for(lambda: stored(server, "cordon-work") == 0, "empty queue")
        assert stored(server) == held
        # Verdicts that came twice, after the time in which the server itself would have noticed.
        with QueueClient(server) as client:
            for message in client.messages("cordon-verdicts", f"cordon.verdict.{run}")[:3]:
                assert client.publish(f"cordon.verdict.{run}", message["body"])["stream"] == "cordon-verdicts"
        report = scan(server.url, *small, "--run", run, str(corpus)).ends()
        assert one.poll() is None
    assert (report["sent"], report["stored"], report["lost"], report["doubled"]) == (number, number, 0, 0)
    assert report["dropped"] == 3
    # The report is made, so nothing of the run is left.
    assert stored(server) == 0
    assert "knows no run" in failed(program, assets, tmp_path, "scan", "--nats", server.url, "--run", run, str(corpus))


def test_what_cannot_be_classified_becomes_a_dead_letter_without_its_text(
    program: Path, assets: dict[str, str], server: QueueServer, tmp_path: Path, scan: Callable[..., Scan]
) -> None:
    def document(**changes: Any) -> bytes:
        return json.dumps({"version": 1, "run": RUN, "id": "a", "text": f"{CANARY}."} | changes).encode()

    config = tmp_path / "small.toml"
    config.write_text("[server.limits]\nmax_text_bytes = 1000\n", encoding="utf-8")
    messages = {
        "malformed": f'{{"version":1,"text":"{CANARY}'.encode(),
        "unsupported_version": document(version=2, id="b"),
        "bad_id": document(id="a\tb"),
        "other_run": document(run="another"),
        "oversized": document(id="c", text=CANARY * 1000),
        "too_many_deliveries": document(id="d"),
    }
    options = [*SOON, "--config", str(config), "--max-deliveries", "2", "--until-idle", "1"]
    # A run of nothing makes the streams.
    assert scan(server.url, *SOON, str(documents(tmp_path, 0))).ends()["sent"] == 0
    with QueueClient(server) as client:
        client.publish(f"cordon.work.{RUN}", messages["too_many_deliveries"])
        for _ in range(2):
            # As two workers that took it and died.
            answer, body = client.take("cordon-work", "cordon-workers")
            assert body == messages["too_many_deliveries"]
            client.request(answer, b"-NAK")
        for reason, message in messages.items():
            if reason != "too_many_deliveries":
                client.publish(f"cordon.work.{RUN}", message)
        client.publish(f"cordon.work.{RUN}", document(id="good", text="Write to jo@example.org."))
        with worker(program, assets, server, tmp_path, "reader", *options) as reader:
            assert reader.wait(30) == 0
        letters = client.messages("cordon-dead", f"cordon.dead.{RUN}")
        kept = {message["seq"]: message["body"] for message in client.messages("cordon-work", f"cordon.held.{RUN}")}
        assert client.state("cordon-work")["messages"] == len(messages), "only what is kept is left"
        (verdict,) = (
            json.loads(message["body"]) for message in client.messages("cordon-verdicts", f"cordon.verdict.{RUN}")
        )
    assert (verdict["id"], verdict["types"]) == ("good", {"EMAIL_ADDRESS": 1})
    found = {}
    for letter in letters:
        assert CANARY.encode() not in letter["body"]
        body = json.loads(letter["body"])
        assert body["kept"]["stream"] == "cordon-work" and "message" not in body
        assert kept[body["kept"]["sequence"]] == messages[body["reason"]], "it is kept as it came"
        found[body["reason"]] = body
    assert found.keys() == messages.keys()
    assert found["oversized"]["id"] == "c" and "1000" in found["oversized"]["detail"]
    said = (tmp_path / "reader.log").read_text(encoding="utf-8")
    assert CANARY not in said and "6 dead letters" in said

    # Where the operator wants it, the message goes into the letter instead.
    with QueueClient(server) as client:
        client.publish("cordon.work.second", messages["malformed"])
        with worker(program, assets, server, tmp_path, "open", *options, "--dead-letter-text") as reader:
            assert reader.wait(30) == 0
        (letter,) = (json.loads(message["body"]) for message in client.messages("cordon-dead", "cordon.dead.second"))
        assert base64.b64decode(letter["message"]) == messages["malformed"] and "kept" not in letter


def test_what_passes_is_tried_again_and_what_takes_long_is_kept(
    program: Path, assets: dict[str, str], server: QueueServer, tmp_path: Path
) -> None:
    def work(name: str, config: str, text: str) -> list[dict[str, Any]]:
        file = tmp_path / f"{name}.toml"
        file.write_text(config, encoding="utf-8")
        options = ["--ack-wait", "1", "--config", str(file), "--max-deliveries", "2", "--until-idle", "2"]
        body = json.dumps({"version": 1, "run": name, "id": "a", "text": text}).encode()
        with QueueClient(server) as client, worker(program, assets, server, tmp_path, name, *options) as process:
            client.publish(f"cordon.work.{name}", body)
            assert process.wait(60) == 0
            assert client.messages("cordon-dead", f"cordon.dead.{name}") == []
            messages = client.messages("cordon-verdicts", f"cordon.verdict.{name}")
        return [json.loads(message["body"]) for message in messages]

    # Nothing is scanned in no time: given back once, and at the last delivery confidential, with the gap in its receipt.
    (verdict,) = work("hasty", "[server.limits]\nclassify_deadline_ms = 0\n", "Open day on the 3rd of May.")
    assert (verdict["delivery"], verdict["level"], verdict["coverage"]["complete"]) == (2, "confidential", False)
    assert {entry["reason"] for entry in verdict["coverage"]["detectors"]} == {"timed_out"}
    assert "tried again" in (tmp_path / "hasty.log").read_text(encoding="utf-8")

    # One lane works on it for longer than the worker may be silent; it is told that the work goes on.
    long = " ".join(
        f"On day {n} the committee met in hall {n * 7 % 101} and spoke of item {n * n}." for n in range(2500)
    )
    (verdict,) = work("patient", "[ner]\nlanes = 1\n[server.limits]\nclassify_deadline_ms = 120000\n", long)
    assert verdict["micros"] > 1_200_000, "too quick to show anything"
    assert (verdict["delivery"], verdict["coverage"]["complete"]) == (1, True)


def test_a_stopped_worker_gives_back_what_it_holds(
    program: Path, assets: dict[str, str], server: QueueServer, tmp_path: Path, scan: Callable[..., Scan]
) -> None:
    number = 200
    # What a worker holds when it dies would come back after a minute: here it must come back at once.
    long = ["--ack-wait", "60"]
    feeding = scan(server.url, *long, str(documents(tmp_path, number)))
    with worker(program, assets, server, tmp_path, "stopped", *long, "--concurrency", "32") as stopped:
        wait_for(lambda: stored(server) >= 20, "20 verdicts")
        stopped.terminate()
        assert stopped.wait(30) == 0
    assert stored(server) < number
    begun = time.monotonic()
    with worker(program, assets, server, tmp_path, "next", *long):
        report = feeding.ends()
    assert time.monotonic() - begun < 45
    assert (report["stored"], report["lost"], report["dropped"]) == (number, 0, 0)
    assert set(report["workers"]) == {"stopped", "next"}


def failed(program: Path, assets: dict[str, str], folder: Path, *arguments: str, **environment: str) -> str:
    """What a command that must fail says."""
    done = subprocess.run(
        [str(program), *arguments],
        env=stack.service_environment(assets) | {"CORDON_DATA_DIR": str(folder / "data")} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, (done.returncode, done.stderr)
    return done.stderr


def test_a_queue_that_cannot_be_used_is_refused_with_the_reason(
    program: Path, assets: dict[str, str], nats_program: str, tmp_path: Path
) -> None:
    def says(*arguments: str, **environment: str) -> str:
        return failed(program, assets, tmp_path, "worker", *arguments, **environment)

    assert "cannot reach NATS" in says("--nats", f"nats://127.0.0.1:{free_port()}")
    secret = says("--nats", f"nats://user:{CANARY}@127.0.0.1:4222")
    assert "holds a secret" in secret and CANARY not in secret
    assert "--nats URL is missing" in says()
    assert "nats://" in says("--nats", "http://127.0.0.1:4222")
    assert "64 letters" in says("--nats", "nats://127.0.0.1:4222", "--stream", "a.b")

    plain = tmp_path / "plain"
    plain.mkdir()
    with QueueServer(nats_program, plain, jetstream=False) as server:
        assert "has no JetStream" in says("--nats", server.url)

    locked = tmp_path / "locked"
    locked.mkdir()
    users = """authorization { users: [
        { user: admin, password: right }
        { user: narrow, password: right, permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.>"] } } }
    ] }"""
    with QueueServer(nats_program, locked, extra=users) as server:
        assert "refuses the credentials" in says("--nats", server.url)
        wrong = {"CORDON_NATS_USER": "admin", "CORDON_NATS_PASSWORD": CANARY}
        said = says("--nats", server.url, **wrong)
        assert "refuses the credentials" in said and CANARY not in said
        assert "needs --nats-password-file" in says("--nats", server.url, CORDON_NATS_USER="admin")
        password = tmp_path / "password"
        password.write_text("right\n", encoding="utf-8")
        allowed = ["--nats", server.url, "--nats-password-file", str(password)]
        said = says(*allowed, CORDON_NATS_USER="narrow")
        assert "does not let this user" in said and "STREAM.CREATE.cordon-work" in said
        with QueueClient(server, "admin", "right") as client:
            client.api(
                "STREAM.CREATE.cordon-work", {"name": "cordon-work", "subjects": ["cordon.work.*", "cordon.held.*"]}
            )
        said = says(*allowed, CORDON_NATS_USER="admin")
        assert "the stream cordon-work is there with the retention Limits, and WorkQueue is needed" in said
        said = says(*allowed, "--stream", "huge", "--queue-bytes", str(1 << 60), CORDON_NATS_USER="admin")
        assert "has no room for the stream huge-work" in said and "--queue-bytes" in said


def test_a_run_of_other_files_is_not_gone_on_with(
    program: Path, assets: dict[str, str], server: QueueServer, tmp_path: Path, scan: Callable[..., Scan]
) -> None:
    corpus = documents(tmp_path, 10)
    feeding = scan(server.url, str(corpus))
    run = feeding.run_id()
    wait_for(lambda: stored(server, "cordon-work") == 10, "documents in the queue")
    feeding.process.terminate()
    assert feeding.process.wait(30) == 1
    assert f"--run {run}" in feeding.said()
    with corpus.open("a", encoding="utf-8") as file:
        file.write('{"text":"one more"}\n')
    said = failed(program, assets, tmp_path, "scan", "--nats", server.url, "--run", run, str(corpus))
    assert "the files are not those" in said
