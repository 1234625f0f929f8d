"""What a crash can leave in `running/`, state by state, and what the next start makes of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.job import Ending, Job, Picture, State
from plasma_watch.line import Line, Ongoing
from tests.fakes.home import NOON, REQUEST, a_home, drop, whereabouts

JOB = Job(
    id="20261122T120000-p003",
    name="p003",
    file="p003.toml",
    kind="generate",
    dropped=NOON,
    sha256="ab",
    request={"prompt": "spyke", "seed": 7},
    pictures=(Picture(1, 7, attempt=2), Picture(2, 8)),
    ending=Ending(State.FAILED, "the picture is black", "image.blank", "Try another sampler."),
)
JOURNAL = JOB.to_toml().encode()
DAMAGED = {
    "NUL bytes": b"\0" * len(JOURNAL),
    "empty": b"",
    "cut after a byte": JOURNAL[:1],
    "cut inside a line": JOURNAL[:60],
    "of another format": JOURNAL.replace(b"format = 1", b"format = 2"),
    "not text": b"\xff\xfe" + JOURNAL,
    "another file's": b'kind = "generate"\n',
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home on a real disk."""
    return a_home(tmp_path)


def leave(
    home: Home, *, journal: bytes | None = None, request: bytes | None = None, job: str = JOB.id
) -> Path:
    """Leave a job folder as a crash does."""
    folder = home.running / job
    folder.mkdir()
    if journal is not None:
        (folder / "job.toml").write_bytes(journal)
    if request is not None:
        (folder / "p003.toml").write_bytes(request)
    return folder


def recover(home: Home) -> list[Ongoing]:
    """Start anew and return what goes on."""
    return Line(home).unfinished()


def test_nothing_was_under_way(home: Home) -> None:
    """A clean stop leaves an empty folder."""
    assert recover(home) == []


def test_a_claim_that_made_only_its_folder_is_cleared_away(home: Home) -> None:
    """The request never left the inbox."""
    drop(home, "p003.toml")
    leave(home)

    assert recover(home) == []
    assert list(home.running.iterdir()) == []
    assert whereabouts(home)["inbox"] == ["p003.toml"]


def test_a_claim_that_wrote_only_its_journal_is_cleared_away(home: Home) -> None:
    """Also with the journal's own temporary file beside it."""
    drop(home, "p003.toml")
    folder = leave(home, journal=JOURNAL)
    (folder / ".job.toml.123.tmp").write_bytes(JOURNAL[:30])

    assert recover(home) == []
    assert list(home.running.iterdir()) == []
    assert whereabouts(home)["inbox"] == ["p003.toml"]


def test_a_claimed_job_goes_on_with_its_journal(home: Home) -> None:
    """What was resolved, drawn and asked for is known again."""
    going_on = replace(JOB, ending=None)
    folder = leave(home, journal=going_on.to_toml().encode(), request=REQUEST)

    (ongoing,) = recover(home)

    assert ongoing.job == going_on
    assert ongoing.folder == folder
    assert ongoing.request.read_bytes() == REQUEST


def test_an_ending_in_the_journal_is_known(home: Home) -> None:
    """The crash came between the decision and the move; it has only to be filed away."""
    leave(home, journal=JOURNAL, request=REQUEST)

    (ongoing,) = recover(home)

    assert ongoing.job.ending == JOB.ending


def test_filing_away_goes_on_where_it_stopped(home: Home) -> None:
    """With its why.txt or without it: the folder that appears is complete."""
    folder = leave(home, journal=JOURNAL, request=REQUEST)
    (folder / "why.txt").write_text("half of it")

    line = Line(home)
    for ongoing in line.unfinished():
        line.finish(ongoing, Ending(State.DONE, "not this one"))

    ended = home.failed / JOB.id
    assert sorted(path.name for path in ended.iterdir()) == ["job.toml", "p003.toml", "why.txt"]
    assert "Try another sampler." in (ended / "why.txt").read_text()


@pytest.mark.parametrize("journal", [None, *DAMAGED.values()], ids=["missing", *DAMAGED])
def test_a_request_without_a_readable_journal_goes_back(home: Home, journal: bytes | None) -> None:
    """It is run anew; a damaged journal is kept where it can be looked at."""
    leave(home, journal=journal, request=REQUEST)

    assert recover(home) == []
    assert whereabouts(home)["inbox"] == ["p003.toml"]
    assert (home.inbox / "p003.toml").read_bytes() == REQUEST
    assert list(home.running.iterdir()) == []
    kept = [path.read_bytes() for path in home.private.iterdir()]
    assert kept == ([] if journal is None else [journal])


