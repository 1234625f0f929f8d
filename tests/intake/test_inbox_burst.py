"""Thousands of files at once: each look takes some of them, so that the work can begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.intake.survey import MOST_TAKEN
from plasma_watch.job import State
from tests.fakes.desk import Desk
from tests.fakes.home import a_home, drop


@pytest.fixture(params=[False, True], ids=["all", "hinted"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    """A desk with more in the inbox than one look takes; a look may be told what changed."""
    desk = Desk(a_home(tmp_path), is_hinted=request.param)
    for number in range(MOST_TAKEN + 10):
        drop(desk.home, f"p{number:04}.toml")
    return desk


def test_one_look_takes_so_many_and_the_next_one_is_due_at_once(desk: Desk) -> None:
    """F6, F46: in the order in which they came; none is forgotten and none is taken twice."""
    assert desk.look(10.0) == 0.0
    assert desk.inbox.arriving == MOST_TAKEN
    assert desk.look(10.5) == 0.5
    assert desk.inbox.arriving == MOST_TAKEN + 10

    assert desk.look(11.0) == 0.0
    assert desk.waiting() == [f"p{number:04}.toml" for number in range(MOST_TAKEN)]
    assert desk.inbox.is_behind

    desk.look(11.5)

    assert not desk.inbox.is_behind
    assert desk.waiting() == [f"p{number:04}.toml" for number in range(MOST_TAKEN + 10)]
    assert len(desk.checked) == len(set(desk.checked)) == MOST_TAKEN + 10


def test_the_urgent_are_taken_before_the_thousands(desk: Desk) -> None:
    """Though they came last."""
    drop(desk.home, "urgent/now.toml")
    desk.look(10.0)
    desk.look(11.0)

    assert desk.waiting()[0] == "urgent/now.toml"


def test_a_cancel_stays_until_everything_was_looked_at(desk: Desk) -> None:
    """What it means may be among the rest."""
    last = f"p{MOST_TAKEN + 9:04}"
    cancel = desk.home.inbox / f"{last}.cancel"
    cancel.touch()
    desk.look(10.0)

    assert cancel.exists()

    for now in (10.5, 11.0, 11.5, 12.0):
        desk.look(now)

    assert not cancel.exists()
    assert desk.ended(State.CANCELLED) == [f"{last}.toml"]


def test_what_comes_while_it_is_behind_comes_after_what_is_left(tmp_path: Path) -> None:
    """Whoever drops a page in the middle of a burst does not overtake it."""
    desk = Desk(a_home(tmp_path), is_hinted=True)
    for number in range(2 * MOST_TAKEN):
        drop(desk.home, f"p{number:04}.toml")
    desk.look(10.0)
    drop(desk.home, "late.toml")
    for now in (11.0, 12.0, 13.0, 14.0, 15.0):
        desk.look(now)

    assert not desk.inbox.is_behind
    assert len(desk.waiting()) == 2 * MOST_TAKEN + 1
    assert desk.waiting()[-1] == "late.toml"


def test_a_look_that_is_told_what_changed_reads_nothing_else(tmp_path: Path) -> None:
    """A change that no event named is found by the next look at everything."""
    desk = Desk(a_home(tmp_path))
    drop(desk.home, "p1.toml")
    desk.settle(10.0)
    (desk.home.inbox / "p1.toml").unlink()
    drop(desk.home, "p2.toml")

    desk.look(20.0, touched=frozenset())
    assert desk.waiting() == ["p1.toml"]
    assert desk.inbox.arriving == 0

    desk.look(21.0)
    assert desk.waiting() == []
    assert desk.inbox.arriving == 1


def test_an_inbox_that_is_gone_has_lost_nothing(tmp_path: Path) -> None:
    """A look at some paths does not take a volume that went away for files that did."""
    desk = Desk(a_home(tmp_path))
    path = drop(desk.home, "p1.toml")
    desk.settle(10.0)
    desk.home.inbox.rename(desk.home.root / "away")

    desk.look(20.0, touched=frozenset({path}))

    assert desk.inbox.trouble
    assert desk.waiting() == ["p1.toml"]


@pytest.mark.parametrize("told_first", ["p1.toml", "urgent/p1.toml"])
def test_a_move_to_urgent_is_one_move_though_its_halves_are_told_apart(
    tmp_path: Path, told_first: str
) -> None:
    """The two folders have a watcher each; the job keeps its id whichever is heard first."""
    desk = Desk(a_home(tmp_path))
    old = drop(desk.home, "p1.toml")
    desk.settle(10.0)
    before = desk.the_only()
    new = desk.home.urgent / "p1.toml"
    old.rename(new)

    desk.look(20.0, touched=frozenset({desk.home.inbox / told_first}))
    desk.look(20.1, touched=frozenset({old, new}))

    assert desk.the_only().id == before.id
    assert desk.waiting() == ["urgent/p1.toml"]
