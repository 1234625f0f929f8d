"""Who has the gallery kept up to date: real programs, a clock of numbers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.job import Job, Made, Picture
from plasma_watch.report.gallery import LIVE_SECONDS, RETRY_SECONDS, Keeper, Shown, shown_of
from tests.fakes.book import page
from tests.fakes.home import NOON, a_home

JOB = "20261122T120000-p001"
PATIENCE_SECONDS = 60.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home."""
    return a_home(tmp_path)


@pytest.fixture
def keeper(home: Home) -> Iterator[Keeper]:
    """A keeper of its gallery, that has looked at everything once."""
    keeper = made(home)
    settle(keeper, 0.0)
    yield keeper
    keeper.stop()


def made(home: Home) -> Keeper:
    """Return a keeper as a daemon makes it."""
    root = home.root
    return Keeper(root, root / "output", root / "loras", home.private / "gallery.log")


def settle(keeper: Keeper, now: float, running: Shown | None = None) -> float | None:
    """Tend until the program that works has ended; return when to look again."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        wait = keeper.tend(now, running)
        if keeper._child is None:
            return wait
        time.sleep(0.01)
    pytest.fail("it never ended")


def did(home: Home, number: int) -> Callable[[], bool]:
    """Return whether a page is in the gallery's data."""
    name = f"ch01_p{number:03d}_v1"
    data = home.root / "output" / ".gallery" / "data" / "ch-01-0001.js"
    return lambda: data.exists() and name in data.read_text()


def job(home: Home, number: int, state: str = "done") -> str:
    """Put a job there that made a page, and the page."""
    path = page(home.root / "output", 1, number)
    name = f"20261122T1200{number:02d}-p{number:03d}"
    folder = home.root / state / name
    folder.mkdir()
    told = Made(str(path.relative_to(home.root)), "")
    journal = Job(name, f"p{number:03d}", "x.toml", "generate", NOON, "")
    picture = Picture(1, 1, images=1, made=(told,))
    (folder / "job.toml").write_text(replace(journal, pictures=(picture,)).to_toml())
    return name


def test_everything_is_looked_at_when_it_starts(home: Home) -> None:
    """What was made, moved or marked while nobody looked."""
    page(home.root / "output", 1, 1)
    keeper = made(home)

    assert settle(keeper, 0.0) is None

    assert did(home, 1)()
    assert (home.root / "output" / "index.html").is_file()
    # An idle home costs nothing.
    assert keeper.tend(1000.0, None) is None
    assert keeper._child is None


def test_what_a_job_made_is_put_in(home: Home, keeper: Keeper) -> None:
    """When it has ended; nothing else is looked for, and a line is not drained before."""
    page(home.root / "output", 1, 7)
    assert keeper.is_settled
    keeper.note(job(home, 1))
    assert not keeper.is_settled
    keeper.tend(1.0, None)
    assert not keeper.is_settled

    settle(keeper, 1.0)

    assert keeper.is_settled
    assert did(home, 1)()
    assert not did(home, 7)()


def test_what_ends_meanwhile_is_done_next(home: Home, keeper: Keeper) -> None:
    """No job is forgotten, and no two programs work at a time."""
    keeper.note(job(home, 1))
    assert keeper.tend(1.0, None)
    first = keeper._child
    keeper.note(job(home, 2))
    keeper.tend(1.0, None)
    assert keeper._child is first or first is None or first.poll() is not None

    settle(keeper, 2.0)

    assert did(home, 1)()
    assert did(home, 2)()


def test_pictures_of_a_job_that_runs_are_put_in_as_they_come(home: Home, keeper: Keeper) -> None:
    """Not more often than every half minute."""
    name = job(home, 1, "running")

    settle(keeper, LIVE_SECONDS, Shown(name, 1, 0))
    assert did(home, 1)()

    wait = keeper.tend(LIVE_SECONDS + 1, Shown(name, 2, 0))
    assert wait == LIVE_SECONDS - 1
    assert keeper._child is None
    assert keeper.tend(LIVE_SECONDS + 1, Shown(name, 1, 0)) is None


def test_a_program_that_fails_harms_nobody(
    home: Home, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once, and tried again as a whole after a while."""
    (home.root / "output" / "index.html").write_text("somebody else's")
    keeper.note(job(home, 1))

    with caplog.at_level(logging.WARNING):
        assert settle(keeper, 1.0) == RETRY_SECONDS
        assert keeper.is_settled
        assert keeper.tend(2.0, None) == RETRY_SECONDS
        settle(keeper, 2 * RETRY_SECONDS)

    assert [record.getMessage() for record in caplog.records] == [
        f"the gallery is not brought up to date; {home.private}/gallery.log says why"
    ]
    assert "is no page of ours" in (home.private / "gallery.log").read_text()
    (home.root / "output" / "index.html").unlink()
    assert settle(keeper, 4 * RETRY_SECONDS) is None
    assert did(home, 1)()


def test_a_program_that_cannot_be_started_is_told(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, however often it is tried; the daemon goes on."""
    keeper = Keeper(home.root, home.root, home.root, home.root / "none" / "gallery.log")

    with caplog.at_level(logging.WARNING):
        assert [keeper.tend(n * RETRY_SECONDS, None) for n in range(3)] == [RETRY_SECONDS] * 3

    assert [record.getMessage() for record in caplog.records] == [
        "the gallery is not brought up to date: No such file or directory"
    ]


def test_a_stop_waits_for_nothing(home: Home, keeper: Keeper) -> None:
    """What was written is whole; the next start goes on."""
    keeper.note(job(home, 1))
    keeper.tend(1.0, None)

    keeper.stop()

    assert keeper._child is None
    again = made(home)
    settle(again, 0.0)
    assert did(home, 1)()


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"state": "running", "job": JOB, "outputs": ["a", "b"]}, Shown(JOB, 2, 0)),
        ({"state": "running", "job": JOB, "kind": "train", "step": 7}, Shown(JOB, 0, 7)),
        ({"state": "running", "job": JOB, "kind": "generate", "step": 7, "outputs": []}, None),
        ({"state": "running", "job": JOB, "outputs": "odd"}, None),
        ({"state": "done", "job": JOB, "outputs": ["a"]}, None),
        ({}, None),
    ],
)
def test_what_is_shown_of_a_running_job(told: dict[str, object], shown: Shown | None) -> None:
    """Steps of a picture are not: its preview is beside its status."""
    assert shown_of(told) == shown
