"""Where a resumed run begins: rightly with `initial_epoch`, and otherwise as wrongly as it does."""

from argparse import Namespace
from typing import Any

import pytest

from plasma_watch.sandbox.trainer.schedule import Schedule, Start, is_told, schedule, start

SIX = Schedule(batches=6, accumulation=1, steps=14)


def options(**given: Any) -> Namespace:
    """Give options."""
    nothing: dict[str, Any] = {
        "max_train_steps": 1600,
        "max_train_epochs": None,
        "gradient_accumulation_steps": 1,
        "initial_step": None,
        "initial_epoch": None,
        "skip_until_initial_step": False,
    }
    return Namespace(**{**nothing, **given})


@pytest.mark.parametrize(
    ("given", "steps", "epochs"),
    [
        ({"max_train_steps": 14}, 14, 3),
        ({"max_train_epochs": 3}, 18, 3),
        ({"max_train_epochs": 3, "max_train_steps": 5}, 18, 3),
        ({"max_train_epochs": 2, "gradient_accumulation_steps": 4}, 4, 2),
    ],
)
def test_steps_are_counted(given: dict[str, int], steps: int, epochs: int) -> None:
    """Epochs win over steps."""
    plan = schedule(options(**given), 6)

    assert (plan.steps, plan.epochs) == (steps, epochs)


@pytest.mark.parametrize(
    ("given", "from_state", "begins"),
    [
        ({}, None, Start()),
        ({"initial_epoch": 2}, 6, Start(epoch=1)),
        ({"initial_epoch": 3}, 6, Start(epoch=2)),
        ({"initial_step": 7}, None, Start(epoch=1)),
        ({}, 8, Start(epoch=1)),
        ({"skip_until_initial_step": True}, 8, Start(epoch=1, skip=2, skipping=8)),
        ({"skip_until_initial_step": True}, None, Start()),
    ],
)
def test_run_begins(given: dict[str, Any], from_state: int | None, begins: Start) -> None:
    """What is told wins over the state, and a state's steps are rounded down to its epoch."""
    assert start(options(**given), SIX, from_state) == begins


@pytest.mark.parametrize("steps", [14, 15])
def test_nothing_left_to_do_is_an_error(steps: int) -> None:
    """Also when all was done already."""
    with pytest.raises(AssertionError, match=f"14 vs {steps}"):
        start(options(), SIX, steps)


def test_state_is_not_listened_to_where_the_options_tell() -> None:
    """Either of two options."""
    told = [is_told(options(**one)) for one in ({}, {"initial_epoch": 1}, {"initial_step": 0})]

    assert told == [False, True, True]
