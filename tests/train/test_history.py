"""What is claimed of a training's history."""

from __future__ import annotations

from pathlib import Path

from plasma_watch.system.pressure import Pressure
from plasma_watch.train.guards import Sample
from plasma_watch.train.history import History, rows, summed


def sample(footprint: int, available: int, swap: int) -> Sample:
    """Return what the machine showed."""
    return Sample(0.0, available, Pressure.NORMAL, swap, footprint)


def test_a_history_tells_of_all_attempts(tmp_path: Path) -> None:
    """Each line is kept over every restart."""
    path = tmp_path / "history.jsonl"
    first = History(path)
    first.begin(1, 0)
    first.device("mps")
    first.step(1, 0.5)
    first.sample(sample(6, 9, 0))
    second = History(path)
    second.begin(2, 0)
    second.device("mps")
    second.step(1, 0.4)
    second.step(2, 0.3)
    second.took(2.0, 4.0)
    second.sample(sample(7, 3, 1))

    summary = History(path).summary()

    assert summary.losses == {1: 0.4, 2: 0.3}
    assert (summary.loss, summary.seconds_per_step) == (0.3, 3.0)
    assert (summary.peak_bytes, summary.least_available_bytes) == (7, 3)
    assert summary.most_swap_bytes == 1
    assert summary.devices == ("mps",)


def test_a_step_told_twice_has_the_loss_that_was_told_last(tmp_path: Path) -> None:
    """The first time it is the one before."""
    history = History(tmp_path / "history.jsonl")
    history.step(1, None)
    history.step(1, 0.5)

    assert history.summary().losses == {1: 0.5}


def test_a_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    """A crash costs one line at most."""
    path = tmp_path / "history.jsonl"
    History(path).step(1, 0.5)
    with path.open("a") as file:
        file.write('{"step": 2, "lo')

    assert [row["step"] for row in rows(path)] == [1]


def test_nothing_is_known_before_anything_happened(tmp_path: Path) -> None:
    """There is no file yet."""
    summary = History(tmp_path / "history.jsonl").summary()

    assert summary == summed([])
    assert (summary.loss, summary.seconds_per_step, summary.peak_bytes) == (None, None, 0)


def test_a_history_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """The training is worth more than its story."""
    History(tmp_path / "none" / "history.jsonl").step(1, 0.5)

    assert not (tmp_path / "none").exists()
