"""A cancel in the inbox: whom it means, when it is done, and when it goes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from plasma_watch.control import Running
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.job import Ending, State
from tests.fakes.desk import Desk
from tests.fakes.home import REQUEST, a_home, drop

GA_NFC, GA_NFD = "\u304c", "\u304b\u3099"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home on a real disk."""
    return a_home(tmp_path)


@pytest.fixture
def desk(home: Home) -> Desk:
    """Return what looks after that home's inbox."""
    return Desk(home)


def later_than(path: Path, other: Path) -> None:
    """Make a file's change time later than another's, whatever the disk's clock can tell."""
    while path.lstat().st_ctime_ns <= other.lstat().st_ctime_ns:
        os.utime(path)


def ask_to_cancel(home: Home, name: str = "p003") -> Path:
    """Put a cancel into the inbox."""
    return drop(home, f"{name}.cancel", b"")


def begun(desk: Desk) -> Running:
    """Begin the next job, as the worker does."""
    item = desk.line.first(1)[0]
    assert desk.line.claim(item)
    running = Running(item.id, item.name, item.changed_ns)
    desk.control.begin(running)
    return running


def test_a_waiting_job_is_cancelled(home: Home, desk: Desk) -> None:
    """It ends as every job does, is told of, and the cancel goes."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    cancel = ask_to_cancel(home)

    desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert desk.told()["state"] == "cancelled"
    assert desk.told()["why"] == "cancelled before it began"
    assert desk.logged()[-1] == "cancelled: cancelled before it began"
    assert desk.waiting() == []
    assert not cancel.exists()


@pytest.mark.parametrize("litter", [(), (".DS_Store",), (".DS_Store", "._x", ".localized")])
def test_a_folder_asks_too(home: Home, desk: Desk, litter: tuple[str, ...]) -> None:
    """With what Finder puts into it."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    cancel = home.inbox / "p003.cancel"
    cancel.mkdir()
    for name in litter:
        (cancel / name).touch()

    desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert not cancel.exists()


