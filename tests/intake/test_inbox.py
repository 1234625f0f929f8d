"""The inbox as it is looked after: what is taken, refused, replaced, and what it is told as."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from plasma_watch import toml_text
from plasma_watch.control import Running
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.home import Home
from plasma_watch.intake.inbox import RETRY_SECONDS, Moment
from plasma_watch.job import State
from plasma_watch.system.files import Fingerprint
from plasma_watch.tripwire import POISON_DEATHS, Tripped, Tripwire
from tests.fakes.desk import START, Desk
from tests.fakes.home import REQUEST, a_home, drop, whereabouts

OTHER = b'kind = "generate"\nprompt = "spyke, running"\n'
BAD = b'kind = "generate"\nsteps = "many"\n'
GA_NFC, GA_NFD = "\u304c", "\u304b\u3099"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home on a real disk."""
    return a_home(tmp_path)


@pytest.fixture
def desk(home: Home) -> Desk:
    """Return what looks after that home's inbox."""
    return Desk(home)


# When a file is taken.


def test_a_file_is_taken_when_it_stood_still_and_not_before(home: Home, desk: Desk) -> None:
    """By our own clock; the look says when it is due."""
    drop(home, "p003.toml")

    assert desk.look(10.0) == 1.0
    assert desk.look(10.75) == 0.25
    assert desk.waiting() == []
    assert desk.checked == []
    assert desk.look(11.0) is None
    assert desk.waiting() == ["p003.toml"]


def test_a_file_that_arrives_is_told_of_at_once(home: Home, desk: Desk) -> None:
    """Status and log are there before it is taken, under the id that it keeps."""
    drop(home, "p003.toml")
    desk.look(10.0)

    told = desk.told()
    assert (told["state"], told["kind"]) == ("waiting", "unknown")
    assert "still arriving" in told["why"]
    assert told["job"] == "20261122T120010-p003"
    assert desk.logged() == ["arriving"]

    desk.look(11.0)

    assert desk.told()["job"] == told["job"]
    assert desk.told()["why"] == "in line"
    assert desk.told()["kind"] == "generate"
    assert desk.told()["sha256"] == desk.the_only().sha256
    assert desk.logged() == ["arriving", "waiting"]


def test_a_file_that_was_moved_in_whole_is_taken_at_once(home: Home, desk: Desk) -> None:
    """`submit` writes beside it and renames; on Linux every move into the inbox is seen."""
    path = drop(home, "p003.toml")

    assert desk.look(10.0, path) is None
    assert desk.waiting() == ["p003.toml"]


def test_a_file_that_was_written_to_since_its_move_has_to_stand_still(
    home: Home, desk: Desk
) -> None:
    """What was moved in whole is another file by now."""
    path = drop(home, "p003.toml")
    other = drop(home, ".other")
    desk.look(10.0, other)
    path.write_bytes(OTHER)

    assert desk.look(10.5) == 1.0
    assert desk.waiting() == []


def test_a_slow_copy_is_read_once_and_whole(home: Home, desk: Desk) -> None:
    """F2: in forty pieces, several of which would be good requests by themselves."""
    path = home.inbox / "p003.toml"
    pieces = [REQUEST, *(b"# %02d\n" % number for number in range(38)), b'note = "the end"\n']
    for number, piece in enumerate(pieces):
        with path.open("ab") as file:
            file.write(piece)
        desk.look(10.0 + 0.75 * number)

    assert desk.checked == []

    desk.settle(50.0)

    assert desk.checked == ["p003.toml"]
    assert desk.waiting() == ["p003.toml"]


@pytest.mark.parametrize("when", [0, 2**31 - 1, 4_000_000_000])
def test_the_time_of_a_file_does_not_matter(home: Home, desk: Desk, when: int) -> None:
    """F45: it was unpacked from an archive, or its camera lives in the future."""
    os.utime(drop(home, "p003.toml"), times=(when, when))

    desk.settle(10.0)

    assert desk.waiting() == ["p003.toml"]
    assert desk.the_only().seen == START.replace(second=11)


