"""The folders as a queue: what waits, in which order, and every move that a job makes."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.home import Home
from plasma_watch.job import ENDS, LEGAL, Ending, Job, Picture, State
from plasma_watch.line import Line, Ongoing, Returned, Spot, Waiting, _move, natural
from tests.fakes.home import NOON, REQUEST, a_home, drop, waiting, whereabouts

DONE = Ending(State.DONE, "output/p003_v1.png")
CANCELLED = Ending(State.CANCELLED, "cancelled before it began")
FAILED = Ending(State.FAILED, "the prompt is missing", "request.missing-key", "Add a prompt.")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home on a real disk."""
    return a_home(tmp_path)


@pytest.fixture
def line(home: Home) -> Line:
    """Return the line of that home."""
    return Line(home)


def places(**folders: str | list[str]) -> dict[str, list[str]]:
    """Return where requests are to be: one or more paths a folder, nothing elsewhere."""
    empty: dict[str, list[str]] = {
        name: [] for name in ("inbox", "running", "done", "failed", "cancelled")
    }
    return empty | {k: [v] if isinstance(v, str) else v for k, v in folders.items()}


def claimed(line: Line, item: Waiting) -> Ongoing:
    """Claim what is sure to be there."""
    line.admit(item)
    ongoing = line.claim(item)
    assert ongoing
    return ongoing


def journal(folder: Path) -> Job:
    """Return the journal of a job folder as it lies on the disk."""
    return Job.from_toml((folder / "job.toml").read_text())


# The order.


def an_item(name: str, **known: object) -> Waiting:
    """Return something in the line that has no file."""
    item = Waiting(
        spot=Spot(Path("/inbox"), f"{name}.toml"),
        id=name,
        kind="generate",
        urgent=False,
        seen=NOON,
        changed_ns=0,
        fingerprint=123,
    )
    return replace(item, **known)  # type: ignore[arg-type]


LATER = NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (an_item("z", urgent=True, seen=LATER, changed_ns=9), an_item("a")),
        (an_item("z"), an_item("a", seen=LATER)),
        (an_item("z", changed_ns=1), an_item("a", changed_ns=2)),
        (an_item("p2"), an_item("p10")),
        (an_item("p002"), an_item("p10")),
        (an_item("p1"), an_item("p1a")),
        (an_item("p01"), an_item("p1")),
        (an_item("Page1"), an_item("page2")),
        (an_item("3"), an_item("a")),
        (an_item("٣"), an_item("4")),
    ],
)
def test_urgent_then_seen_then_changed_then_name(
    line: Line, first: Waiting, second: Waiting
) -> None:
    """Each rule decides only where the one before it does not."""
    for order in ((first, second), (second, first)):
        for item in order:
            line.admit(item)

        assert line.waiting() == [first, second]
        assert line.first(1) == [first]


ITEMS = st.builds(
    an_item,
    st.text("ab12", min_size=1, max_size=3),
    urgent=st.booleans(),
    seen=st.sampled_from([NOON, LATER]),
    changed_ns=st.integers(0, 2),
)


@given(st.lists(ITEMS, unique_by=lambda item: item.path), st.randoms())
def test_the_order_does_not_depend_on_how_it_came_about(
    items: list[Waiting], random: object
) -> None:
    """Admitted in any order, some of them twice: the line is sorted by its rules."""
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Line(Home(Path("/"))), Line(Home(Path("/")))
    for item in items:
        one.admit(item)
    for item in shuffled + shuffled[:2]:
        other.admit(item)

    assert one.waiting() == other.waiting()
    assert len(other) == len(items)
    assert one.waiting() == sorted(
        items, key=lambda i: (not i.urgent, i.seen, i.changed_ns, natural(i.name))
    )


