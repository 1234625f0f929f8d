"""What was measured of a training, as it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plasma_watch.report.gallery.measures import Measures, kept, measures_of


def history(steps: int) -> list[dict[str, Any]]:
    """Return what a training of so many steps writes down."""
    told: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        told += [{"step": step, "loss": 0.2}, {"footprint": 8_000_000_000, "swap": step}]
    return told


def test_memory_is_told_by_the_step() -> None:
    """What was measured before the first step stands at its beginning."""
    told: list[dict[str, Any]] = [
        {"footprint": 1, "swap": 2},
        {"step": 3, "loss": 0.1},
        {"footprint": 4, "swap": 5},
    ]

    found = measures_of(told)

    assert list(found.held) == [(0, 1.0), (3, 4.0)]
    assert list(found.swap) == [(0, 2.0), (3, 5.0)]


def test_of_a_step_that_was_made_again_the_last_time_counts() -> None:
    """A training that was resumed."""
    found = measures_of([{"step": 1, "loss": 0.5}, {"step": 1, "loss": 0.25}])

    assert list(found.losses) == [(1, 0.25)]


def test_a_long_training_is_kept_as_small_as_a_short_one() -> None:
    """And is the same when it is read."""
    found = measures_of(history(20_000))

    assert len(found.to_json()) < 60_000
    assert kept(found.to_json()) == found


def test_an_axis_of_losses_never_goes_below_zero() -> None:
    """No loss does."""
    low, high = measures_of([{"step": 1, "loss": 0.01}, {"step": 2, "loss": 0.5}]).loss_span()

    assert low == 0.0
    assert high > 0.5
    assert Measures().loss_span() == (0.0, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "3",
        "{}",
        json.dumps({"losses": 3, "smooth": [], "held": [], "swap": []}),
        json.dumps({"losses": [[1]], "smooth": [], "held": [], "swap": []}),
        json.dumps({"losses": [["x", 1]], "smooth": [], "held": [], "swap": []}),
        '{"losses": [[1, NaN]], "smooth": [], "held": [], "swap": []}',
    ],
)
def test_damaged_measures_are_refused(text: str) -> None:
    """The page is there without them."""
    with pytest.raises(ValueError):  # noqa: PT011 - any
        kept(text)