def test_clocks_that_jump_change_neither_wait_nor_order(home: Home, desk: Desk) -> None:
    """The wait is by the monotonic clock; who comes later stands behind, whatever the hour."""
    for number, hours in enumerate((0, 8760, -1, 0)):
        drop(home, f"p{9 - number}.toml")
        for now in (10.0 * number, 10.0 * number + 1):
            desk.inbox.look(Moment(now, START + timedelta(hours=hours)))

    assert desk.waiting() == ["p9.toml", "p8.toml", "p7.toml", "p6.toml"]


def test_five_thousand_files_are_taken_once_each_in_order(home: Home, desk: Desk) -> None:
    """By the time at which they were changed."""
    paths = [drop(home, f"p{number * 7919 % 5000:04}.toml") for number in range(5000)]

    desk.look(10.0, *paths)
    while desk.look(10.0) is not None:
        pass

    changed = [(home.inbox / name).stat().st_ctime_ns for name in desk.waiting()]
    assert len(desk.checked) == len(set(desk.waiting())) == 5000
    assert len({item.id for item in desk.line.waiting()}) == 5000
    assert changed == sorted(changed)


def test_what_is_found_together_is_in_order_of_change_then_name(home: Home, desk: Desk) -> None:
    """After the change time people's order: p2 before p10."""
    for name in ("p10.toml", "p2.toml", "z.toml"):
        drop(home, name)
    times = {name: (home.inbox / name).stat().st_ctime_ns for name in ("p10.toml", "p2.toml")}

    desk.settle(10.0)

    if times["p10.toml"] == times["p2.toml"]:
        assert desk.waiting()[:2] == ["p2.toml", "p10.toml"]
    else:
        assert desk.waiting()[:2] == ["p10.toml", "p2.toml"]


# What happens to a file that waits.


def test_extra_events_make_no_second_job(home: Home, desk: Desk) -> None:
    """Touched, given other rights, written with the same bytes: a thousand times."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    first = desk.the_only()
    for number in range(1000):
        match number % 3:
            case 0:
                path.touch()
            case 1:
                path.chmod(0o600 if number % 2 else 0o644)
            case _:
                path.write_bytes(REQUEST)
        if number % 10 == 0:
            desk.look(20.0 + number)

    desk.settle(2000.0)

    assert desk.the_only().id == first.id
    assert desk.the_only().seen == first.seen
    assert desk.the_only().sha256 == first.sha256
    assert desk.logged().count("arriving") == 1


def test_a_rewritten_file_keeps_its_place_with_its_new_content(home: Home, desk: Desk) -> None:
    """It is looked at again, and stands where it stood."""
    for number, name in enumerate(("p1.toml", "p2.toml", "p3.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    before = desk.line.first(1)[0]

    drop(home, "p1.toml", OTHER)
    desk.settle(100.0)

    after = desk.line.first(1)[0]
    assert desk.waiting() == ["p1.toml", "p2.toml", "p3.toml"]
    assert (after.id, after.seen) == (before.id, before.seen)
    assert after.sha256 != before.sha256
    assert desk.told("p1")["sha256"] == after.sha256


def test_a_rewritten_file_keeps_its_place_among_those_found_together(
    home: Home, desk: Desk
) -> None:
    """Found by one look, they are ordered by their first change, not by their last."""
    for name in ("p1.toml", "p2.toml", "p3.toml"):
        drop(home, name)
    desk.settle(10.0)
    before = desk.waiting()

    drop(home, before[0], OTHER)
    desk.settle(100.0)

    assert desk.waiting() == before


def test_a_file_that_is_being_rewritten_is_not_run_meanwhile(home: Home, desk: Desk) -> None:
    """It leaves the line until it has stood still again."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    path.write_bytes(BAD)
    desk.look(20.0)

    assert desk.waiting() == []
    assert "still arriving" in desk.told()["why"]