def test_replacing_what_waits_leaves_one_entry(line: Line) -> None:
    """A rewritten file stands once in the line, with what was checked last."""
    old, new = an_item("p003"), an_item("p003", id="other", digest=b"ab")
    line.admit(old)
    line.admit(new)

    assert line.waiting() == [new]
    assert line.at(new.spot) == new
    assert line.is_waiting("other")
    assert not line.is_waiting("p003")


def test_forgetting_tells_what_was_there(line: Line) -> None:
    """And a second time, nothing."""
    item = an_item("p003")
    line.admit(item)

    assert line.forget(item.spot) == item
    assert line.forget(item.spot) is None
    assert line.waiting() == []
    assert line.at(item.spot) is None
    assert len(line) == 0


def test_every_change_of_the_line_is_counted(line: Line) -> None:
    """Who looks later sees that it is another one, also when it is as long as before."""
    before = line.changes
    line.admit(an_item("p003"))
    line.forget(an_item("p003").spot)
    line.forget(an_item("p003").spot)

    assert line.changes == before + 2


def test_the_first_of_each_kind_may_start(line: Line) -> None:
    """A training that must wait lets a page pass; among pages the order holds."""
    train = an_item("lora", kind="train")
    pages = [an_item(name, seen=LATER) for name in ("p1", "p2")]
    for item in (*pages, train):
        line.admit(item)

    assert line.first_of_each_kind() == [train, pages[0]]
    assert Line(Home(Path("/"))).first_of_each_kind() == []


GA_NFC, GA_NFD = "\u304c", "\u304b\u3099"


@pytest.mark.parametrize("name", [GA_NFC, GA_NFD, "GA", "ga"])
def test_names_are_found_in_any_form(line: Line, name: str) -> None:
    """After NFC and without regard to case."""
    items = [an_item(n, changed_ns=i) for i, n in enumerate((GA_NFC, GA_NFD, "Ga"))]
    for item in items:
        line.admit(item)

    assert line.named(name) == (items[2:] if name.isascii() else items[:2])


def test_an_id_is_taken_wherever_its_job_is(home: Home, line: Line) -> None:
    """In the line, under our hands or ended: an id is never used twice."""
    line.admit(an_item("waits"))
    for folder in home.spool()[1:]:
        (folder / f"in {folder.name}").mkdir()

    taken = ["waits", "in running", "in done", "in failed", "in cancelled"]

    assert [job for job in [*taken, "in inbox", "free"] if line.is_taken(job)] == taken


# The claim.


def test_a_claim_moves_the_request_beside_its_journal(home: Home, line: Line) -> None:
    """Byte for byte as it was dropped; the journal holds what recovery needs."""
    item = waiting(drop(home, "p003.toml"))

    ongoing = claimed(line, item)

    assert whereabouts(home) == places(running=f"{item.id}/p003.toml")
    assert ongoing.request.read_bytes() == REQUEST
    assert ongoing.job == journal(ongoing.folder)
    assert (ongoing.job.id, ongoing.job.name, ongoing.job.file) == (item.id, "p003", "p003.toml")
    assert (ongoing.job.dropped, ongoing.job.sha256) == (item.seen, item.sha256)
    assert line.waiting() == []


def test_a_planned_job_is_claimed_with_its_plan(home: Home, line: Line) -> None:
    """Its journal says what it will ask the engine for before the request has moved."""
    item = waiting(drop(home, "p003.toml"))
    planned = replace(item.job(), pictures=(Picture(1, 7, asked=1, attempt=1),))

    ongoing = line.claim(item, planned)

    assert ongoing
    assert ongoing.job == journal(ongoing.folder) == planned


