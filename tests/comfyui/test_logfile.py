"""What another program prints is kept, and kept small."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.comfyui import logfile
from plasma_watch.comfyui.logfile import LogFile


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LogFile:
    """A log that is large when it has a hundred bytes."""
    monkeypatch.setattr(logfile, "MOST_BYTES", 100)
    return LogFile(tmp_path / "comfyui.log")


def test_each_start_has_a_file_of_its_own(log: LogFile, tmp_path: Path) -> None:
    """Three older ones are kept."""
    for number in range(6):
        with log.begun() as file:
            file.write(f"start {number}".encode())

    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {
        "comfyui.log": "start 5",
        "comfyui.log.1": "start 4",
        "comfyui.log.2": "start 3",
        "comfyui.log.3": "start 2",
    }


def test_who_writes_goes_on_in_the_new_one(log: LogFile, tmp_path: Path) -> None:
    """It knows nothing of it; a small file is left alone."""
    with log.begun() as file:
        file.write(b"a" * 50)
        file.flush()
        log.keep_small()
        assert not (tmp_path / "comfyui.log.1").exists()
        file.write(b"b" * 51)
        file.flush()

        log.keep_small()

        file.write(b"after")
    assert (tmp_path / "comfyui.log").read_bytes() == b"after"
    assert len((tmp_path / "comfyui.log.1").read_bytes()) == 101
    assert log.tail() == "after"


def test_a_log_that_is_not_there_says_nothing(log: LogFile) -> None:
    """And is kept small all the same."""
    log.keep_small()

    assert log.tail() == ""
