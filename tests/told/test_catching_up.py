"""What a start tells for the daemon before it, on a real home."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.catching_up import tell_ends
from plasma_watch.job import Ending, State
from plasma_watch.status import of_running
from tests.fakes.desk import Desk
from tests.fakes.home import a_home, drop

DONE = Ending(State.DONE, "output/p003_v1.png")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return the desk of a daemon that died and its successor alike."""
    return Desk(a_home(tmp_path))


def catch_up(desk: Desk, *known: str) -> None:
    """Tell what is left to tell; some jobs are under way."""
    tell_ends(desk.board, desk.line, known.__contains__, desk.inbox.announce)


def test_an_end_that_was_not_told_is_told(desk: Desk) -> None:
    """When the daemon died between the job's last move and its status."""
    job = begun(desk)

    catch_up(desk)

    assert desk.told("p003")["state"] == "done"
    assert desk.logged("p003")[-1] == "done: output/p003_v1.png"
    assert desk.told("p003")["job"] == job


def test_a_file_that_was_taken_away_meanwhile_is_told(desk: Desk) -> None:
    """When nobody looked, and its status says that it waits."""
    drop(desk.home, "p003.toml")
    desk.settle(0)
    (desk.home.inbox / "p003.toml").unlink()

    catch_up(desk)

    assert desk.told("p003")["state"] == "cancelled"
    assert "taken away while no daemon looked" in desk.told("p003")["why"]


def test_what_is_under_way_is_left_alone(desk: Desk) -> None:
    """Waiting, arriving and begun jobs are told of by those who carry them."""
    drop(desk.home, "p003.toml")
    desk.settle(0)
    (waiting,) = desk.line.waiting()

    catch_up(desk, waiting.id)

    assert desk.told("p003")["state"] == "waiting"


def test_a_status_that_somebody_edited_leads_nowhere(desk: Desk) -> None:
    """When it names another file, or a job that is none."""
    text = 'name = "../p"\nstate = "running"\njob = "20260101T000000-x"\n'
    (desk.home.status / "odd.toml").write_text(text + "dropped = 2026-01-01T00:00:00Z\n")
    (desk.home.status / "none.toml").write_text('state = "running"\njob = "../../x"\n')

    catch_up(desk)

    assert desk.told("odd")["state"] == "cancelled"
    assert desk.told("none")["state"] == "running"
    assert not (desk.home.root / "p.toml").exists()


def begun(desk: Desk) -> str:
    """Carry a job to its end, and leave its status as it was while it ran."""
    drop(desk.home, "p003.toml")
    desk.settle(0)
    (waiting,) = desk.line.waiting()
    ongoing = desk.line.claim(waiting)
    assert ongoing is not None
    desk.board.own(of_running(ongoing.job, "step 9 of 20"))
    desk.line.finish(ongoing, DONE)
    return waiting.id
