"""What is secret in a config or a workflow is in no log, no status and no why.txt."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from plasma_watch.errors import Code
from tests.door.process import DaemonProcess, eventually, make_home
from tests.fakes.easel import Easel, failed
from tests.fakes.engine import FakeEngine

WORD = "canary-in-the-address"
KEY = "canary-in-the-workflow"


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """An engine that repeats in its errors what it was sent."""
    engine = FakeEngine()
    easel = Easel(engine)
    easel.outcomes = [failed(f"the service refused the key {KEY}")]
    easel.is_mute = True  # when the page has failed, what the engine said of itself is old
    yield engine
    engine.close()


@pytest.fixture
def daemon(tmp_path: Path, engine: FakeEngine) -> Iterator[DaemonProcess]:
    """A daemon whose engine wants a password, and whose workflow holds a key."""
    daemon = DaemonProcess(make_home(tmp_path / "home"), None)
    path = daemon.home / "workflows" / "txt2img.json"
    workflow = json.loads(path.read_text("utf-8"))
    workflow["3"]["inputs"] |= {"api_key": KEY, "service_token": KEY}
    path.write_text(json.dumps(workflow), "utf-8")
    address = engine.url.replace("//", f"//somebody:{WORD}@")
    daemon.environ |= {"COMFYUI_URL": address}
    daemon.start()
    yield daemon
    daemon.kill()


def told(daemon: DaemonProcess) -> dict[str, str]:
    """Return all that people read: status, logs, journals, why.txt, standard error."""
    folders = ("status", "failed", "done", "running")
    paths = [path for folder in folders for path in (daemon.home / folder).rglob("*")]
    paths += [daemon.home / "stderr.log"]
    return {str(path): path.read_text("utf-8") for path in paths if path.is_file()}


def test_secrets_are_told_to_the_engine_and_to_nobody_else(
    daemon: DaemonProcess, engine: FakeEngine
) -> None:
    """F63: it fails with a key in its words; then it is gone, which is told with its address."""
    daemon.drop("page", steps=1)
    assert "refused the key (hidden)" in daemon.until("page", "failed")["error"]["message"]
    engine.says("/system_stats", b"", 503)
    daemon.drop("again", steps=1)
    eventually(lambda: daemon.told("again").get("waiting_for") == Code.ENGINE_UNREACHABLE)
    answer = daemon.run("status", "--json")

    read = told(daemon) | {"status": answer.stdout + answer.stderr}

    assert [name for name, text in read.items() if WORD in text or KEY in text] == []
    assert any(engine.url in text for text in read.values())
    assert KEY in json.dumps(next(body for route, body in engine.asked if route == "POST /prompt"))


def test_libraries_say_nothing_of_addresses(
    caplog: pytest.LogCaptureFixture, engine: FakeEngine
) -> None:
    """At the level that the daemon logs at."""
    from plasma_watch.comfyui.client import Client  # noqa: PLC0415 - only here

    with caplog.at_level(logging.INFO):
        Client(engine.url.replace("//", f"//somebody:{WORD}@")).queue()

    assert WORD not in caplog.text
