"""What the README shows works: its configuration starts the service, its links lead somewhere, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import stack
from conftest import ROOT, Installation
from texts import CARD, CARD_TEXT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_configuration_starts_the_service(program: Path, assets: dict[str, str], tmp_path: Path) -> None:
    (config,) = [block for block in blocks("toml") if block.startswith("# cordon.toml")]
    # The paths of an installation become paths of the test, and --listen takes a free port; nothing else changes.
    (tmp_path / "key").write_text("not a key", encoding="utf-8")
    policy = f'policy = "{ROOT / "policy" / "default.toml"}"'
    config = re.sub(r'^data_dir = "[^"]*"', "", config, flags=re.MULTILINE)
    config = re.sub(r'^policy = "[^"]*"', policy, config, flags=re.MULTILINE)
    config = config.replace("/run/secrets/anthropic", str(tmp_path / "key"))
    with stack.service(program, tmp_path, assets, config, log=tmp_path / "cordon.log") as ready:
        assert ready["listen"]


def test_links_lead_to_files() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).exists(), link


def test_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"\bmake ([a-z]+)", README)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_python_runs(installation: Installation, pb: SimpleNamespace, monkeypatch: Any, capsys: Any) -> None:
    (code,) = blocks("python")
    # The address is the only thing that differs here.
    real = grpc.insecure_channel
    monkeypatch.setattr(grpc, "insecure_channel", lambda _: real(installation.address))
    exec(compile(code, "README.md", "exec"), {"text": CARD_TEXT})  # noqa: S102 (our own README)
    assert f"CREDIT_CARD {CARD}" in capsys.readouterr().out
