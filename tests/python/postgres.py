"""A real PostgreSQL for the tests: the pinned server of `assets/postgres.lock`, on loopback, on a port that was free.

PostgreSQL refuses to run as root, so for root everything runs as another user, in a folder of that user's. The folder is
short-lived and the server ends with the test run. `CORDON_TEST_POSTGRES` names another installation (the folder that
holds `bin`) to test another version.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stack

# An unprivileged user that every system has.
SERVER_USER = "nobody"
OWNER = "owner"
START_SECONDS = 30.0
# More than a server of the tests ever holds.
ROOM_BYTES = 2 << 30
# One row of output, so that a value with a line end stays one.
SEPARATOR = "\x1f"


def free_port() -> int:
    """A port of loopback that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children_of(parent: int) -> list[int]:
    """The processes that this one started."""
    if Path("/proc/self/task").is_dir():
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        return [int(pid) for pid in listed]
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], text=True, capture_output=True, check=True).stdout.split()
    return [int(pid) for pid, of in zip(listed[::2], listed[1::2], strict=True) if int(of) == parent]


class Postgres:
    """One server with one database `audit`, and psql to look into it."""

    def __init__(self, folder: Path, installation: Path) -> None:
        self.folder = folder
        self.bin = installation / "bin"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self.password = "the owner's"
        self.process: subprocess.Popen[bytes] | None = None

    def as_server(self) -> dict[str, Any]:
        """What makes a child run as the server's user."""
        if os.geteuid() != 0:
            return {}
        user = pwd.getpwnam(SERVER_USER)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**clean, "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.folder), "PGPASSWORD": self.password}

    def run(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs a program of the installation."""
        command = [str(self.bin / program), *arguments]
        return subprocess.run(
            command,
            env=self.environment(),
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
            **self.as_server(),
            **options,
        )

    def init(self) -> None:
        """Makes the cluster. Small write-ahead segments, so that a limit of the size of files hits tables first."""
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(secret, SERVER_USER)
        options = ["--username", OWNER, "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-locale"]
        done = self.run("initdb", "--pgdata", str(self.data), "--wal-segsize=1", "--no-sync", *options)
        assert done.returncode == 0, done.stderr
        secret.unlink()

    def start(self, largest_file: int | None = None) -> None:
        """Starts the server and waits until it answers. `largest_file`: no file may grow over so many bytes."""
        assert self.process is None

        def limited() -> None:
            stack.end_with_parent()
            if largest_file is not None:
                hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, hard))

        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "16MB",
            "max_connections": "40",
            "autovacuum": "off",
            # After a kill every file is flushed once; asking for each alone takes seconds on a slow disk.
            "recovery_init_sync_method": "syncfs" if sys.platform == "linux" else "fsync",
        }
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=self.environment(),
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=limited if sys.platform == "linux" else None,
                **self.as_server(),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.psql("SELECT 1", database="postgres").returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")

    def stop(self) -> None:
        """Ends the server at once but cleanly: connections are closed, what was committed is on the disk."""
        self.end(signal.SIGINT)

    def kill(self) -> None:
        """Kills the server and every process of it, as a power cut does."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        if number == signal.SIGKILL:
            self.tell(signal.SIGKILL, process.pid)
        else:
            process.send_signal(number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            self.tell(signal.SIGKILL, process.pid)
            process.wait()

    @staticmethod
    def tell(number: int, server: int) -> None:
        """Sends a signal to the server and to each of its processes, which have groups of their own."""
        for pid in [server, *children_of(server)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def freeze(self, frozen: bool) -> None:
        """Stops every process of the server where it is: connections stay open, nobody answers."""
        assert self.process is not None
        self.tell(signal.SIGSTOP if frozen else signal.SIGCONT, self.process.pid)

    def lift_limit(self) -> None:
        """Lets files of the running server grow again."""
        assert self.process is not None
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    def psql(self, sql: str, database: str = "audit") -> subprocess.CompletedProcess[str]:
        """Runs statements as the owner."""
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
        options += ["--field-separator", SEPARATOR, "--host", "127.0.0.1", "--port", str(self.port)]
        return self.run("psql", *options, "--username", OWNER, "--dbname", database, input=sql)

    def ask(self, sql: str, database: str = "audit") -> list[list[str]]:
        """The rows of an answer, as the owner sees them."""
        done = self.psql(sql, database)
        assert done.returncode == 0, done.stderr
        return [line.split(SEPARATOR) for line in done.stdout.splitlines() if line]

    def url(self, user: str = OWNER, database: str = "audit") -> str:
        """The address for `audit.store`."""
        return f"postgres://{user}@127.0.0.1:{self.port}/{database}"


def installation_for_server(assets: dict[str, str], folder: Path) -> Path:
    """The server's programs, where its user can run them: the cache of root is closed to others."""
    named = os.environ.get("CORDON_TEST_POSTGRES")
    if named:
        return Path(named)
    cached = Path(assets["postgres"])
    if os.geteuid() != 0:
        return cached
    # The folders keep their places to each other, by which the programs find their libraries.
    root = folder / "installation"
    shutil.copytree(cached.parent.parent, root)
    copy = root / cached.parent.name / cached.name
    for program in (copy / "bin").iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return copy


def fast_place() -> Path | None:
    """In memory where there is room: to flush and to remove thousands of small files takes a busy disk half a minute."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    return memory if roomy else None


@contextlib.contextmanager
def server(assets: dict[str, str]) -> Iterator[Postgres]:
    """A running server with an empty database `audit`."""
    folder = Path(tempfile.mkdtemp(prefix="cordon-pg-", dir=fast_place()))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, SERVER_USER)
        postgres = Postgres(folder, installation_for_server(assets, folder))
        postgres.init()
        try:
            postgres.start()
            postgres.ask("CREATE DATABASE audit", database="postgres")
            yield postgres
        finally:
            postgres.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
