"""The running service and its stubs, for all Python tests.

One service serves the whole run: the real program, with the real model, in a temporary data directory, between a scripted
local backend and a scripted cloud backend. The stubs come from `proto/` at test time, so a client that generates its own
sees the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Before gRPC is loaded: its handlers around a fork wait for its own threads, sometimes for ever; no child of ours uses it.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

import mock_backend  # noqa: E402 (found through the path above)
import stack  # noqa: E402

# Small, so that a test can go over it; larger than any text of the tests.
MAX_TEXT_BYTES = 64 * 1024
RPC_SECONDS = 30


@dataclass(frozen=True)
class Installation:
    """A running service and what stands around it."""

    address: str
    pid: int
    folder: Path
    data_dir: Path
    log: Path
    local: mock_backend.MockBackend
    cloud: mock_backend.MockBackend


def pytest_configure() -> None:
    stack.signals_end_the_program()


@pytest.fixture(scope="session")
def stubs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python stubs, generated as a client would generate them."""
    folder = tmp_path_factory.mktemp("stubs")
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto"]
    command += [f"--python_out={folder}", f"--grpc_python_out={folder}", *protos]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def pb(stubs_folder: Path) -> SimpleNamespace:
    """All messages and enums of `cordon.v1`, and the service stubs, in one namespace."""
    sys.path.insert(0, str(stubs_folder))
    from cordon.v1 import (
        audit_pb2,
        audit_pb2_grpc,
        classifier_pb2,
        classifier_pb2_grpc,
        dispatcher_pb2,
        dispatcher_pb2_grpc,
        sensitivity_pb2,
    )

    names: dict[str, Any] = {}
    for module in (sensitivity_pb2, classifier_pb2, dispatcher_pb2, audit_pb2):
        names.update({name: value for name, value in vars(module).items() if not name.startswith("_")})
    for module in (classifier_pb2_grpc, dispatcher_pb2_grpc, audit_pb2_grpc):
        names.update({name: value for name, value in vars(module).items() if name.endswith("Stub")})
    return SimpleNamespace(**names)


@pytest.fixture(scope="session")
def program() -> Path:
    """The program under test: $CORDON_BIN, or a development build."""
    named = os.environ.get("CORDON_BIN")
    return Path(named) if named else stack.build("dev")


@pytest.fixture(scope="session")
def assets() -> dict[str, str]:
    return stack.fetch_assets()


@pytest.fixture(scope="session")
def installation(
    program: Path, assets: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("cordon")
    log = folder / "cordon.log"
    with mock_backend.MockBackend() as local, mock_backend.MockBackend() as cloud:
        config = f"[server.limits]\nmax_text_bytes = {MAX_TEXT_BYTES}\n"
        config += stack.backend("scripted-local", local.url, mock_backend.MODEL)
        config += f'embedding_model = "{mock_backend.VECTORS}"\n'
        config += stack.backend("scripted-cloud", cloud.url, mock_backend.MODEL, side="cloud")
        with stack.service(program, folder, assets, config, log=log) as ready:
            yield Installation(ready["address"], ready["pid"], folder, ready["data_dir"], log, local, cloud)


@pytest.fixture
def backends(installation: Installation) -> Installation:
    """The installation, with backends that have seen nothing yet."""
    installation.local.reset()
    installation.cloud.reset()
    return installation


@pytest.fixture(scope="session")
def channel(installation: Installation) -> Iterator[grpc.Channel]:
    # The environment of a developer may name a proxy; loopback is never behind one.
    with grpc.insecure_channel(installation.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@pytest.fixture(scope="session")
def classifier(channel: grpc.Channel, pb: SimpleNamespace) -> Any:
    return pb.ClassifierServiceStub(channel)


@pytest.fixture(scope="session")
def dispatcher(channel: grpc.Channel, pb: SimpleNamespace) -> Any:
    return pb.DispatcherServiceStub(channel)


@pytest.fixture(scope="session")
def audit(channel: grpc.Channel, pb: SimpleNamespace) -> Any:
    return pb.AuditServiceStub(channel)
