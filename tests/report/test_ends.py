"""What ended, read from real folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.job import Ending, Job, State
from plasma_watch.report.ends import FAILURES_LOOKED_AT, Ends, failed_since
from tests.fakes.home import NOON, a_home

AT = NOON.timestamp()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return a_home(tmp_path)


def ended(home: Home, number: int, state: State = State.DONE, ending: Ending | None = None) -> Path:
    """Put the folder of a job where it ended, so many seconds after noon."""
    name = f"p{number}"
    folder = home.root / state / f"20261122T12{number:02d}00-{name}"
    folder.mkdir()
    told = ending or Ending(state, f"why {number}")
    job = Job(folder.name, name, f"{name}.toml", "generate", NOON, "", ending=told)
    (folder / "job.toml").write_text(job.to_toml())
    os.utime(folder / "job.toml", (AT + number, AT + number))
    return folder


def test_the_newest_are_last(home: Home) -> None:
    """Of all three folders together, by the time at which they ended."""
    ended(home, 3, State.FAILED)
    ended(home, 1)
    ended(home, 2, State.CANCELLED)

    found = Ends(home).newest(2)

    assert [(end.name, end.state, end.why) for end in found] == [
        ("p2", "cancelled", "why 2"),
        ("p3", "failed", "why 3"),
    ]
    assert found[-1].ended.timestamp() == AT + 3


def test_an_end_says_everything_that_its_journal_says(home: Home) -> None:
    """Code, way out, problems."""
    told = Ending(State.FAILED, "m", "request.bad-value", "h", ("one", "two"))
    ended(home, 1, State.FAILED, told)

    (end,) = Ends(home).newest(5)

    assert (end.code, end.hint, end.problems) == ("request.bad-value", "h", ["one", "two"])


def test_approving_does_not_make_it_newer(home: Home) -> None:
    """The mark in its folder changes the folder and not its end."""
    first = ended(home, 1)
    ended(home, 2)
    (first / "approved").touch()

    assert [end.name for end in Ends(home).newest(5)] == ["p1", "p2"]


def test_what_ends_meanwhile_is_seen(home: Home) -> None:
    """Also within one tick of the clock of the disk, and when a folder goes."""
    ends = Ends(home)
    assert ends.newest(5) == []

    folder = ended(home, 1)
    assert [end.name for end in ends.newest(5)] == ["p1"]

    ended(home, 2)
    assert [end.name for end in ends.newest(5)] == ["p1", "p2"]

    (folder / "job.toml").unlink()
    folder.rmdir()
    assert [end.name for end in ends.newest(5)] == ["p2"]


def test_folders_at_rest_are_not_listed_again(home: Home) -> None:
    """What is put there with the old time of the folder is not looked for."""
    ended(home, 1)
    for folder in (home.done, home.failed, home.cancelled):
        os.utime(folder, (AT, AT))
    ends = Ends(home)
    ends.newest(5)

    ended(home, 2)
    os.utime(home.done, (AT, AT))

    assert [end.name for end in ends.newest(5)] == ["p1"]


def test_since_an_instant(home: Home) -> None:
    """What ended before is left out."""
    for number in (1, 2, 3):
        ended(home, number)

    assert [end.name for end in Ends(home).since(AT + 2)] == ["p2", "p3"]


def test_what_a_person_put_there_breaks_nothing(home: Home) -> None:
    """No job's folder, no journal, a journal that is none, values of another kind."""
    (home.done / "my notes").mkdir()
    (home.done / "20261122T120000-empty").mkdir()
    bad = ended(home, 1)
    (bad / "job.toml").write_text("no toml at all [")
    odd = ended(home, 2)
    (odd / "job.toml").write_text('name = 3\nending = "x"\n')

    found = Ends(home).newest(5)

    assert {(end.name, end.why, end.code, end.hint) for end in found} == {
        (bad.name, "", "", ""),
        ("3", "", "", ""),
    }
    assert [end.problems for end in found] == [[], []]


def names(home: Home, oldest: float, most: int = 5) -> list[str]:
    """Return the names of what failed after an instant."""
    return [end.name for end in failed_since(home, oldest, most)]


def failed(home: Home, number: int) -> Path:
    """Put the folder of a job where it failed, with its request in it."""
    folder = ended(home, number, State.FAILED)
    (folder / f"p{number}.toml").touch()
    return folder


def test_what_failed_lately_is_told(home: Home) -> None:
    """The newest last and at most so many; what ended otherwise, or before, is not."""
    for number in (4, 1, 3, 2):
        failed(home, number)
    ended(home, 5)

    assert names(home, AT + 2) == ["p2", "p3", "p4"]
    assert names(home, AT, most=1) == ["p4"]


def test_a_failure_that_was_taken_up_is_settled(home: Home) -> None:
    """Its request was moved back; or its name was dropped anew, whatever became of that."""
    failed(home, 1)
    (failed(home, 2) / "p2.toml").unlink()
    failed(home, 3)
    (home.status / "p3.toml").write_text('job = "20261122T130000-p3"\n')
    (home.status / "p1.toml").write_text('job = "20261122T120100-p1"\n')

    assert names(home, AT) == ["p1"]


def test_of_very_many_failures_the_newest_drops_are_looked_at(home: Home) -> None:
    """However many lie there, it costs the same."""
    for number in range(FAILURES_LOOKED_AT + 1):
        folder = home.failed / f"20261122T{number:06d}-p{number}"
        folder.mkdir()
        (folder / "job.toml").write_text(f'name = "p{number}"\n')

    found = names(home, AT, most=1000)

    assert len(found) == FAILURES_LOOKED_AT
    assert "p0" not in found


def test_a_name_that_leads_elsewhere_is_not_followed(home: Home, tmp_path: Path) -> None:
    """A journal is a file that anybody may have edited."""
    folder = failed(home, 1)
    (folder / "job.toml").write_text(f'name = "{tmp_path}/x"\nfile = "../p1.toml"\n')
    (tmp_path / "x.toml").write_text('job = "20991122T130000-p3"\n')

    assert names(home, AT) == [f"{tmp_path}/x"]
