"""A headless Chromium, driven through its own driver by the W3C WebDriver protocol, which is a few JSON requests.

It is Debian's `chromium` and `chromium-driver`, found by name. Without them the tests of pages are skipped with the
reason, unless $CORDON_NEED_BROWSER is set, as in CI: then they fail.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stack

START_SECONDS = 30
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # https://www.w3.org/TR/webdriver2/#elements
# Pages of strangers are never loaded, and in containers the sandbox has not the rights that it needs.
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
# What Chromium itself asks the network for in the background is no matter of the page.
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync"]


def programs() -> tuple[str, str]:
    """Chromium and its driver."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(found):
        message = "Chromium and its driver are not installed; on Debian: apt-get install chromium chromium-driver"
        if os.environ.get("CORDON_NEED_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    return str(found[0]), str(found[1])


class Browser:
    """One window."""

    def __init__(self, driver: str, chromium: str) -> None:
        self.driver = driver
        options = {"binary": chromium, "args": ARGUMENTS}
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        self.session = ""
        self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        prefix = f"{self.driver}/session/{self.session}" if self.session else self.driver
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(prefix + path, data, {"content-type": "application/json"}, method=method)
        try:
            with stack.direct.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def close(self) -> None:
        self.ask("DELETE", "")

    def open(self, address: str) -> None:
        self.ask("POST", "/url", {"url": address})

    @property
    def address(self) -> str:
        return str(self.ask("GET", "/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs JavaScript of the test's in the page; the pages themselves have none."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def find(self, selector: str) -> str:
        return str(self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT])

    def count(self, selector: str) -> int:
        return len(self.ask("POST", "/elements", {"using": "css selector", "value": selector}))

    def write(self, selector: str, text: str) -> None:
        self.ask("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def click(self, selector: str) -> None:
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def cookies(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/cookie"))

    def dress(self, scheme: str, width: int = 1280) -> None:
        """Light or dark, wide or narrow."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", size)

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        return self.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def picture(self, path: Path) -> None:
        """The whole page, also what is below the window."""
        shot = self.command("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))

    def print(self, path: Path) -> None:
        """The page as it comes out of a printer, on A4."""
        page = {"page": {"width": 21.0, "height": 29.7}, "background": True}
        path.write_bytes(base64.b64decode(self.ask("POST", "/print", page)))

    def complaints(self) -> list[str]:
        """What the browser's console says: errors, warnings, refusals of the page's policy."""
        entries = self.ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call."""
        entries = self.ask("POST", "/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def origins(self) -> set[str]:
        """Where those addresses lie; what is inside a page or about nothing lies nowhere."""
        split = [urlsplit(address) for address in self.requests()]
        return {f"{at.scheme}://{at.netloc}" for at in split if at.scheme not in ("data", "about", "chrome")}


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    chromium, chromedriver = programs()
    driver = subprocess.Popen(
        [chromedriver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    )
    try:
        assert driver.stdout is not None
        port = next((found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line))), None)
        assert port is not None, "chromedriver did not start"
        browser = Browser(f"http://127.0.0.1:{port}", chromium)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        driver.wait(START_SECONDS)


def environment() -> dict[str, str]:
    """Without a proxy: everything is on loopback."""
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
