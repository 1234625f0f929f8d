"""What the machine shows while a picture is made: memory at its peak, and whether the GPU works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from plasma_watch.gate import probe
from plasma_watch.gate.memory import Reading
from plasma_watch.system import platform

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one run, in bytes and per cents; None is unknown."""

    available_before: int
    available_least: int
    available_after: int
    swap_growth: int
    pressure_most: str
    engine_before: int | None
    engine_peak: int | None
    gpu_most: int | None


@dataclass(slots=True)
class Watching:
    """Looks once a second until told to stop. Its state: the readings, and what the engine held."""

    pid: int | None
    read: Callable[[], Reading] = probe.memory
    footprint: Callable[[int], int | None] = platform.footprint
    gpu: Callable[[], int | None] = platform.gpu_use
    readings: list[Reading] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Take one look at everything."""
        self.readings.append(self.read())
        if self.pid and (held := self.footprint(self.pid)):
            self.held.append(held)
        if (used := self.gpu()) is not None:
            self.used.append(used)

    def run(self, stopping: threading.Event) -> None:
        """Look until it is over."""
        while not stopping.wait(LOOK_SECONDS):
            self.look()

    def seen(self) -> Seen:
        """Return what was seen, from the first look to the last."""
        available = [reading.available for reading in self.readings]
        swap = [reading.swap_used for reading in self.readings]
        pressures = [reading.pressure for reading in self.readings if reading.pressure]
        return Seen(
            available_before=available[0],
            available_least=min(available),
            available_after=available[-1],
            swap_growth=max(swap) - swap[0],
            pressure_most=max(pressures).name.lower() if pressures else "unknown",
            engine_before=self.held[0] if self.held else None,
            engine_peak=max(self.held) if self.held else None,
            gpu_most=max(self.used) if self.used else None,
        )
