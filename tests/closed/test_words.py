"""No text of a request or an engine steers a terminal, fills a form or is taken for markup."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plasma_watch.job import Ending, Job, State, why_text
from tests.door.process import DaemonProcess, eventually, make_home
from tests.fakes.easel import Easel, failed
from tests.fakes.engine import FakeEngine
from tests.fakes.home import NOON

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b1m\u202eevil\x00\r{0}{name}%s%(x)d[red]bold[/red]"
"""A title, a cleared screen, colours, a reversed line, forms to fill, markup."""
STEERING = ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\x00")


def steering(text: str) -> list[str]:
    """Return the characters of a text that steer a terminal."""
    return [char for char in STEERING if char in text]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon whose engine fails with words that steer."""
    engine = FakeEngine()
    easel = Easel(engine)
    easel.outcomes = [failed(ESCAPES)] * 3
    daemon = DaemonProcess(make_home(tmp_path / "home"), None)
    daemon.environ |= {"COMFYUI_URL": engine.url}
    daemon.start()
    yield daemon
    daemon.kill()
    engine.close()


def test_words_of_an_engine_steer_nothing(daemon: DaemonProcess) -> None:
    """In the log, in why.txt, on standard error, and in all that the commands print."""
    daemon.drop("page", steps=1)
    daemon.until("page", "failed")
    (folder,) = daemon.folders("failed")
    eventually(lambda: "failed: ComfyUI" in (daemon.home / "stderr.log").read_text("utf-8"))

    read = {
        "why.txt": (folder / "why.txt").read_text("utf-8"),
        "page.log": (daemon.home / "status" / "page.log").read_text("utf-8"),
        "page.toml": (daemon.home / "status" / "page.toml").read_text("utf-8"),
        "job.toml": (folder / "job.toml").read_text("utf-8"),
        "daemon.log": (daemon.home / "status" / "daemon.log").read_text("utf-8"),
        "standard error": (daemon.home / "stderr.log").read_text("utf-8"),
    }
    for command in (["status", "page"], ["status"], ["history"], ["follow", "page"]):
        answer = daemon.run(*command)
        read[command[0]] = answer.stdout + answer.stderr

    assert {name: found for name, text in read.items() if (found := steering(text))} == {}
    assert "{0}{name}%s%(x)d[red]bold[/red]" in read["why.txt"]
    assert "{0}{name}%s%(x)d[red]bold[/red]" in read["status"] + read["follow"]


@pytest.mark.parametrize("command", ["check", "submit", "retry", "follow", "status", "cancel"])
def test_words_of_a_command_steer_nothing(tmp_path: Path, command: str) -> None:
    """What was typed or dropped is shown, never sent to the terminal."""
    home = make_home(tmp_path / "home")
    name = ESCAPES.replace("\x00", "").replace("/", "")
    bad = tmp_path / f"{name}.toml"
    bad.write_text(f"kind = 'generate'\nprompt = 3\n{'[x'}\n", "utf-8")
    argument = str(bad) if command in ("check", "submit") else name
    answer = subprocess.run(
        [sys.executable, "-m", "plasma_watch", command, argument, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert steering((answer.stdout + answer.stderr).replace("\r\n", "\n")) == []


def test_why_steers_nothing() -> None:
    """Whatever the problems hold; lines stay lines."""
    job = Job("20261122T120000-p003", "p003", "p003.toml", "generate", NOON, "")
    ending = Ending(State.FAILED, ESCAPES, "engine.node-error", ESCAPES, (ESCAPES, "a\nb"))

    text = why_text(job, ending, Path("/home"))

    assert steering(text) == []
    assert len(text.splitlines()) > 5


def test_log_shows_lines_and_steers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A format string in an argument is no format string."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("plasma_watch").info("%s", ESCAPES)

    assert "%(x)d" in caplog.text
