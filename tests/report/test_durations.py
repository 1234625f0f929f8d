"""How long things take, for people."""

from __future__ import annotations

import pytest

from plasma_watch.report.durations import duration, pace


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (7384, "2 h 03 min")]
)
def test_durations_are_told_as_people_do(seconds: float, said: str) -> None:
    """No number of seconds over a minute."""
    assert duration(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.305, "0.30"), (9.9, "9.90"), (124.4, "124")])
def test_a_pace_has_as_many_digits_as_say_something(seconds: float, said: str) -> None:
    """Two behind the point at most."""
    assert pace(seconds) == said