def test_a_folder_with_something_in_it_is_kept(
    home: Home, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It has done what it asked; what a person put into it is not ours to remove."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    (home.inbox / "p003.cancel").mkdir()
    (home.inbox / "p003.cancel" / "note.txt").write_text("mine")

    with caplog.at_level(logging.WARNING):
        desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert (home.inbox / "p003.cancel" / "note.txt").exists()
    assert "p003.cancel cannot be removed" in caplog.text


def test_a_link_asks_and_is_removed_as_a_link(home: Home, desk: Desk) -> None:
    """What it leads to stays."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    (home.inbox / "p003.cancel").symlink_to(home.status)

    desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert home.status.is_dir()


def test_every_waiting_job_of_the_name_is_cancelled(home: Home, desk: Desk) -> None:
    """The urgent one too; and no other."""
    for file in ("p003.toml", "urgent/p003.toml", "p004.toml", "p00.toml"):
        drop(home, file)
    desk.settle(10.0)
    ask_to_cancel(home)

    desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml", "p003.toml"]
    assert sorted(desk.waiting()) == ["p00.toml", "p004.toml"]


@pytest.mark.parametrize("name", [GA_NFC, GA_NFD])
def test_the_name_counts_in_any_form(home: Home, desk: Desk, name: str) -> None:
    """A Mac writes it one way, a shell the other."""
    drop(home, f"{GA_NFD}.toml")
    drop(home, "Page.toml")
    desk.settle(10.0)
    ask_to_cancel(home, name)
    ask_to_cancel(home, "pAGE")

    desk.look(20.0)

    assert desk.waiting() == []
    assert not list(home.inbox.glob("*.cancel"))


def test_a_running_job_is_asked_to_end(home: Home, desk: Desk) -> None:
    """The cancel stays until it has: a crash in between forgets nothing."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    begun(desk)
    cancel = ask_to_cancel(home)

    desk.look(20.0)

    assert desk.control.is_cancelled()
    assert cancel.exists()

    desk.control.end()
    desk.look(30.0)

    assert not cancel.exists()


def test_a_waiting_and_a_running_job_of_the_name_are_both_cancelled(home: Home, desk: Desk) -> None:
    """Both were there before the cancel."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    begun(desk)
    drop(home, "p003.toml")
    desk.settle(20.0)
    ask_to_cancel(home)

    desk.look(30.0)

    assert desk.control.is_cancelled()
    assert desk.ended(State.CANCELLED) == ["p003.toml"]


def test_a_cancel_of_another_name_leaves_the_running_job_alone(home: Home, desk: Desk) -> None:
    """The waiting one is cancelled, its neighbour under our hands is not."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    begun(desk)
    drop(home, "p004.toml")
    desk.settle(20.0)
    ask_to_cancel(home, "p004")

    desk.look(30.0)

    assert desk.ended(State.CANCELLED) == ["p004.toml"]
    assert not desk.control.is_cancelled()


def test_a_cancel_of_nothing_goes(home: Home, desk: Desk) -> None:
    """Nobody has that name: it came too late, or it was mistyped."""
    cancel = ask_to_cancel(home)

    desk.look(10.0)

    assert not cancel.exists()
    assert list(home.status.iterdir()) == []


def test_a_file_dropped_after_the_cancel_is_a_new_wish(home: Home, desk: Desk) -> None:
    """Cancelled and dropped again before anybody looked: the later word counts."""
    cancel = ask_to_cancel(home)
    path = drop(home, "p003.toml")
    later_than(path, cancel)

    desk.look(10.0, path)

    assert desk.waiting() == ["p003.toml"]
    assert not cancel.exists()


def test_a_file_dropped_before_the_cancel_is_cancelled_when_it_is_whole(
    home: Home, desk: Desk
) -> None:
    """It still arrived when the cancel came, which stays until it is known."""
    path = drop(home, "p003.toml")
    cancel = ask_to_cancel(home)
    later_than(cancel, path)

    desk.look(10.0)

    assert cancel.exists()

    desk.look(11.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert not cancel.exists()


def test_a_job_that_was_dropped_after_the_cancel_is_not_cancelled_while_it_runs(
    home: Home, desk: Desk
) -> None:
    """The cancelled one ended, and the next of its name began before the cancel was removed."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    begun(desk)
    cancel = ask_to_cancel(home)
    path = drop(home, "p003.toml", REQUEST + b"# again\n")
    later_than(path, cancel)
    desk.settle(20.0)
    assert desk.control.is_cancelled()

    desk.control.end()
    begun(desk)
    desk.look(30.0)

    assert not desk.control.is_cancelled()
    assert not cancel.exists()


def test_a_cancel_that_was_there_at_a_start_means_the_job_that_goes_on(
    home: Home, desk: Desk
) -> None:
    """The daemon died between the wish and its end."""
    ask_to_cancel(home)
    desk.control.begin(Running("20261122T115900-p003", "p003"))

    desk.look(10.0)

    assert desk.control.is_cancelled()


def test_a_file_that_cannot_be_read_can_be_cancelled(home: Home, desk: Desk) -> None:
    """It would wait for ever."""
    desk.objections["p003.toml"] = PlasmaError(Code.REQUEST_UNREADABLE, "p003.toml: no")
    path = drop(home, "p003.toml")
    desk.look(10.0, path)
    cancel = ask_to_cancel(home)
    later_than(cancel, path)

    desk.look(11.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert desk.told()["state"] == "cancelled"
    assert not cancel.exists()


def test_a_cancel_that_the_disk_stops_is_kept(home: Home, desk: Desk) -> None:
    """It is tried again with the next look."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    cancel = ask_to_cancel(home)
    home.running.rmdir()
    home.running.write_text("in the way")

    desk.look(20.0)

    assert cancel.exists()
    assert (home.inbox / "p003.toml").exists()

    home.running.unlink()
    desk.settle(30.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert not cancel.exists()


def test_announcing_a_job_without_an_ending_says_nothing(home: Home, desk: Desk) -> None:
    """There is nothing to tell yet."""
    drop(home, "p003.toml")
    desk.settle(10.0)
    ongoing = desk.line.claim(desk.the_only())
    assert ongoing
    before = desk.logged()

    desk.inbox.announce(ongoing.job)
    assert desk.logged() == before

    desk.line.finish(ongoing, Ending(State.DONE, "output/p003_v1.png"), desk.inbox.announce)
    assert desk.logged()[-1] == "done: output/p003_v1.png"


def test_a_job_that_an_earlier_daemon_left_begun_is_cancelled(home: Home, desk: Desk) -> None:
    """Also when the cancel is seen before the job is gone on with."""
    left = Running("20261122T120000-p003", "p003")
    desk.control.will_go_on([left])
    cancel = ask_to_cancel(home)

    desk.look(0)

    assert cancel.exists()
    desk.control.begin(left)
    assert desk.control.is_cancelled()
    desk.control.end()
    desk.look(1)
    assert not cancel.exists()


def test_a_job_that_steps_back_is_still_older_than_the_cancel(home: Home, desk: Desk) -> None:
    """The rename that put it back is a change to the file, and no new drop."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    ongoing = desk.line.claim(desk.the_only())
    assert ongoing
    cancel = ask_to_cancel(home)
    desk.line.put_back(ongoing)
    later_than(path, cancel)

    desk.settle(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]
    assert not cancel.exists()


def test_another_file_where_one_was_put_back_is_newer_than_the_cancel(
    home: Home, desk: Desk
) -> None:
    """It was dropped after it: a new inode."""
    path = drop(home, "p003.toml")
    desk.settle(10.0)
    ongoing = desk.line.claim(desk.the_only())
    assert ongoing
    cancel = ask_to_cancel(home)
    desk.line.put_back(ongoing)
    drop(home, ".new.tmp", REQUEST).replace(path)
    later_than(path, cancel)

    desk.settle(20.0)

    assert desk.waiting() == ["p003.toml"]
    assert not cancel.exists()
