"""Files that are only in iCloud are asked for in the background."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from plasma_watch.intake.fetching import AGAIN_SECONDS, Fetching, fetch
from plasma_watch.system import linux, macos, platform


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a file that nobody can finish opening")
def test_nobody_waits_for_a_file(tmp_path: Path) -> None:
    """It is opened in a thread of its own, once a minute at most."""
    path, now = tmp_path / "a.toml", 0.0
    os.mkfifo(path)
    fetching = Fetching(lambda: now)
    before = threading.active_count()

    fetching.ask(path)
    fetching.ask(path)

    assert threading.active_count() == before + 1
    now = AGAIN_SECONDS
    fetching.ask(path)
    assert threading.active_count() == before + 2
    while threading.active_count() > before:  # they open it when somebody writes
        with path.open("wb", buffering=0) as file:
            file.write(b"ab")
        time.sleep(0.005)


def test_the_platforms_tool_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there then is no harm."""
    tool = tmp_path / "brctl"
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert linux.download(tmp_path) == []
    monkeypatch.setattr(platform, "download", macos.download)

    fetch(tmp_path / "a.toml")

    assert (tmp_path / "asked").read_text() == f"download {tmp_path}/a.toml\n"
