"""What is claimed of measuring again and again."""

from __future__ import annotations

import os
import threading
from itertools import pairwise

import pytest

from plasma_watch.config import GB
from plasma_watch.gate.memory import Reading
from plasma_watch.gate.meter import (
    GROWTH_SECONDS,
    KEPT_SECONDS,
    Meter,
    Sample,
    swap_growth,
    was_short,
)
from plasma_watch.system.pressure import Pressure

LIMIT = GB // 2


class Machine:
    """A machine that shows what it is told. Its state: the clock and its memory."""

    def __init__(self) -> None:
        self.now = 0.0
        self.swap = 0
        self.held: int | None = GB
        self.pressure: Pressure | None = Pressure.NORMAL
        self.meter = Meter(lambda: self.now, self._read, lambda _: self.held)

    def _read(self) -> Reading:
        return Reading(16 * GB, 8 * GB, self.pressure, swap_used=self.swap)

    def after(self, seconds: float, swap: int = 0) -> Reading:
        """Let time pass, swap be so, and measure."""
        self.now += seconds
        self.swap = swap
        return self.meter.measure()


@pytest.fixture
def machine() -> Machine:
    """A machine at rest."""
    return Machine()


def test_swap_that_grows_within_a_minute_is_seen(machine: Machine) -> None:
    """It is the growth that counts: what was swapped out long ago is no harm."""
    assert machine.after(0, swap=5 * GB).swap_growth == 0
    assert machine.after(30, swap=6 * GB).swap_growth == GB
    assert machine.after(GROWTH_SECONDS, swap=6 * GB).swap_growth == 0


def test_swap_that_shrinks_is_no_growth(machine: Machine) -> None:
    """Also when it grew before that."""
    machine.after(0, swap=2 * GB)

    assert machine.after(5, swap=GB).swap_growth == 0
    assert machine.after(5, swap=3 * GB // 2).swap_growth == GB // 2


def test_only_the_last_minutes_are_kept(machine: Machine) -> None:
    """However long it runs."""
    for _ in range(200):
        machine.after(5)

    samples = machine.meter.samples()
    assert samples[-1].at - samples[0].at <= KEPT_SECONDS
    assert all(a.at < b.at for a, b in pairwise(samples))


def test_nothing_measured_is_no_growth() -> None:
    """And nothing was short."""
    assert swap_growth([], 0) == 0
    assert not was_short([], LIMIT)


@pytest.mark.parametrize(
    ("swaps", "pressure", "short"),
    [
        ([0, 0, 0], Pressure.NORMAL, False),
        ([0, 0, 0], None, False),
        ([0, 0, 0], Pressure.WARN, True),
        ([0, 0, 0], Pressure.CRITICAL, True),
        ([0, GB, 0], Pressure.NORMAL, True),
        ([GB, 0, LIMIT], Pressure.NORMAL, False),
    ],
)
def test_what_was_short_is_seen_afterwards(
    swaps: list[int], pressure: Pressure | None, *, short: bool
) -> None:
    """One moment of it is enough: it may be over when something was killed."""
    samples = [Sample(5.0 * n, GB, None, swap) for n, swap in enumerate(swaps)]
    samples[1] = Sample(5.0, GB, pressure, swaps[1])

    assert was_short(samples, LIMIT) is short


def test_what_was_short_is_told_by_the_meter(machine: Machine) -> None:
    """By its own samples."""
    machine.after(0)
    assert not machine.meter.was_short()

    machine.after(5, swap=GB)

    assert machine.meter.was_short()


def test_a_job_takes_what_its_process_grew_by_at_its_peak(machine: Machine) -> None:
    """Not what it held before, and not what it holds at the end."""
    machine.meter.begin(4711)
    for held in (3 * GB, 7 * GB, 2 * GB):
        machine.held = held
        machine.after(1)

    assert machine.meter.end() == 6 * GB
    assert machine.meter.end() == 0


def test_a_process_that_is_gone_took_what_was_seen_of_it(machine: Machine) -> None:
    """It was killed at its peak."""
    machine.meter.begin(4711)
    machine.held = 5 * GB
    machine.after(1)
    machine.held = None
    machine.after(1)

    assert machine.meter.end() == 4 * GB


def test_what_cannot_be_looked_at_is_not_measured(machine: Machine) -> None:
    """Nobody knows which process it is, or it is another user's."""
    machine.meter.begin(None)
    assert machine.meter.end() == 0
    machine.held = None
    machine.meter.begin(4711)
    assert machine.meter.end() == 0


def test_it_measures_until_it_is_stopped() -> None:
    """This very machine; who holds the most only when asked."""
    meter, stopping = Meter(), threading.Event()
    thread = threading.Thread(target=meter.run, args=(stopping,))
    meter.begin(os.getpid())
    thread.start()
    while not meter.samples():
        pass
    stopping.set()
    thread.join()

    assert meter.read().holders == ()
    assert meter.read(with_holders=True).holders