def test_what_is_held_is_written_with_what_is_kept_next(home: Home, line: Line) -> None:
    """A crash in between finds it out again."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    before = ongoing.job

    ongoing.hold(replace(before, failures=2))
    held = journal(ongoing.folder)
    ongoing.keep(replace(ongoing.job, spoiled=1))

    assert held == before
    assert journal(ongoing.folder) == replace(before, failures=2, spoiled=1)


def test_the_journal_lies_there_before_the_request(home: Home, line: Line) -> None:
    """A request that cannot be moved leaves no trace; its journal had been written first."""
    item = waiting(drop(home, "p003.toml"))
    blocked = home.running / item.id / "p003.toml"
    blocked.mkdir(parents=True)

    with pytest.raises(FileExistsError):
        line.claim(item)

    assert item.path.exists()
    assert [path.name for path in (home.running / item.id).iterdir()] == ["p003.toml"]


def test_a_file_that_is_gone_cannot_be_claimed(home: Home, line: Line) -> None:
    """Somebody took it away: the inbox finds out and tells; nothing lies in running/."""
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    item.path.unlink()

    assert line.claim(item) is None
    assert line.waiting() == [item]
    assert list(home.running.iterdir()) == []


def test_changed_bytes_are_put_back(home: Home, line: Line) -> None:
    """Other bytes than were checked are not run; they lie where they were, to be looked at."""
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    item.path.write_bytes(b"other bytes")

    assert line.claim(item) is None
    assert whereabouts(home) == places(inbox="p003.toml")
    assert item.path.read_bytes() == b"other bytes"
    assert line.waiting() == []
    assert list(home.running.iterdir()) == []


def test_a_link_in_the_place_of_what_was_checked_is_put_back(home: Home, line: Line) -> None:
    """It leads nowhere: there are no bytes to compare, so they are not those."""
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    item.path.unlink()
    item.path.symlink_to("nowhere")

    assert line.claim(item) is None
    assert item.path.is_symlink()
    assert list(home.running.iterdir()) == []


def test_a_request_that_may_only_be_read_is_claimed(home: Home, line: Line) -> None:
    """F16: its folder is what must be writable; its rights stay as they are."""
    item = waiting(drop(home, "p003.toml"))
    item.path.chmod(0o444)
    line.admit(item)

    ongoing = line.claim(item)

    assert ongoing is not None
    assert ongoing.request.stat().st_mode & 0o777 == 0o444


def test_a_pipe_in_the_place_of_what_was_checked_is_put_back(home: Home, line: Line) -> None:
    """Nobody waits for somebody who writes into it: the line would stand still."""
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    item.path.unlink()
    os.mkfifo(item.path)

    assert line.claim(item) is None
    assert item.path.is_fifo()


def test_a_link_to_the_very_bytes_is_put_back(home: Home, line: Line) -> None:
    """What lies behind it may be another file at the next look."""
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    item.path.rename(home.root / "elsewhere.toml")
    item.path.symlink_to(home.root / "elsewhere.toml")

    assert line.claim(item) is None
    assert item.path.is_symlink()


def test_an_urgent_request_is_put_back_among_the_urgent(home: Home, line: Line) -> None:
    """Also when the folder was taken away meanwhile."""
    item = waiting(drop(home, "urgent/p003.toml"))
    ongoing = claimed(line, item)
    home.urgent.rmdir()

    line.put_back(ongoing)

    assert whereabouts(home) == places(inbox="urgent/p003.toml")
    assert list(home.running.iterdir()) == []


def test_a_newer_file_of_the_name_ends_the_older_job(home: Home, line: Line) -> None:
    """There is one place in the inbox: the newer drop keeps it, the older job is told of."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    drop(home, "p003.toml", b"newer")
    told: list[Job] = []

    line.put_back(ongoing, told.append)

    assert whereabouts(home) == places(inbox="p003.toml", cancelled=f"{ongoing.job.id}/p003.toml")
    assert (home.inbox / "p003.toml").read_bytes() == b"newer"
    assert [job.ending and job.ending.state for job in told] == [State.CANCELLED]
    assert "newer file" in (ongoing.job.ending or DONE).why


