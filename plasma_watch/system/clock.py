"""Notices that time jumped: the machine slept, or somebody set its clock. Pure, readings in."""

from __future__ import annotations

from dataclasses import dataclass

JUMP_SECONDS = 60.0
"""Anything less is a busy machine, or a clock that is being corrected."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Both clocks at one moment: the one on the wall, and the one that only counts while awake."""

    wall: float
    awake: float


def jump(before: Instant, now: Instant) -> float:
    """Return by how many seconds the wall clock went further than the other; 0 if by few.

    It is below 0 when the clock was set back.
    """
    further = (now.wall - before.wall) - (now.awake - before.awake)
    return further if abs(further) > JUMP_SECONDS else 0.0
