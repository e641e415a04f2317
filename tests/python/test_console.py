"""The console and the report in a real browser: they work without a script, complain of nothing, and load nothing from
elsewhere. With $CORDON_PICTURES each page is photographed into that folder, light, dark, narrow and printed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mock_backend
import pytest
import stack
from browser import Browser, started
from texts import CARD, CARD_TEXT, PATIENT_TEXT, TRIVIA

AUDITOR = "the-auditors-token-of-the-test"
WORKER = "the-workers-token-of-the-test"


@pytest.fixture(scope="module")
def service(
    program: Path, assets: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A service of its own, with named callers, a price on both sides and some decisions."""
    folder = tmp_path_factory.mktemp("console")
    with mock_backend.MockBackend() as local, mock_backend.MockBackend() as cloud:
        price = "price = { input = %s, output = %s }\n"
        config = stack.backend("scripted-local", local.url, mock_backend.MODEL) + price % ("0.1", "0.2")
        config += stack.backend("scripted-cloud", cloud.url, mock_backend.MODEL, side="cloud") + price % ("3", "15")
        config += caller("auditor", AUDITOR, "audit-read") + caller("billing", WORKER, "classify", "dispatch")
        with stack.service(program, folder, assets, config, log=folder / "cordon.log") as ready:
            for text, complexity in [(CARD_TEXT, ""), (PATIENT_TEXT, ""), (TRIVIA, ""), (TRIVIA, "complex")]:
                chat(ready["address"], text, complexity)
            yield {**ready, "origin": f"http://{ready['address']}", "folder": folder}


def caller(name: str, token: str, *permissions: str) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f'[[caller]]\nname = "{name}"\ntoken_sha256 = "{digest}"\npermissions = {json.dumps(permissions)}\n'


