"""A real browser: headless Chromium, driven over its DevTools socket; what it says is kept."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROMIUM = next((found for name in (*_NAMES, _ON_A_MAC) if (found := shutil.which(name))), None)
PATIENCE_SECONDS = 60.0
"""When a test gives up; never a claim about speed."""
_TICK_SECONDS = 0.02
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0"),
)
_HERE = ("file:", "data:", "about:")
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}

needs_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="there is no Chromium to look with (Debian, Ubuntu: the package 'chromium')",
)


_GONE = ("Inspected target navigated or closed", "Execution context was destroyed.")


class Navigated(Exception):  # noqa: N818 - an event: the page that was asked is no more
    """The page went away before it answered."""


class Browser:
    """One browser with one tab. Its state: the socket, and what was heard on it."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        self._process = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ) | {"HOME": str(profile)},
            start_new_session=True,
        )
        self._number = 0
        self.requested: list[str] = []
        """The address of everything that was asked for."""
        self.complaints: list[str] = []
        """Errors of the console, of scripts, of the network."""
        self._socket = websocket.create_connection(
            self._address(profile), timeout=PATIENCE_SECONDS, suppress_origin=True
        )
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.tell(f"{domain}.enable")

    def _address(self, profile: Path) -> str:
        """Return the address of the tab, once the browser has one."""

        def look() -> str | None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
                told = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=10).json()
                return next(str(t["webSocketDebuggerUrl"]) for t in told if t["type"] == "page")
            return None

        return str(_until(look, "the browser"))

    def close(self) -> None:
        """End the browser, all of its processes; it tidies up if it can."""
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self.tell("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_SECONDS)
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    # Telling it.

    def tell(self, method: str, **parameters: Any) -> Any:
        """Give a command, and return its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                error = message.get("error", {})
                if error.get("message") in _GONE:
                    raise Navigated(error["message"])
                assert not error, f"{method}: {error}"
                return message["result"]
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Network.loadingFailed" if not told.get("canceled"):
                self.complaints.append(f"not loaded: {told['errorText']}")
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert", "warning"):
                self.complaints.append(json.dumps(told["args"])[:500])
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(told["entry"]["text"])

    def open(self, address: str, *, width: int = 1440, height: int = 900) -> None:
        """Open a page in a window of a size."""
        self.resize(width, height)
        self.tell("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def resize(self, width: int, height: int = 900, *, factor: float = 1) -> None:
        """Make the window another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": factor}
        self.tell("Emulation.setDeviceMetricsOverride", **size, mobile=width < 500)

    def darken(self, *, dark: bool) -> None:
        """Say that a person likes it dark, or light."""
        value = "dark" if dark else "light"
        features = [{"name": "prefers-color-scheme", "value": value}]
        self.tell("Emulation.setEmulatedMedia", features=features)

    def js(self, expression: str) -> Any:
        """Return what an expression is in the page; a promise is waited for."""
        told = self.tell(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true in the page, and return what it is."""
        told = f"(found => found instanceof Object ? true : found)({expression})"

        def look() -> Any:
            try:
                return self.js(told)
            except Navigated:
                return None

        return _until(look, expression)

    def begin(self, expression: str) -> None:
        """Begin what may bring another page, or the same anew."""
        self.js(f"void setTimeout(() => {{ {expression} }})")

    def click(self, selector: str) -> None:
        """Click with the mouse in the middle of an element."""
        at = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        code = _KEYS.get(key, ord(key[0].upper()))
        told = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.tell("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.tell("Input.dispatchKeyEvent", type="keyUp", **told)

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        for char in text:
            self.press(char)

    def clipboard(self) -> str:
        """Return what was copied."""
        self.tell("Browser.grantPermissions", permissions=["clipboardReadWrite"])
        self.tell("Page.bringToFront")
        return str(self.js("navigator.clipboard.readText()"))

    def faults(self) -> list[str]:
        """Return what a page of ours never does, and begin anew: complain, ask a host."""
        hosts = [url for url in self.requested if not url.startswith(_HERE)]
        found = [*self.complaints, *hosts]
        self.complaints, self.requested = [], []
        return found

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Keep a picture of the window, or of the whole page."""
        told = self.tell("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))


def _until(look: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(_TICK_SECONDS)
    pytest.fail(f"{what} never came")


@contextlib.contextmanager
def opened(profile: Path) -> Iterator[Browser]:
    """Open a browser for a while."""
    browser = Browser(profile)
    try:
        yield browser
    finally:
        browser.close()