def test_a_folder_that_was_taken_away_is_made_again(home: Home, line: Line) -> None:
    """People tidy up: an empty running/ or done/ may be gone when it is needed."""
    item = waiting(drop(home, "p003.toml"))
    home.running.rmdir()
    home.done.rmdir()

    line.finish(claimed(line, item), DONE)

    assert whereabouts(home) == places(done=f"{item.id}/p003.toml")


# The end.


@pytest.mark.parametrize("ending", [DONE, FAILED, CANCELLED])
def test_a_job_ends_in_the_folder_of_its_state(home: Home, line: Line, ending: Ending) -> None:
    """Request and journal move together; only what failed has a why.txt."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    job = ongoing.job

    line.finish(ongoing, ending)

    folder = home.root / ending.state.value / job.id
    assert whereabouts(home) == places(**{ending.state.value: f"{job.id}/p003.toml"})
    assert journal(folder) == replace(job, ending=ending)
    assert (folder / "why.txt").exists() == (ending is FAILED)
    assert list(home.running.iterdir()) == []


def test_why_says_what_happened_and_what_to_do(home: Home, line: Line) -> None:
    """In plain words, with the code to look up and the way to try again."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))

    line.finish(ongoing, FAILED)

    why = (home.failed / ongoing.job.id / "why.txt").read_text()
    assert "p003.toml was not made: the prompt is missing" in why
    assert "request.missing-key" in why
    assert "Add a prompt." in why
    assert f"plasma-watch retry --home {home.root} p003" in why


def test_a_folder_is_complete_when_it_appears(home: Home, line: Line) -> None:
    """Whoever hears of the end finds it there, with its journal and its why.txt in it."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    seen: list[list[str]] = []

    def announce(job: Job) -> None:
        assert job.ending == FAILED
        folder = home.failed / job.id
        assert journal(folder).ending == FAILED
        seen.append(sorted(path.name for path in folder.iterdir()))

    line.finish(ongoing, FAILED, announce)

    assert seen == [["job.toml", "p003.toml", "why.txt"]]


def test_the_ending_in_the_journal_stands(home: Home, line: Line) -> None:
    """Once it was decided, a second try to file the job away does not decide anew."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    ongoing.keep(replace(ongoing.job, ending=DONE))

    line.finish(ongoing, CANCELLED)

    assert whereabouts(home) == places(done=f"{ongoing.job.id}/p003.toml")


def test_a_folder_that_a_person_put_there_is_not_replaced(home: Home, line: Line) -> None:
    """The job takes the next free name."""
    ongoing = claimed(line, waiting(drop(home, "p003.toml")))
    for name in (ongoing.job.id, f"{ongoing.job.id}-2"):
        (home.done / name).mkdir()
        (home.done / name / "mine.toml").write_text("mine")

    line.finish(ongoing, DONE)

    job = ongoing.job.id
    assert whereabouts(home) == places(
        done=[f"{job}-2/mine.toml", f"{job}-3/p003.toml", f"{job}/mine.toml"]
    )


def test_a_refusal_ends_in_failed_with_its_reason(home: Home, line: Line) -> None:
    """Through running/, so that its folder is complete when it appears."""
    item = waiting(drop(home, "p003.toml"))
    told: list[Job] = []
    line.admit(item)

    assert line.refuse(item, FAILED, told.append)
    assert whereabouts(home) == places(failed=f"{item.id}/p003.toml")
    assert (home.failed / item.id / "why.txt").exists()
    assert [job.ending for job in told] == [FAILED]
    assert line.waiting() == []


def test_what_is_gone_cannot_be_refused(home: Home, line: Line) -> None:
    """Nothing is told of it here: it is for the inbox to say that it was taken away."""
    item = waiting(drop(home, "p003.toml"))
    item.path.unlink()

    assert not line.refuse(item, FAILED, lambda job: pytest.fail(job.id))
    assert whereabouts(home) == places()


