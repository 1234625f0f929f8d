"""Measures the machine's memory again and again: what the gate judges by, and what a job took.

A thread of its own reads, because a peak lasts a second and a look at a full inbox may take
longer. What the readings mean is decided elsewhere; only how fast swap grows is reckoned here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from plasma_watch.gate import probe
from plasma_watch.gate.memory import SWAP_GROWTH_BYTES, Reading
from plasma_watch.system import platform
from plasma_watch.system.pressure import Pressure

AT_WORK_SECONDS = 1.0
AT_REST_SECONDS = 5.0
KEPT_SECONDS = 300.0
GROWTH_SECONDS = 60.0
"""The time within which the growth of swap counts."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the machine showed at one moment, in bytes."""

    at: float
    available: int
    pressure: Pressure | None
    swap_used: int


def swap_growth(samples: Sequence[Sample], now: float) -> int:
    """Return by how much the swap in use grew within the last minute; never below 0."""
    lately = [sample.swap_used for sample in samples if now - sample.at <= GROWTH_SECONDS]
    return lately[-1] - min(lately) if lately else 0


def was_short(samples: Sequence[Sample], swap_limit: int) -> bool:
    """Tell whether memory was short lately: the system pressed, or swap grew fast."""
    pressed = any(s.pressure is not None and s.pressure >= Pressure.WARN for s in samples)
    grown = (swap_growth(samples[: n + 1], sample.at) for n, sample in enumerate(samples))
    return pressed or any(growth > swap_limit for growth in grown)


@dataclass(slots=True)
class _Watched:
    """The process whose memory counts, and what it held first and at most."""

    pid: int
    before: int
    peak: int


class Meter:
    """The last minutes' samples, and the peak of the process that works."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[], Reading] = probe.memory,
        footprint: Callable[[int], int | None] = platform.footprint,
    ) -> None:
        self._clock = clock
        self._probe = read
        self._footprint = footprint
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._watched: _Watched | None = None

    def run(self, stopping: threading.Event) -> None:
        """Measure until the daemon stops."""
        while not stopping.is_set():
            self.measure()
            stopping.wait(AT_WORK_SECONDS if self._watched else AT_REST_SECONDS)

    def measure(self) -> Reading:
        """Take a sample, and return the reading with what the samples before add to it."""
        reading, now = self._probe(), self._clock()
        with self._lock:
            self._keep(Sample(now, reading.available, reading.pressure, reading.swap_used))
            self._look_at_work()
            return replace(reading, swap_growth=swap_growth(self._samples, now))

    def read(self, *, with_holders: bool = False) -> Reading:
        """Return a fresh reading; who holds the most takes a look at every process."""
        reading = self.measure()
        return replace(reading, holders=probe.biggest_holders()) if with_holders else reading

    def _keep(self, sample: Sample) -> None:
        self._samples.append(sample)
        while sample.at - self._samples[0].at > KEPT_SECONDS:
            self._samples.popleft()

    def _look_at_work(self) -> None:
        if self._watched and (held := self._footprint(self._watched.pid)):
            self._watched.peak = max(self._watched.peak, held)

    def samples(self) -> tuple[Sample, ...]:
        """Return the samples of the last minutes, the newest last."""
        with self._lock:
            return tuple(self._samples)

    def was_short(self) -> bool:
        """Tell whether memory was short within the last minutes."""
        return was_short(self.samples(), SWAP_GROWTH_BYTES)

    # What a job takes.

    def begin(self, pid: int | None) -> None:
        """From now on, the memory of this process is what the job takes."""
        held = self._footprint(pid) if pid else None
        with self._lock:
            self._watched = _Watched(pid, held, held) if pid and held else None

    def end(self) -> int:
        """Return by how much the process had grown at its peak; 0 when it was not measured."""
        with self._lock:
            self._look_at_work()
            watched, self._watched = self._watched, None
            return watched.peak - watched.before if watched else 0