def chat(address: str, text: str, complexity: str) -> None:
    body = json.dumps({"model": "cordon", "messages": [{"role": "user", "content": text}]}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {WORKER}"}
    if complexity:
        headers["x-cordon-complexity"] = complexity
    request = urllib.request.Request(f"http://{address}/v1/chat/completions", body, headers)
    with stack.direct.open(request, timeout=30) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def browser(window: Browser, service: dict[str, Any]) -> Browser:
    """The window, signed in, with nothing said and asked for yet."""
    window.dress("light")
    window.open(f"{service['origin']}/console")
    if window.address.endswith("/login"):
        sign_in(window)
    window.complaints()
    window.requests()
    return window


def sign_in(browser: Browser) -> None:
    browser.write("input[name=token]", AUDITOR)
    browser.click("main button")


def pictures(browser: Browser, name: str) -> None:
    folder = os.environ.get("CORDON_PICTURES")
    if not folder:
        return
    at = Path(folder)
    at.mkdir(parents=True, exist_ok=True)
    for scheme, width in [("light", 1280), ("dark", 1280), ("light", 390)]:
        browser.dress(scheme, width)
        browser.picture(at / f"{name}-{scheme}-{width}.png")
    browser.dress("light")
    browser.print(at / f"{name}.pdf")


def is_clean(browser: Browser, origin: str) -> None:
    """No complaint, nothing from elsewhere, nothing wider than the window, a name for everything."""
    assert browser.complaints() == []
    assert browser.origins() <= {origin}
    for width in (1280, 390):
        browser.dress("light", width)
        assert browser.run("return document.documentElement.scrollWidth") <= width, f"at {width} the page is too wide"
    browser.dress("light")
    assert browser.run("return document.documentElement.lang") == "en"
    assert browser.count("script") == 0
    assert browser.count("h1") == 1 and browser.count("main") == 1
    assert browser.run("return [...document.querySelectorAll('th')].filter(th => !th.scope).length") == 0
    unnamed = "return [...document.querySelectorAll('input, select, textarea')].filter(e => !e.labels.length).length"
    assert browser.run(unnamed) == 0
    twice = "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size"
    assert browser.run(twice) == 0


def test_nobody_comes_in_without_a_token_and_the_session_ends(window: Browser, service: dict[str, Any]) -> None:
    window.open(f"{service['origin']}/console/decisions")
    assert window.address.endswith("/console/login")
    pictures(window, "login")
    window.write("input[name=token]", "wrong")
    window.click("main button")
    assert "not one that is configured" in window.text()
    window.complaints()  # Chromium notes the 401 itself.
    sign_in(window)
    assert window.address == f"{service['origin']}/console"
    (cookie,) = window.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and AUDITOR not in cookie["value"]
    assert window.run("return document.cookie") == ""
    window.click(".who button")
    assert window.address.endswith("/console/login")
    window.open(f"{service['origin']}/console")
    assert window.address.endswith("/console/login")


def test_the_overview_counts_what_happened(browser: Browser, service: dict[str, Any]) -> None:
    browser.open(f"{service['origin']}/console?range=all")
    text = browser.text()
    assert "Cordon decided on 4 texts" in text
    assert "1 (25.0 %) left for the cloud, all of them public text" in text
    assert "intact as far as it can be shown" in text
    assert CARD not in text
    is_clean(browser, service["origin"])
    pictures(browser, "overview")


def test_a_decision_is_explained_rule_by_rule(browser: Browser, service: dict[str, Any]) -> None:
    browser.open(f"{service['origin']}/console/decisions")
    assert browser.count("tbody tr") == 4
    is_clean(browser, service["origin"])
    pictures(browser, "decisions")
    browser.write("input[name=caller]", "billing")
    browser.run("document.querySelector('select[name=level]').value = 'confidential'")
    browser.click(".fields button")
    assert browser.count("tbody tr") == 2
    browser.click("tbody tr:last-child th a")
    assert "Why this text was confidential" in browser.text()
    assert "It applied, and gave the level" in browser.text()
    browser.click("section details summary")
    assert "that was not there" in browser.text()
    assert CARD not in browser.text()
    is_clean(browser, service["origin"])
    pictures(browser, "decision")


def test_a_text_is_tried_and_stays_in_memory(browser: Browser, service: dict[str, Any]) -> None:
    browser.open(f"{service['origin']}/console/try")
    is_clean(browser, service["origin"])
    browser.write("textarea", f"canary-tried {PATIENT_TEXT} {CARD_TEXT}")
    browser.click("main form button")
    text = browser.text()
    assert "This text is confidential" in text and "CREDIT_CARD" in text
    assert browser.count(".text mark") >= 2
    is_clean(browser, service["origin"])
    pictures(browser, "try")
    for path in service["folder"].rglob("*"):
        assert not path.is_file() or b"canary-tried" not in path.read_bytes(), path


def test_local_or_cloud_is_answered_from_what_was_recorded(browser: Browser, service: dict[str, Any]) -> None:
    browser.open(f"{service['origin']}/console/plan?range=all")
    assert "From the recorded traffic" in browser.text()
    browser.write("input[name=queries_per_day]", "50000")
    browser.run("document.querySelector('select[name=residency]').value = 'network'")
    browser.click(".fields button")
    assert "local:" in browser.text()
    assert browser.run("return document.querySelector('img.picture').naturalWidth") > 0
    is_clean(browser, service["origin"])
    pictures(browser, "plan")


def test_an_error_is_a_page(browser: Browser, service: dict[str, Any]) -> None:
    browser.open(f"{service['origin']}/console/decisions/nonsense")
    assert "Back to the overview" in browser.text()
    pictures(browser, "error")


def test_the_report_is_one_file_that_loads_nothing(
    window: Browser, service: dict[str, Any], program: Path, tmp_path: Path
) -> None:
    page, numbers = tmp_path / "report.html", tmp_path / "report.json"
    command = [str(program), "audit", "report", "--data-dir", str(service["data_dir"])]
    subprocess.run([*command, "--output", str(page), "--json", str(numbers)], check=True, timeout=60)
    window.dress("light")
    window.complaints()
    window.requests()
    window.open(page.as_uri())
    assert "Cordon decided on 4 texts" in window.text()
    is_clean(window, "file://")
    assert window.run("return getComputedStyle(document.querySelector('.figures')).display") == "grid"
    pictures(window, "report")
    assert json.loads(numbers.read_text())["total"]["decisions"] == 4
