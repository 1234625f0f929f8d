"""What is remembered of starts that ended by an error of ours."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.starts import MOST, Starts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the starts are remembered."""
    return tmp_path / "starts.json"


def fail(path: Path, version: str = "1") -> None:
    """Start, and end by an error of ours."""
    with pytest.raises(ZeroDivisionError), Starts(path, version).counted():
        raise ZeroDivisionError("division by zero")


def test_a_first_start_knows_of_no_failures(path: Path) -> None:
    """Nothing is there."""
    assert Starts(path, "1").failures() == []


def test_as_many_as_are_too_many(path: Path) -> None:
    """And not one fewer; what they died of is told."""
    for failures in range(MOST):
        assert len(Starts(path, "1").failures()) == failures
        assert not Starts(path, "1").are_too_many()
        fail(path)

    assert Starts(path, "1").are_too_many()
    assert Starts(path, "1").failures() == ["ZeroDivisionError: division by zero"] * MOST


def test_a_daemon_that_was_ready_begins_the_count_anew(path: Path) -> None:
    """Whatever it dies of later."""
    fail(path)
    fail(path)
    starts = Starts(path, "1")
    starts.ready()
    starts.ready()

    assert Starts(path, "1").failures() == []


def test_another_version_begins_anew(path: Path) -> None:
    """An update may have mended it."""
    for _ in range(MOST):
        fail(path)

    assert not Starts(path, "2").are_too_many()
    fail(path, "2")
    assert len(Starts(path, "2").failures()) == 1


def test_what_people_can_mend_is_no_error_of_ours(path: Path) -> None:
    """A broken config is waited for, or told."""
    with pytest.raises(PlasmaError), Starts(path, "1").counted():
        raise PlasmaError(Code.CONFIG_BROKEN, "line 3")

    assert Starts(path, "1").failures() == []


def test_a_kill_never_counts(path: Path) -> None:
    """It leaves no word."""
    for _ in range(MOST):
        if (pid := os.fork()) == 0:
            with Starts(path, "1").counted():
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)

    assert Starts(path, "1").failures() == []


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 40, b"{}", b"[1]", b'{"version": "1", "died_of": 3}', b'"x"']
)
def test_a_damaged_file_means_nothing(path: Path, content: bytes) -> None:
    """And is replaced."""
    path.write_bytes(content)
    assert Starts(path, "1").failures() == []

    fail(path)

    assert len(Starts(path, "1").failures()) == 1


def test_a_disk_that_refuses_hides_no_error(path: Path) -> None:
    """The error itself goes on its way."""
    path.mkdir()
    fail(path)

    assert Starts(path, "1").failures() == []