def test_moving_to_urgent_jumps_the_line(home: Home, desk: Desk) -> None:
    """The job keeps its id, and is at no moment told as anything but waiting."""
    for number, name in enumerate(("p1.toml", "p2.toml", "p3.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    before = desk.line.named("p3")[0]

    (home.inbox / "p3.toml").rename(home.urgent / "p3.toml")
    desk.look(50.0)

    after = desk.line.named("p3")[0]
    assert desk.waiting() == ["urgent/p3.toml", "p1.toml", "p2.toml"]
    assert after.id == before.id
    assert after.urgent
    assert {state for name, state in desk.board.heard if name == "p3"} == {State.WAITING}


def test_moving_back_from_urgent_gives_the_place_back(home: Home, desk: Desk) -> None:
    """Somebody changed their mind."""
    for number, name in enumerate(("p1.toml", "p2.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    (home.inbox / "p2.toml").rename(home.urgent / "p2.toml")
    desk.look(50.0)

    (home.urgent / "p2.toml").rename(home.inbox / "p2.toml")
    desk.look(60.0)

    assert desk.waiting() == ["p1.toml", "p2.toml"]


def test_moving_to_urgent_while_it_arrives_keeps_the_id(home: Home, desk: Desk) -> None:
    """It was told of under that id already."""
    drop(home, "p003.toml")
    desk.look(10.0)
    job = desk.told()["job"]

    (home.inbox / "p003.toml").rename(home.urgent / "p003.toml")
    desk.look(10.5)

    assert desk.waiting() == []

    desk.look(11.5)

    assert (desk.the_only().id, desk.the_only().kind) == (job, "generate")
    assert desk.checked == ["p003.toml"]
    assert {state for _, state in desk.board.heard} == {State.WAITING}


def test_a_file_that_was_taken_away_is_told_as_cancelled(home: Home, desk: Desk) -> None:
    """It is not in the line any more."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    path.unlink()
    desk.look(20.0)

    assert desk.waiting() == []
    assert desk.told()["state"] == "cancelled"
    assert "taken out of the inbox" in desk.told()["why"]
    assert desk.logged()[-1] == f"cancelled: {desk.told()['why']}"


def test_a_file_that_the_worker_found_gone_is_told_as_cancelled(home: Home, desk: Desk) -> None:
    """It wanted to begin it before anybody had looked."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    path.unlink()
    desk.line.claim(desk.the_only())

    desk.look(20.0)

    assert desk.waiting() == []
    assert desk.told()["state"] == "cancelled"


def test_a_bad_file_that_goes_while_it_is_checked_is_told_as_cancelled(
    home: Home, desk: Desk
) -> None:
    """There is nothing left to refuse."""
    path = drop(home, "p003.toml")
    desk.objections["p003.toml"] = PlasmaError(Code.WORKFLOW_UNKNOWN, "p003.toml: no")
    desk.on_check = path.unlink

    desk.look(10.0, path)
    desk.look(11.0)

    assert desk.told()["state"] == "cancelled"
    assert desk.inbox.arriving == 0
    assert whereabouts(home)["failed"] == []


def test_a_bad_file_that_is_mended_while_it_is_checked_is_taken(home: Home, desk: Desk) -> None:
    """What is refused is what was read, and nothing else."""
    path = drop(home, "p003.toml")
    desk.objections["p003.toml"] = PlasmaError(Code.WORKFLOW_UNKNOWN, "p003.toml: no")
    desk.on_check = lambda: drop(home, "p003.toml", OTHER)
    desk.look(10.0, path)
    desk.objections.clear()
    desk.on_check = lambda: None
    desk.settle(20.0)

    assert desk.waiting() == ["p003.toml"]
    assert path.read_bytes() == OTHER
    assert whereabouts(home)["failed"] == []


@pytest.mark.parametrize("change", ["gone", "rewritten"])
def test_a_file_that_changed_since_it_was_found_is_left_to_the_next_look(
    home: Home, desk: Desk, change: str
) -> None:
    """While the first of two was checked, somebody had the second one in hand."""
    first, second = drop(home, "p1.toml"), drop(home, "p2.toml")
    desk.on_check = second.unlink if change == "gone" else lambda: drop(home, "p2.toml", OTHER)

    desk.look(10.0, first, second)

    assert desk.waiting() == ["p1.toml"]
    assert desk.checked == ["p1.toml"]


def test_a_stop_is_heard_between_two_files(home: Home, desk: Desk) -> None:
    """There may be thousands of them; the next start goes on."""
    desk.on_check = desk.control.stopping.set

    desk.look(10.0, drop(home, "p1.toml"), drop(home, "p2.toml"))

    assert len(desk.checked) == 1


def test_a_file_that_was_taken_away_while_it_arrived_is_told_as_cancelled(
    home: Home, desk: Desk
) -> None:
    """Its status said that it was arriving; a later drop of the name is a new job."""
    path = drop(home, "p003.toml")
    desk.look(10.0)
    first = desk.told()["job"]
    path.unlink()
    desk.look(10.5)

    assert desk.told()["state"] == "cancelled"
    assert desk.inbox.arriving == 0

    drop(home, "p003.toml")
    desk.settle(86_400.0)

    assert desk.the_only().id != first
    assert desk.the_only().seen == START.replace(day=23, second=1)


def test_a_file_renamed_over_another_replaces_it(home: Home, desk: Desk) -> None:
    """`mv -f a.toml b.toml`: b has a's content, a is told as taken away."""
    drop(home, "a.toml", OTHER)
    drop(home, "b.toml")
    desk.settle(10.0)
    contents = {item.name: item.sha256 for item in desk.line.waiting()}

    (home.inbox / "a.toml").replace(home.inbox / "b.toml")
    desk.settle(20.0)

    assert desk.waiting() == ["b.toml"]
    assert desk.the_only().sha256 == contents["a"]
    assert desk.told("a")["state"] == "cancelled"
    assert desk.told("b")["state"] == "waiting"


def test_two_files_that_swap_names_are_both_run(home: Home, desk: Desk) -> None:
    """Each content once, under the name that it has now."""
    drop(home, "a.toml", OTHER)
    drop(home, "b.toml")
    desk.settle(10.0)
    before = {item.name: item.sha256 for item in desk.line.waiting()}

    (home.inbox / "a.toml").rename(home.inbox / ".swap")
    (home.inbox / "b.toml").rename(home.inbox / "a.toml")
    (home.inbox / ".swap").rename(home.inbox / "b.toml")
    desk.settle(20.0)

    after = {item.name: item.sha256 for item in desk.line.waiting()}
    assert after == {"a": before["b"], "b": before["a"]}


def test_a_rename_in_case_only_keeps_the_job(home: Home, desk: Desk) -> None:
    """To people, and to a Mac, it is the same name."""
    drop(home, "page.toml")
    desk.settle(10.0)
    job = desk.the_only().id

    (home.inbox / "page.toml").rename(home.inbox / "Page.toml")
    desk.look(20.0)

    assert desk.waiting() == ["Page.toml"]
    assert desk.the_only().id == job


@pytest.mark.parametrize(
    ("one", "other"), [(f"{GA_NFC}.toml", f"{GA_NFD}.toml"), ("Page.toml", "page.toml")]
)
def test_twins_are_two_jobs(home: Home, desk: Desk, one: str, other: str) -> None:
    """Two files whose names a Mac holds for one: nothing is lost, each has its own id."""
    drop(home, one)
    drop(home, other, OTHER)
    if len(list(home.inbox.glob("*.toml"))) == 1:
        pytest.skip("this disk holds the two names for one")
    desk.settle(10.0)

    assert sorted(desk.waiting()) == sorted([one, other])
    assert len({item.id for item in desk.line.waiting()}) == 2
    for item in desk.line.waiting():
        assert desk.line.claim(item)
    assert len(whereabouts(home)["running"]) == 2


# What is refused.


def test_a_bad_file_ends_in_failed_with_its_reason(home: Home, desk: Desk) -> None:
    """Request, journal and why.txt together; status and log say the same."""
    path = drop(home, "p003.toml", BAD)

    desk.look(10.0, path)

    (folder,) = home.failed.iterdir()
    assert (folder / "p003.toml").read_bytes() == BAD
    why = (folder / "why.txt").read_text()
    assert "steps" in why
    assert "prompt" in why
    told = desk.told()
    assert told["state"] == "failed"
    assert told["job"] == folder.name
    assert told["error"]["code"].startswith("request.")
    assert len(told["error"]["problems"]) == 2
    assert desk.logged()[-1].startswith("failed: p003.toml: ")
    assert desk.inbox.arriving == 0


def test_a_bad_file_harms_nothing_beside_it(home: Home, desk: Desk) -> None:
    """What waits, waits on; what runs is not asked anything."""
    drop(home, "p1.toml")
    desk.settle(10.0)
    before = desk.line.waiting()
    desk.control.begin(Running("20261122T115900-cover", "cover"))

    desk.look(20.0, drop(home, "p2.toml", BAD), drop(home, "p3.toml", b"\0" * 100))

    assert desk.line.waiting() == before
    assert desk.ended(State.FAILED) == ["p2.toml", "p3.toml"]
    assert not desk.control.is_cancelled()


def test_what_the_kind_objects_to_is_refused_at_once(home: Home, desk: Desk) -> None:
    """A template that is not there, for instance: the file says it before its turn comes."""
    problem = Problem(Code.WORKFLOW_UNKNOWN, "workflow", "is not known", "Did you mean `txt2img`?")
    desk.objections["p003.toml"] = gathered("p003.toml", [problem])

    desk.look(10.0, drop(home, "p003.toml"))

    assert desk.told()["error"]["code"] == "workflow.unknown"
    assert desk.told()["error"]["hint"] == "Did you mean `txt2img`?"


def test_a_file_over_the_limit_is_refused_unread(home: Home, desk: Desk) -> None:
    """It has no digest, because nobody read it."""
    desk.look(10.0, drop(home, "p003.toml", REQUEST + b"#" * 1024))

    assert desk.told()["error"]["code"] == "request.too-big"
    assert "sha256" not in desk.told()


@pytest.mark.parametrize("kind", ["link", "link to a request", "fifo", "socket"])
def test_an_impostor_is_refused_as_it_is(home: Home, desk: Desk, kind: str) -> None:
    """Nothing is opened, nobody waits; it lies in failed/ with the reason beside it."""
    path = home.inbox / "p003.toml"
    match kind:
        case "link":
            path.symlink_to("/etc/passwd")
        case "link to a request":
            path.symlink_to(drop(home, ".good"))
        case "fifo":
            os.mkfifo(path)
        case _:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(path))
    before = path.lstat()

    desk.look(10.0)

    (folder,) = home.failed.iterdir()
    assert (folder / "p003.toml").lstat().st_ino == before.st_ino
    assert (folder / "why.txt").exists()
    assert desk.told()["error"]["code"] == "request.not-a-file"
    assert desk.checked == []


def test_a_hard_link_is_a_file(home: Home, desk: Desk) -> None:
    """It has no other end that could lead elsewhere; its bytes are what is run."""
    other = home.root / "elsewhere.toml"
    other.write_bytes(REQUEST)
    (home.inbox / "p003.toml").hardlink_to(other)

    desk.settle(10.0)

    assert desk.waiting() == ["p003.toml"]


@pytest.mark.parametrize("file", ["daemon.toml", "DAEMON.toml"])
def test_the_name_daemon_is_refused(home: Home, desk: Desk, file: str) -> None:
    """status/daemon.toml is ours and is not touched."""
    desk.board.daemon({"state": "idle"})
    before = (home.status / "daemon.toml").stat().st_ino

    desk.look(10.0, drop(home, file))

    (folder,) = home.failed.iterdir()
    assert "request.name-taken" in (folder / "why.txt").read_text()
    assert (home.status / "daemon.toml").stat().st_ino == before
    assert not (home.status / "daemon.log").exists()


def test_a_file_that_cannot_be_read_waits_and_is_tried_again(home: Home, desk: Desk) -> None:
    """F15: one message says why; it is tried again at times, and taken when it can be read."""
    desk.objections["p003.toml"] = PlasmaError(
        Code.REQUEST_UNREADABLE, "p003.toml cannot be read: Permission denied"
    )
    path = drop(home, "p003.toml")

    assert desk.look(10.0, path) == RETRY_SECONDS
    assert desk.told()["state"] == "waiting"
    assert desk.told()["waiting_for"] == "request.unreadable"
    assert "Permission denied" in desk.told()["why"]

    desk.look(10.0 + RETRY_SECONDS / 2)
    assert desk.checked == ["p003.toml"]

    desk.look(10.0 + RETRY_SECONDS)
    assert desk.checked == ["p003.toml"] * 2

    del desk.objections["p003.toml"]
    desk.look(10.0 + RETRY_SECONDS * 2)
    assert desk.waiting() == ["p003.toml"]
    assert desk.told()["why"] == "in line"
    assert "waiting_for" not in desk.told()


@pytest.mark.parametrize("kind", ["bad file", "impostor"])
def test_a_refusal_that_the_disk_stops_is_tried_again_later(
    home: Home, desk: Desk, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The file stays in the inbox; looks in between do not try."""
    path = home.inbox / "p003.toml"
    if kind == "impostor":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(BAD)
    home.running.rmdir()
    home.running.write_text("in the way")

    with caplog.at_level(logging.WARNING):
        desk.settle(10.0)
        desk.look(12.0)
        desk.look(13.0)

    assert os.path.lexists(path)
    assert len(caplog.records) == 1

    home.running.unlink()
    desk.look(12.0 + RETRY_SECONDS)

    assert desk.told()["state"] == "failed"
    assert not os.path.lexists(path)


@pytest.mark.parametrize("kind", ["bad file", "impostor"])
def test_a_refusal_that_the_disk_stops_halfway_is_ended_later(
    home: Home, desk: Desk, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It has left the inbox; each look tries to move it on, and one line is enough to say so."""
    path = home.inbox / "p003.toml"
    if kind == "impostor":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(BAD)
    home.failed.rmdir()
    home.failed.write_text("in the way")

    with caplog.at_level(logging.WARNING):
        desk.settle(10.0)
        desk.look(12.0)
        desk.look(13.0)

    assert not os.path.lexists(path)
    assert len(caplog.records) == 1

    home.failed.unlink()
    desk.look(14.0)

    assert desk.told()["state"] == "failed"
    assert not os.path.lexists(path)


def test_a_bug_of_ours_fails_its_file_and_not_the_daemon(
    home: Home, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a file makes us raise: it is set aside, and the next one is taken."""
    desk.objections["p1.toml"] = ZeroDivisionError("division by zero")

    desk.look(10.0, drop(home, "p1.toml"), drop(home, "p2.toml"))

    assert desk.told("p1")["error"]["code"] == "daemon.bug"
    assert "ZeroDivisionError" in desk.told("p1")["why"]
    assert desk.waiting() == ["p2.toml"]
    assert "Traceback" in caplog.text


def test_content_that_killed_the_daemon_three_times_is_set_aside(home: Home) -> None:
    """It is not opened a fourth time; the others are taken."""
    path = drop(home, "p003.toml")
    found = Fingerprint.of(path.stat())
    subject = f"p003.toml:{found.inode}:{found.size}:{found.mtime_ns}"
    note = {"subject": subject, "step": "parse", "deaths": POISON_DEATHS}
    (home.private / "tripwire-inbox.json").write_text(json.dumps(note))
    restarted = Desk(home)

    restarted.look(10.0, path, drop(home, "p004.toml"))

    assert restarted.told()["error"]["code"] == "daemon.poison"
    assert restarted.checked == ["p004.toml"]
    assert restarted.waiting() == ["p004.toml"]


def test_a_step_on_a_file_is_noted_while_it_is_under_way(home: Home, desk: Desk) -> None:
    """Else a death in it could not be counted."""
    tripwire = home.private / "tripwire-inbox.json"
    desk.on_check = lambda: noted.append(Tripwire(tripwire).tripped)
    noted: list[Tripped | None] = []

    desk.look(10.0, drop(home, "p003.toml"))

    assert [(found.step, found.deaths) for found in noted if found] == [("parse", 1)]
    assert Tripwire(tripwire).tripped is None


# What is left alone.


def test_litter_is_left_alone_without_a_word(home: Home, desk: Desk) -> None:
    """No job, no reject, no log."""
    litter = (".DS_Store", "._x.toml", "Icon\r", ".x.jpg.icloud", "x.toml.part", "x.toml~")
    for name in litter:
        drop(home, name)

    desk.settle(10.0)

    assert desk.inbox.ignored == {}
    assert desk.waiting() == []
    assert list(home.status.iterdir()) == []
    assert all((home.inbox / name).exists() for name in litter)


def test_mistakes_are_named_with_their_reason(home: Home, desk: Desk) -> None:
    """Until somebody mends them; nothing is moved."""
    for name in ("x.toml.txt", "x.json", "p" * 121 + ".toml"):
        drop(home, name)
    (home.inbox / "pages").mkdir()
    (home.inbox / "p003.toml").mkdir()
    drop(home, "urgent/x.jpg")

    desk.settle(10.0)

    assert desk.inbox.ignored == {
        "x.toml.txt": "its name does not end in .toml",
        "x.json": "not a request; requests are .toml files",
        "p" * 121 + ".toml": "its name is over 120 bytes of UTF-8",
        "pages": "a folder; requests lie in inbox/ or inbox/urgent/ itself",
        "p003.toml": "a folder; requests lie in inbox/ or inbox/urgent/ itself",
        "x.jpg": "not a request; requests are .toml files",
    }
    assert desk.waiting() == []

    for name in ("x.toml.txt", "x.json"):
        (home.inbox / name).unlink()
    desk.look(20.0)

    assert len(desk.inbox.ignored) == 4


def test_a_name_that_is_no_text_is_told_in_text(home: Home, desk: Desk) -> None:
    """Whoever reads the status can read it, and it can be written at all."""
    try:
        drop(home, os.fsdecode(b"bad\xff.toml"))
    except OSError:
        pytest.skip("this disk has no such names")

    desk.settle(10.0)

    written = toml_text.dumps({"ignored": desk.inbox.ignored}).encode()
    assert tomllib.loads(written.decode())["ignored"] == {"bad\\xff.toml": "its name is not UTF-8"}


# Pause.


@pytest.mark.parametrize("name", ["PAUSE", "pause"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_pause_holds_the_line_while_it_lies_there(
    home: Home,
    desk: Desk,
    name: str,
    is_folder: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Files are taken all the same; nothing removes it but a person."""
    path = home.inbox / name
    path.mkdir() if is_folder else path.touch()
    drop(home, "p003.toml")
    desk.settle(10.0)

    assert desk.inbox.is_paused
    assert desk.waiting() == ["p003.toml"]
    assert path.exists()

    path.rmdir() if is_folder else path.unlink()
    desk.look(20.0)

    assert not desk.inbox.is_paused


# After a restart.


def test_place_and_job_survive_a_restart(home: Home, desk: Desk) -> None:
    """The status files remember them; the order is the same as before."""
    for number, name in enumerate(("z.toml", "m.toml", "a.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    drop(home, "together-2.toml")
    drop(home, "together-1.toml")
    desk.settle(40.0)
    before = desk.line.waiting()

    restarted = Desk(home)
    restarted.settle(5000.0)

    after = restarted.line.waiting()
    assert [(item.id, item.seen) for item in after] == [(item.id, item.seen) for item in before]


def test_a_rewritten_file_keeps_its_place_over_a_restart(home: Home, desk: Desk) -> None:
    """Though its change time is the last of all."""
    for name in ("p1.toml", "p2.toml", "p3.toml"):
        drop(home, name)
    desk.settle(10.0)
    before = desk.waiting()
    drop(home, before[0], OTHER)
    desk.settle(20.0)

    restarted = Desk(home)
    restarted.settle(5000.0)

    assert restarted.waiting() == before


def test_another_content_dropped_while_we_were_away_is_a_new_job(home: Home, desk: Desk) -> None:
    """It has no claim to the old one's place."""
    for number, name in enumerate(("a.toml", "b.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    before = desk.line.waiting()[0]
    drop(home, "a.toml", OTHER)

    restarted = Desk(home)
    restarted.settle(5000.0)

    assert restarted.waiting() == ["b.toml", "a.toml"]
    assert restarted.line.waiting()[1].id != before.id
    assert restarted.told("a")["job"] == restarted.line.waiting()[1].id


def test_a_copy_under_way_at_the_start_has_to_stand_still(home: Home, desk: Desk) -> None:
    """What is found at a start passes the same check as what comes later."""
    path = drop(home, "p003.toml", REQUEST[:20])
    desk.look(0.0)
    path.write_bytes(REQUEST)
    desk.look(0.75)

    assert desk.waiting() == []

    desk.look(1.75)

    assert desk.waiting() == ["p003.toml"]
    assert desk.ended(State.FAILED) == []


def test_a_file_that_was_arriving_at_the_stop_is_taken_under_its_id(home: Home, desk: Desk) -> None:
    """A pipeline that read the status goes on reading about the same job."""
    drop(home, "p003.toml")
    desk.look(10.0)
    job = desk.told()["job"]

    restarted = Desk(home)
    restarted.settle(5000.0)

    assert restarted.the_only().id == job


def test_a_finished_name_dropped_again_is_a_new_job(home: Home, desk: Desk) -> None:
    """Also with the same bytes: the same name may be dropped again at any time."""
    desk.look(10.0, drop(home, "p003.toml", BAD))
    first = desk.told()["job"]

    desk.look(20.0, drop(home, "p003.toml", BAD))

    assert desk.told()["job"] != first
    assert len(list(home.failed.iterdir())) == 2


# When the folder itself goes away.


def test_an_inbox_that_is_not_there_tells_nothing(
    home: Home, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Its volume is away for a while: nobody took the requests out, and they keep their places."""
    for number, name in enumerate(("z.toml", "a.toml")):
        drop(home, name)
        desk.settle(10.0 * number)
    (home.inbox / "PAUSE").touch()
    desk.look(30.0)
    before = desk.line.waiting()
    away = home.root / "away"
    home.inbox.rename(away)

    desk.settle(40.0)
    desk.settle(50.0)

    assert desk.told("z")["state"] == desk.told("a")["state"] == "waiting"
    assert desk.inbox.is_paused
    assert len([r for r in caplog.records if "cannot be read" in r.getMessage()]) == 1

    away.rename(home.inbox)
    desk.settle(60.0)

    assert desk.line.waiting() == before
    assert {state for _, state in desk.board.heard} == {State.WAITING}


def test_what_was_claimed_in_vain_comes_back_to_its_place(home: Home, desk: Desk) -> None:
    """The worker found the volume away; when it is back, the job stands where it stood."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    before = desk.the_only()
    away = home.root / "away"
    home.inbox.rename(away)

    assert desk.line.claim(before) is None

    away.rename(home.inbox)
    desk.settle(60.0)

    assert (desk.the_only().id, desk.the_only().seen) == (before.id, before.seen)


def test_an_inbox_deleted_and_made_again_is_empty(home: Home, desk: Desk) -> None:
    """Whoever deletes it takes the requests away."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    shutil.rmtree(home.inbox)
    home.inbox.mkdir()
    desk.look(20.0)

    assert desk.told()["state"] == "cancelled"

    drop(home, "p004.toml")
    desk.settle(30.0)

    assert desk.waiting() == ["p004.toml"]


def test_urgent_may_be_missing(home: Home, desk: Desk) -> None:
    """Somebody removed the empty folder."""
    home.urgent.rmdir()
    drop(home, "p003.toml")

    desk.settle(10.0)

    assert desk.waiting() == ["p003.toml"]
