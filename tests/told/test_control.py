"""What is claimed of stops, cancels, and jobs that step aside."""

from __future__ import annotations

import pytest

from plasma_watch.control import CancelAsked, Control, Running, Stopping

SPYKE, PAGE = Running("1-spyke", "spyke"), Running("2-page", "page")


def test_nothing_is_asked_at_first() -> None:
    """A job that begins goes on."""
    control = Control()
    control.begin(SPYKE)

    control.check()

    assert control.begun() == (SPYKE,)


def test_a_stop_comes_before_a_cancel() -> None:
    """The job is cancelled by the next daemon, which looks again."""
    control = Control()
    control.begin(SPYKE)
    control.cancel(SPYKE.id)
    with pytest.raises(CancelAsked):
        control.check()
    control.stopping.set()

    with pytest.raises(Stopping):
        control.wait(10)


def test_a_cancel_is_over_with_its_job() -> None:
    """The next one of that name is another."""
    control = Control()
    control.begin(SPYKE)
    control.cancel(SPYKE.id)
    control.end()
    control.begin(SPYKE)

    control.check()


def test_a_job_that_steps_aside_is_still_begun() -> None:
    """It can be cancelled meanwhile, and hears it when its turn comes again."""
    control = Control()
    control.begin(SPYKE)
    control.set_aside()
    control.end()
    control.begin(PAGE)

    assert control.begun() == (PAGE, SPYKE)
    control.cancel(SPYKE.id)
    control.check()
    control.end()
    control.begin(SPYKE)

    assert control.begun() == (SPYKE,)
    with pytest.raises(CancelAsked):
        control.check()


def test_nobody_steps_aside_when_nobody_runs() -> None:
    """There is nothing to keep."""
    control = Control()
    control.set_aside()

    assert control.begun() == ()
