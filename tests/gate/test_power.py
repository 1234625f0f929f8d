"""Which trainings the battery lets start."""

from __future__ import annotations

import pytest

from plasma_watch.config import Power
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.gate import probe
from plasma_watch.gate.memory import Start, Wait
from plasma_watch.gate.power import Battery, verdict

ALLOWED = Power(train_on_battery=True, train_battery_percent=30)


@pytest.mark.parametrize("battery", [None, Battery(5, is_plugged=True), Battery(5, None)])
def test_on_the_mains_everything_may_start(battery: Battery | None) -> None:
    """However empty the battery is; and where nothing is known, nothing is held up."""
    assert verdict(Power(), battery) == Start()


def test_on_the_battery_a_training_waits() -> None:
    """However full it is."""
    found = verdict(Power(), Battery(95, is_plugged=False))

    assert isinstance(found, Wait)
    assert found.code == Code.TRAINER_ON_BATTERY
    assert "95 %" in found.why
    assert PlasmaError(found.code, found.why).fate is Fate.WAIT


@pytest.mark.parametrize(("percent", "starts"), [(30, True), (29, False)])
def test_where_it_is_allowed_it_must_be_full_enough(percent: float, *, starts: bool) -> None:
    """As the config says."""
    found = verdict(ALLOWED, Battery(percent, is_plugged=False))

    assert isinstance(found, Start) is starts


def test_this_machines_battery_is_read() -> None:
    """Or it has none."""
    found = probe.battery()

    assert found is None or 0 <= found.percent <= 100
