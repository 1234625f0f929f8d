"""What the command line of the real trainer has no word for comes with the environment."""

import pytest

from plasma_watch.sandbox.trainer.faults import Fault, FaultError
from plasma_watch.sandbox.trainer.surroundings import FAULTS, SECONDS, SPENT, surroundings_of


def test_nothing_is_asked_for_by_default() -> None:
    """It is fast, nothing goes wrong, and it trains where the real one would."""
    here = surroundings_of({}, "linux")

    assert (here.seconds_per_step, here.faults, here.spent) == (0.05, (), None)
    assert (here.device, surroundings_of({}, "darwin").device) == ("cpu", "mps")


def test_environment_is_read() -> None:
    """Seconds, faults, and the book of those that struck."""
    here = surroundings_of({SECONDS: "1.5", FAULTS: "nan@3", SPENT: "/tmp/spent"})  # noqa: S108

    assert (here.seconds_per_step, here.faults) == (1.5, (Fault("nan", "3"),))
    assert str(here.spent) == "/tmp/spent"  # noqa: S108


def test_unknown_fault_is_no_silence() -> None:
    """It is refused."""
    with pytest.raises(FaultError):
        surroundings_of({FAULTS: "oops"})
