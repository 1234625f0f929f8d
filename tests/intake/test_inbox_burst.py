"""Thousands of files at once: each look takes some of them, so that the work can begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.intake.inbox import MOST_TAKEN
from plasma_watch.job import State
from tests.fakes.desk import Desk
from tests.fakes.home import a_home, drop


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with more in the inbox than one look takes."""
    desk = Desk(a_home(tmp_path))
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