def test_a_refusal_that_the_disk_stops_at_once_leaves_the_file_alone(
    home: Home, line: Line
) -> None:
    """Nothing has ended, and a cancel that asked for it still holds."""
    item = waiting(drop(home, "p003.toml"))
    changed = item.path.stat().st_ctime_ns
    (home.running / item.id / "job.toml").mkdir(parents=True)

    with pytest.raises(OSError, match=r"job\.toml"):
        line.refuse(item, FAILED, lambda _: None)

    assert item.path.stat().st_ctime_ns == changed
    assert line.is_settled


def test_a_refusal_that_the_disk_stops_halfway_is_ended_later(home: Home, line: Line) -> None:
    """It has left the inbox, and its ending is in the journal; the rest is tried again."""
    item = waiting(drop(home, "p003.toml"))
    home.failed.rmdir()
    home.failed.write_text("in the way")
    told: list[Job] = []

    assert line.refuse(item, FAILED, told.append)
    line.end_refused(told.append)
    assert [each.job.ending for each in Line(home).unfinished()] == [FAILED]
    assert not line.is_settled

    home.failed.unlink()
    line.end_refused(told.append)

    assert whereabouts(home) == places(failed=f"{item.id}/p003.toml")
    assert [job.ending for job in told] == [FAILED]
    assert line.is_settled


def test_a_refusal_whose_folder_was_taken_away_has_ended(home: Home, line: Line) -> None:
    """Somebody tidied up while the disk refused."""
    item = waiting(drop(home, "p003.toml"))
    home.failed.rmdir()
    home.failed.write_text("in the way")
    line.refuse(item, FAILED, lambda _: None)
    shutil.rmtree(home.running / item.id)

    line.end_refused(lambda job: pytest.fail(job.id))

    assert line.is_settled


def test_what_was_put_back_is_told_once(home: Home, line: Line) -> None:
    """A rename is a change to a file; when it was changed before is remembered for the inbox."""
    item = waiting(drop(home, "p003.toml"))
    ongoing = line.claim(item)
    assert ongoing
    line.put_back(ongoing)

    assert not line.is_settled
    returned = line.take_returned()
    assert returned == {item.spot: Returned(item.path.stat().st_ino, item.changed_ns)}
    assert item.path.stat().st_ctime_ns > item.changed_ns
    assert line.take_returned() == {}
    assert line.is_settled


# The law.


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in itertools.product(State, State) if pair[1] not in LEGAL[pair[0]]],
)
def test_no_job_makes_a_move_that_is_not_in_the_law(
    tmp_path: Path, before: State, after: State
) -> None:
    """The code asks the table, and a mistake of ours shows at once."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("request")

    with pytest.raises(AssertionError, match=f"from {before} to {after}"):
        _move(before, after, source, target)

    assert source.exists()


@pytest.mark.parametrize(
    ("before", "after"), [(before, after) for before in State for after in sorted(LEGAL[before])]
)
def test_a_legal_move_replaces_nothing(tmp_path: Path, before: State, after: State) -> None:
    """What lies at the target stays, and the request stays where it is."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("request")
    target.write_text("somebody else's")

    with pytest.raises(FileExistsError):
        _move(before, after, source, target)

    assert (source.read_text(), target.read_text()) == ("request", "somebody else's")


def test_what_ended_stays_until_it_is_dropped_again() -> None:
    """A person moves it back into the inbox; no other way leads out."""
    assert all(LEGAL[end] == {State.WAITING} for end in ENDS)


def test_a_job_dropped_before_the_clock_went_back_keeps_its_place(line: Line) -> None:
    """Order is by what was noted; summer time changes nothing, because times are UTC."""
    before = an_item("z", seen=datetime(2026, 10, 25, 0, 59, tzinfo=UTC))
    after = an_item("a", seen=datetime(2026, 10, 25, 1, 0, tzinfo=UTC))
    line.admit(after)
    line.admit(before)

    assert line.waiting() == [before, after]
