"""The machine is kept awake while a job runs, and no longer."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from plasma_watch.system import linux, macos
from plasma_watch.system.awake import Awake


def caffeinate(folder: Path, script: str = "exec sleep 600") -> str:
    """Make a stand-in for the tool, which says who it is."""
    path = folder / "caffeinate"
    path.write_text(f'#!/bin/sh\necho $$ "$@" > {folder}/called\n{script}\n')
    path.chmod(0o755)
    return str(path)


def called(folder: Path) -> list[str]:
    """Return the pid of the stand-in and its words, as soon as it was called."""
    while not (folder / "called").exists() or not (folder / "called").read_text():
        time.sleep(0.005)
    return (folder / "called").read_text().split()


def test_it_is_kept_awake_for_the_length_of_a_block(tmp_path: Path) -> None:
    """The tool lives as long as that, and is gone afterwards."""
    awake = Awake([caffeinate(tmp_path), "-i", "-s", "-w", "4711"])

    with awake.held():
        pid, *words = called(tmp_path)
        assert psutil.pid_exists(int(pid))

    assert words == ["-i", "-s", "-w", "4711"]
    assert not psutil.pid_exists(int(pid))


def test_it_ends_with_what_goes_wrong_too(tmp_path: Path) -> None:
    """A job that fails runs no longer."""
    held = Awake([caffeinate(tmp_path)]).held()
    held.__enter__()
    pid = int(called(tmp_path)[0])

    assert held.__exit__(ValueError, ValueError("odd"), None) is False

    assert not psutil.pid_exists(pid)


def test_one_that_ended_by_itself_is_no_harm(tmp_path: Path) -> None:
    """Nobody is left to end."""
    with Awake([caffeinate(tmp_path, "exit 1")]).held():
        called(tmp_path)


def test_without_a_tool_the_work_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once; and where the platform has none, never."""
    for awake in (Awake([str(tmp_path / "missing")]), Awake([])):
        for _ in range(2):
            with awake.held():
                pass

    assert [record.message for record in caplog.records] == [
        f"the machine may fall asleep: {tmp_path}/missing: No such file or directory"
    ]


def test_the_command_is_the_platforms() -> None:
    """On a Mac for the daemon's own life at most; the display may sleep."""
    assert macos.stay_awake(4711) == ["caffeinate", "-i", "-s", "-w", "4711"]
    assert linux.stay_awake(4711) == []
