"""What is old enough is removed, and never an output."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import Retention
from plasma_watch.home import Home
from plasma_watch.retention import SECONDS_A_DAY, _remove, expired, sweep
from tests.fakes.home import a_home

NOW = 1_800_000_000.0
RETENTION = Retention(done_days=30, failed_days=90, status_days=10)
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home on a real disk."""
    return a_home(tmp_path)


def aged(path: Path, days: float) -> Path:
    """Make a file or a folder so many days old."""
    os.utime(path, times=(NOW - days * SECONDS_A_DAY,) * 2)
    return path


def a_job(folder: Path, days: float, name: str = "20261122T120000-p003") -> Path:
    """Put a finished job into a folder, so many days ago."""
    job = folder / f"{name}-{days}"
    job.mkdir()
    (job / "job.toml").write_text("format = 1")
    (job / "p003.toml").write_text("request")
    return aged(job, days)


def a_status(home: Home, file: str, days: float = 11) -> Path:
    """Put a status file there, so many days ago."""
    path = home.status / file
    path.write_text("status")
    return aged(path, days)


@pytest.mark.parametrize(("folder", "days"), [("done", 30), ("cancelled", 30), ("failed", 90)])
def test_a_job_is_kept_for_as_many_days_as_its_end_says(home: Home, folder: str, days: int) -> None:
    """What failed is kept longer: somebody has to look at it."""
    young = a_job(home.root / folder, days - 0.001)
    old = a_job(home.root / folder, days + 0.001)

    assert sweep(home, RETENTION, NOBODY, NOW) == 1
    assert young.exists()
    assert not old.exists()


def test_zero_days_keep_everything(home: Home) -> None:
    """Whoever wants to tidy up alone."""
    for folder in (home.done, home.failed, home.cancelled):
        a_job(folder, 36_500)
    a_status(home, "p003.toml", 36_500)

    assert sweep(home, Retention(done_days=0, failed_days=0, status_days=0), NOBODY, NOW) == 0


@pytest.mark.parametrize("file", ["p003.toml", "p003.log", "p003.preview.jpg", ".p003.toml.7.tmp"])
def test_an_old_status_is_removed(home: Home, file: str) -> None:
    """All the files of a name, and what a crash left of one."""
    old, young = a_status(home, file), a_status(home, f"new-{file}", 9)

    assert sweep(home, RETENTION, NOBODY, NOW) == 1
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("file", ["p003.toml", "p003.log", "p003.preview.jpg"])
def test_the_status_of_an_active_name_is_kept(home: Home, file: str) -> None:
    """A job may wait or run for longer than its status would be kept."""
    kept = a_status(home, file)
    gone = a_status(home, f"x{file}")

    assert sweep(home, RETENTION, frozenset({"p003"}), NOW) == 1
    assert kept.exists()
    assert not gone.exists()


def test_the_daemons_own_status_and_log_are_kept(home: Home) -> None:
    """However long nothing happened."""
    kept = [a_status(home, file, 36_500) for file in ("daemon.toml", "daemon.log")]

    assert sweep(home, RETENTION, NOBODY, NOW) == 0
    assert all(path.exists() for path in kept)


def test_nothing_is_removed_anywhere_else(home: Home) -> None:
    """Not what was made, not what waits, not what runs, not what was trained."""
    for name in ("output", "loras", "datasets", "workflows", "inbox", "running", ".plasma"):
        a_job(home.root / name, 36_500)
    before = sorted(home.root.rglob("*"))

    assert sweep(home, RETENTION, NOBODY, NOW) == 0
    assert sorted(home.root.rglob("*")) == before


def test_what_is_no_job_of_ours_is_kept(home: Home) -> None:
    """A folder that a person made among the jobs, a file, a link to elsewhere."""
    mine = home.done / "the best ones"
    mine.mkdir()
    (mine / "ch01.png").write_text("picture")
    (home.done / "note.txt").write_text("mine")
    (home.done / "20261122T120000-link").symlink_to(home.root / "output")
    for path in (mine, home.done / "note.txt"):
        aged(path, 36_500)
    os.utime(home.done / "20261122T120000-link", times=(0, 0), follow_symlinks=False)

    assert sweep(home, RETENTION, NOBODY, NOW) == 0
    assert len(list(home.done.iterdir())) == 3
    assert (home.root / "output").is_dir()


def test_a_folder_that_was_taken_away_holds_nothing_old(home: Home) -> None:
    """People tidy up; the sweep goes on with the next one."""
    home.done.rmdir()
    old = a_job(home.failed, 91)

    assert sweep(home, RETENTION, NOBODY, NOW) == 1
    assert not old.exists()


def test_what_cannot_be_removed_is_logged(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody was faster, or the disk refuses: the daemon goes on."""
    _remove(home.done / "20261122T120000-gone")

    assert "cannot be removed: No such file" in caplog.text


def test_what_was_removed_is_logged_once(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """One line for all of it, and none for nothing."""
    with caplog.at_level(logging.INFO):
        sweep(home, RETENTION, NOBODY, NOW)
        a_job(home.done, 31)
        a_status(home, "p003.toml")
        sweep(home, RETENTION, NOBODY, NOW)

    assert [record.getMessage() for record in caplog.records] == [
        "removed 2 job folders and status files that were old enough"
    ]


@given(st.lists(st.floats(0, 100)), st.integers(0, 60), st.floats(1e9, 2e9))
def test_exactly_what_is_older_is_yielded(ages: list[float], days: int, now: float) -> None:
    """In days back from now; none for 0."""
    entries = [(Path(str(i)), now - age * SECONDS_A_DAY) for i, age in enumerate(ages)]

    gone = set(expired(entries, days, now))

    for path, changed in entries:
        assert (path in gone) == (days > 0 and changed < now - days * SECONDS_A_DAY)


def test_a_job_whose_picture_was_approved_is_kept(home: Home) -> None:
    """However old it is; when the mark is taken back it goes."""
    job = a_job(home.done, 31)
    (job / "approved").touch()
    aged(job, 31)

    assert sweep(home, RETENTION, NOBODY, NOW) == 0
    (job / "approved").unlink()
    aged(job, 31)
    assert sweep(home, RETENTION, NOBODY, NOW) == 1
