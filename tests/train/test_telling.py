"""What is claimed of what is told while a training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plasma_watch.job import Job, Training
from plasma_watch.status import Board
from plasma_watch.train.progress import Course, Device, Epoch, Fact, Pace, Saving, Step
from plasma_watch.train.telling import LOG_SECONDS, Teller, duration, line, sentence
from tests.fakes.home import NOON

JOB = Job("20261122T120000-spyke", "spyke", "spyke.toml", "train", NOON, "0a", training=Training(1))


def course(*facts: Fact, done_epochs: int = 0) -> Course:
    """Return a course of three epochs of ten steps, that has gone through facts."""
    found = Course(0.0, steps_an_epoch=10, epochs=3, done_epochs=done_epochs)
    for fact in facts:
        found.take(fact, 0.0)
    return found


class Wall:
    """A board with a teller before it. Its state: the clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self._folder = folder
        self.board = Board(folder)
        self.teller = Teller(self.board, JOB, lambda: self.now)

    def told(self) -> dict[str, Any]:
        """Return the status."""
        return self.board.read("spyke")

    def log(self) -> list[str]:
        """Return the log, without times and jobs."""
        path = self._folder / "spyke.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [text.split(" ", 2)[2] for text in lines]


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    """A board in a folder of its own."""
    return Wall(tmp_path)


def test_a_step_is_told_with_all_that_is_known(wall: Wall) -> None:
    """Over all runs, with the time to go and its heat."""
    run = course(Step(4, 0.1234), done_epochs=1)
    run.pace = Pace.of((2.0,) * 5)

    wall.teller.tell(run)

    told = wall.told()
    assert told["why"] == "epoch 2 of 3, step 14 of 30, loss 0.123"
    assert (told["step"], told["steps"], told["progress"]) == (14, 30, 0.467)
    assert told["eta_seconds"] == 45
    assert told["attempt"] == 1


def test_a_phase_is_told_in_words(wall: Wall) -> None:
    """Nothing else is known of it yet."""
    wall.teller.tell(course(Device("mps")))

    told = wall.told()
    assert told["why"] == "the trainer loads the model"
    assert "step" not in told
    assert "eta_seconds" not in told


def test_trouble_is_told_behind_it(wall: Wall) -> None:
    """With the code of what it may soon wait for."""
    wall.teller.tell(course(Step(1, 0.5)), "swap grew by 1.0 GB within a minute")

    assert wall.told()["why"].endswith("loss 0.5; swap grew by 1.0 GB within a minute")
    assert wall.told()["waiting_for"] == "memory.short"


@pytest.mark.parametrize(
    ("facts", "done", "said"),
    [
        ([], 0, "the trainer starts"),
        ([Step(3, None)], 0, "epoch 1 of 3, step 3 of 30"),
        ([Step(10, None)], 2, "epoch 3 of 3, step 30 of 30"),
        ([Step(3, 0.5), Saving("x")], 1, "the trainer saves; 1 of 3 epochs are whole"),
    ],
)
def test_where_a_run_stands_is_one_sentence(facts: list[Fact], done: int, said: str) -> None:
    """In every phase."""
    assert sentence(course(*facts, done_epochs=done)) == said


def test_the_log_is_no_flood(wall: Wall) -> None:
    """A line in half a minute, one for each phase, one for each epoch."""
    for fact in (Device("mps"), Step(1, 0.5), Step(2, 0.5)):
        wall.teller.tell(course(fact))
    wall.now = LOG_SECONDS
    wall.teller.tell(course(Step(3, 0.25)))
    wall.teller.tell(course(Step(10, 0.125), Epoch(2)))

    assert wall.log() == [
        "running the trainer loads the model",
        "running step 1/30 3% loss 0.5",
        "running step 3/30 10% loss 0.25",
        "running epoch 1 of 3 is whole, loss 0.125",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.0, "42s 2.00s/step"), (124.0, "2604s 124s/step")]
)
def test_the_pace_stands_in_the_log(seconds: float, shown: str) -> None:
    """Once it is known, in the digits that the screen shows."""
    run = course(Step(15, 0.5))
    run.pace = Pace.of((seconds,) * 5)

    assert line(run) == f"running step 15/30 50% eta {shown} loss 0.5"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (29, "29 s"),
        (90, "2 min"),
        (3540, "59 min"),
        (3600, "1 h 00 min"),
        (5e4, "13 h 53 min"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds: float, said: str) -> None:
    """Not to the second."""
    assert duration(seconds) == said