def test_a_journal_cut_anywhere_never_loses_the_request(home: Home) -> None:
    """Power went at any byte: the job goes on, or its request lies in the inbox."""
    for cut in range(len(JOURNAL)):
        folder = leave(home, journal=JOURNAL[:cut], request=REQUEST)

        found = recover(home)

        where = {name: files for name, files in whereabouts(home).items() if files}
        if found:
            assert where == {"running": [f"{JOB.id}/p003.toml"]}
            assert found[0].job.sha256 == JOB.sha256
            (folder / "p003.toml").unlink()
            recover(home)
        else:
            assert where == {"inbox": ["p003.toml"]}
            (home.inbox / "p003.toml").unlink()


def test_a_request_does_not_go_back_over_another(home: Home) -> None:
    """A newer file of its name waits there: it stays where it is until that has gone."""
    drop(home, "p003.toml", b"newer")
    leave(home, journal=b"", request=REQUEST)

    assert recover(home) == []
    assert (home.inbox / "p003.toml").read_bytes() == b"newer"
    assert whereabouts(home)["running"] == [f"{JOB.id}/p003.toml"]

    (home.inbox / "p003.toml").unlink()
    recover(home)

    assert (home.inbox / "p003.toml").read_bytes() == REQUEST
    assert list(home.running.iterdir()) == []


def test_a_move_back_that_was_cut_short_is_ended(home: Home) -> None:
    """The request lies in the inbox again, its journal still in running/."""
    drop(home, "p003.toml")
    leave(home, journal=replace(JOB, ending=None).to_toml().encode())

    assert recover(home) == []
    assert list(home.running.iterdir()) == []
    assert whereabouts(home)["inbox"] == ["p003.toml"]


@pytest.mark.parametrize("journal", [JOURNAL, b""])
def test_a_refused_link_is_moved_as_a_link(home: Home, journal: bytes) -> None:
    """What it leads to is never opened, not by a recovery either."""
    folder = leave(home, journal=journal)
    (folder / "p003.toml").symlink_to("/etc/passwd")

    line = Line(home)
    for ongoing in line.unfinished():
        line.finish(ongoing, Ending(State.FAILED, "a link"))

    where = home.failed / JOB.id if journal else home.inbox
    assert os.readlink(where / "p003.toml") == "/etc/passwd"  # noqa: PTH115 - the text of the link
    assert not (home.running / JOB.id).exists()


def test_jobs_go_on_in_the_order_in_which_they_were_dropped(home: Home) -> None:
    """Ids begin with the time."""
    ids = [f"2026112{day}T120000-p003" for day in (3, 1, 2)]
    for job in ids:
        leave(
            home,
            job=job,
            journal=replace(JOB, id=job, ending=None).to_toml().encode(),
            request=REQUEST,
        )

    assert [ongoing.job.id for ongoing in recover(home)] == sorted(ids)


def test_what_a_person_put_into_running_is_left_alone(home: Home) -> None:
    """Finder's files, a note, a folder of their own with a request in it."""
    (home.running / ".DS_Store").write_text("finder")
    (home.running / "note.txt").write_text("mine")
    (home.running / "mine").mkdir()
    (home.running / "mine" / "p009.toml").write_text("mine")
    (home.running / "mine" / ".hidden").mkdir()
    before = sorted(home.running.rglob("*"))

    assert recover(home) == []
    assert sorted(home.running.rglob("*")) == before


def test_what_a_person_put_beside_a_journal_keeps_its_folder(home: Home) -> None:
    """The journal goes, because its request did; what is not ours stays."""
    folder = leave(home, journal=JOURNAL)
    (folder / ".theirs").mkdir()

    assert recover(home) == []
    assert [path.name for path in folder.iterdir()] == [".theirs"]


def test_a_renamed_request_goes_back_with_the_next_start(home: Home) -> None:
    """Somebody renamed it inside running/: it is not lost, though its journal does not know it."""
    folder = leave(home, journal=JOURNAL)
    (folder / "p004.toml").write_bytes(REQUEST)

    assert recover(home) == recover(home) == []
    assert whereabouts(home)["inbox"] == ["p004.toml"]
