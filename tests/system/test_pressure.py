"""What is claimed of the words for pressure."""

from __future__ import annotations

from plasma_watch.system.pressure import Pressure


def test_pressures_are_ordered_as_they_press() -> None:
    """When a gate asks whether it is at least so much."""
    assert Pressure.NORMAL < Pressure.WARN < Pressure.CRITICAL


def test_pressures_have_the_numbers_of_macos() -> None:
    """The kernel's own, so that its answer needs no table."""
    assert [int(pressure) for pressure in Pressure] == [1, 2, 4]
