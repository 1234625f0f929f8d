"""When a running trainer must be stopped, though it would go on. Pure: readings in, a verdict out.

The trainer never gives up by itself: it trains NaN to the end, it swaps for days, it falls to the
CPU, it stands still with an open pipe. What is judged here is what it said (`progress`) and what
the machine showed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plasma_watch.config import GB
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate.memory import gb
from plasma_watch.system.pressure import Pressure
from plasma_watch.train.progress import Course, Fact, NanInLatents, NoCaptions, Pace, Phase

QUIET_STEPS = 10
"""A trainer may be quiet for as long as so many of its steps take."""
SLOW_FACTOR = 4.0
"""Steps that take so many times as long as in the beginning are not steps but swapping."""
SLOW_STEPS = 3
"""How many steps in a row must be that slow."""
SWAP_GROWTH = GB // 2
SWAP_SECONDS = 60.0
"""Swap that grows by more than the one within the other means that memory is short."""
PATIENCE_SECONDS = 120.0
"""How long trouble is watched before the trainer is stopped for it."""
CRITICAL_SECONDS = 20.0
"""The same when the system says that it is about to end processes."""
KEPT_SECONDS = 300.0
"""How far back the machine's readings are kept."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the machine showed at one moment, in bytes."""

    at: float
    available: int
    pressure: Pressure | None
    swap_used: int
    footprint: int
    """What the trainer holds, all of its processes together."""

    def __str__(self) -> str:
        pressure = self.pressure.name.lower() if self.pressure else "unknown"
        return (
            f"trainer {gb(self.footprint)}, free {gb(self.available)}, "
            f"swap {gb(self.swap_used)}, pressure {pressure}"
        )


def kept(samples: Sequence[Sample], new: Sample) -> tuple[Sample, ...]:
    """Return the samples of the last minutes, the new one included."""
    return (*(sample for sample in samples if new.at - sample.at <= KEPT_SECONDS), new)


def check_fact(fact: Fact) -> None:
    """Raise the PlasmaError for what must not be heard, if this is it."""
    match fact:
        case NoCaptions():
            raise PlasmaError(
                Code.DATASET_NO_CAPTION,
                "the trainer found no captions and would have trained without",
                "Please report it with the trainer's log: every picture had one before it started.",
            )
        case NanInLatents():
            raise PlasmaError(
                Code.TRAINER_NAN,
                "the trainer found NaN in what its VAE made of a picture",
                "Look whether the base model is whole, or train on another one.",
            )
        case _:
            return


def check_loss(course: Course) -> None:
    """Raise PlasmaError `trainer.nan` when the loss is no number any more: it never comes back."""
    if course.loss_is_bad:
        raise PlasmaError(
            Code.TRAINER_NAN,
            f"the loss became {course.loss} in step {course.step} of {course.steps}",
            "A lower learning_rate (5e-5) often helps. The epochs before it are kept.",
        )


def check_device(course: Course, required: str) -> None:
    """Raise PlasmaError `trainer.cpu-fallback` when it works on another device than it must."""
    device = course.device.partition(":")[0]
    if device and required not in ("any", device):
        raise PlasmaError(
            Code.TRAINER_CPU_FALLBACK,
            f"the trainer would work on {device}; {required} is required",
            "Its Python needs a PyTorch that knows the device, for this processor (arm64), and no "
            "ACCELERATE_USE_CPU; or set kohya.required_device.",
        )


def check_quiet(course: Course, quiet_seconds: float, now: float) -> None:
    """Raise PlasmaError `trainer.stalled` when it said nothing for longer than its phase allows."""
    allowed = max(quiet_seconds, QUIET_STEPS * (course.pace.now() or 0))
    if now - course.heard_at > allowed:
        raise PlasmaError(
            Code.TRAINER_STALLED,
            f"the trainer said nothing for {(now - course.heard_at) / 60:.1f} minutes "
            f"({course.phase}, step {course.step} of {course.steps})",
            "It goes on from the last whole epoch. If a phase is just slow here, "
            "set kohya.quiet_minutes higher.",
        )


def trouble(samples: Sequence[Sample], pace: Pace) -> str:
    """Return what shows that the machine is short of memory, or an empty string."""
    if not samples:
        return ""
    last = samples[-1]
    if last.pressure is not None and last.pressure >= Pressure.WARN:
        return f"the system is short of memory (pressure {last.pressure.name.lower()})"
    if (grown := swap_growth(samples)) > SWAP_GROWTH:
        return f"swap grew by {gb(grown)} within a minute"
    if is_slow(pace):
        return f"a step takes {pace.late[-1]:.1f} s, {pace.baseline():.1f} s in the beginning"
    return ""


def swap_growth(samples: Sequence[Sample]) -> int:
    """Return by how much the swap in use grew within the last minute."""
    last = samples[-1]
    recent = [s.swap_used for s in samples if last.at - s.at <= SWAP_SECONDS]
    return last.swap_used - min(recent)


def is_slow(pace: Pace) -> bool:
    """Tell whether the last steps took several times as long as the first."""
    baseline = pace.baseline()
    if baseline is None or pace.count < SLOW_STEPS:
        return False
    return min(pace.late[-SLOW_STEPS:]) > SLOW_FACTOR * baseline


def is_short(first: Sample, last: Sample) -> bool:
    """Tell whether memory is short, and not merely something slow beside the trainer."""
    is_pressed = last.pressure is not None and last.pressure >= Pressure.WARN
    return is_pressed or last.swap_used - first.swap_used > SWAP_GROWTH


def check_trouble(seen: str, seconds: float, first: Sample, last: Sample) -> None:
    """Raise PlasmaError `trainer.out-of-memory` when trouble lasts longer than it is watched.

    `first` is what the machine showed when the run began. Slow steps alone are told and no reason
    to stop: an epoch would be lost because somebody works beside it.
    """
    allowed = CRITICAL_SECONDS if last.pressure is Pressure.CRITICAL else PATIENCE_SECONDS
    if seen and seconds > allowed and is_short(first, last):
        raise PlasmaError(
            Code.TRAINER_OUT_OF_MEMORY,
            f"the trainer was stopped before the system would: {seen} ({last})",
            "Close other programs, or train at a lower resolution or dim.",
        )


def check_disk(course: Course, free: int, need: int) -> None:
    """Raise PlasmaError `disk.short` when the next epoch would not fit on the disk."""
    if free < need and course.phase is not Phase.SAVED:
        raise PlasmaError(
            Code.DISK_SHORT,
            f"the next epoch needs {gb(need)} of free disk, there is {gb(free)}",
            "Make room; the training goes on from the last whole epoch.",
        )
