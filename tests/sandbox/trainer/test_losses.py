"""A loss falls, is the same again, and is shown as the real trainer shows it."""

import math
from statistics import fmean

from plasma_watch.sandbox.trainer.losses import Recorder, of_step


def test_loss_falls() -> None:
    """Fast, then slowly; and it is what a real one is, more or less."""
    early, middle, late = (
        fmean(of_step(42, step) for step in range(start, start + 100)) for start in (0, 300, 2000)
    )

    assert 0.2 > early > middle > late > 0.05


def test_loss_of_a_step_is_always_the_same() -> None:
    """For the same seed: a resumed run goes on where another left off."""
    assert of_step(1, 7) == of_step(1, 7)
    assert len({of_step(1, 7), of_step(2, 7), of_step(1, 8)}) == 3


def test_average_is_over_the_last_epoch() -> None:
    """Each step takes the place of the same step an epoch before."""
    recorder = Recorder()
    for step, loss in enumerate((1.0, 2.0, 3.0)):
        recorder.add(0, step, loss)

    assert recorder.add(1, 0, 4.0) == 3.0


def test_run_that_begins_later_counts_zeros() -> None:
    """That is why the first numbers of a run that skips are too small."""
    recorder = Recorder()

    assert [recorder.add(1, step, 1.0) for step in (1, 2)] == [0.5, 2 / 3]


def test_nan_stays() -> None:
    """Once there was one, every average is one."""
    recorder = Recorder()
    recorder.add(0, 0, math.nan)

    assert all(math.isnan(recorder.add(epoch, 0, 1.0)) for epoch in (1, 2))
