"""The numbers in the picture of a training's losses: which are drawn, how smooth, how far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Points = Sequence[tuple[int, float]]

SPANS = 20
"""A smooth curve follows about so many bends, however long a training is."""
SHORTEST_SPAN = 4
LEFT_OUT = 0.01
"""The share of losses at each end that may lie outside of the picture."""
MOST_MARKS = 12
MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn of the losses."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    broken: int | None = None
    """The first step whose loss is no number: what comes after it is worth nothing."""


def curve(points: Points) -> Curve:
    """Sort losses by their steps; of a step that was made again, the last one counts."""
    by_step = dict(sorted(dict(points).items()))
    finite = {step: loss for step, loss in by_step.items() if math.isfinite(loss)}
    broken = [step for step in by_step if step not in finite]
    losses = tuple(finite.values())
    return Curve(tuple(finite), losses, smoothed(losses), min(broken, default=None))


def smoothed(losses: Sequence[float]) -> tuple[float, ...]:
    """Take the noise out: an average in which the older counts less, from the first step on."""
    keep = 1 - 1 / max(SHORTEST_SPAN, len(losses) / SPANS)
    smooth = []
    total = weight = 0.0
    for loss in losses:
        total = keep * total + (1 - keep) * loss
        weight = keep * weight + (1 - keep)
        smooth.append(total / weight)
    return tuple(smooth)


def limits(shown: Curve) -> tuple[float, float] | None:
    """Choose how far the axis of losses goes: a few that are far off do not flatten the rest.

    Where it ends is always in the picture: a loss that runs away does so at the end.
    """
    if not shown.losses:
        return None
    usual = (*_usual(shown.losses), *_usual(shown.smooth), shown.smooth[-1])
    low, high = min(usual), max(usual)
    room = MARGIN * (high - low) or MARGIN * abs(high) or MARGIN
    return low - room, high + 2 * room


def _usual(values: Sequence[float]) -> tuple[float, float]:
    ranked = sorted(values)
    skip = int(len(ranked) * LEFT_OUT)
    return ranked[skip], ranked[-1 - skip]


def marked(epochs: Sequence[int]) -> list[tuple[int, int]]:
    """Choose the epochs whose ends are marked: not so many that nobody can read them."""
    every = math.ceil(len(epochs) / MOST_MARKS)
    return [(number, step) for number, step in enumerate(epochs, 1) if number % every == 0]
