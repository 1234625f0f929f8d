"""What was measured of a training, step by step, small enough to be kept for good. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from plasma_watch.report.gallery.curves import Points, thinned
from plasma_watch.report.history import Row, losses
from plasma_watch.report.loss.curve import Curve, curve, limits


@dataclass(frozen=True, slots=True)
class Measures:
    """Curves over the steps; each is empty when nothing was measured."""

    losses: Points = ()
    smooth: Points = ()
    held: Points = ()
    """Memory that the trainer held, in bytes."""
    swap: Points = ()

    def loss_span(self) -> tuple[float, float]:
        """Return how far the axis of losses goes."""
        told, smooth = ([y for _, y in points] for points in (self.losses, self.smooth))
        low, high = limits(Curve((), tuple(told), tuple(smooth))) or (0.0, 0.0)
        return max(low, 0.0), high

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps({each.name: getattr(self, each.name) for each in fields(self)})


def measures_of(rows: Sequence[Row]) -> Measures:
    """Return what a history tells; of a step that was made again, the last time counts."""
    shown = curve(losses(list(rows)))
    memory = _memory(rows)
    return Measures(
        thinned(list(zip(shown.steps, shown.losses, strict=True))),
        thinned(list(zip(shown.steps, shown.smooth, strict=True))),
        thinned([(step, held) for step, held, _ in memory]),
        thinned([(step, swap) for step, _, swap in memory]),
    )


def _memory(rows: Sequence[Row]) -> list[tuple[int, float, float]]:
    """Return step, held, swap; what was measured before the first step stands at the beginning."""
    step, found = 0, []
    for row in rows:
        step = row["step"] if isinstance(row.get("step"), int) else step
        held, swap = row.get("footprint"), row.get("swap")
        if isinstance(held, int | float) and isinstance(swap, int | float):
            found.append((step, float(held), float(swap)))
    return found


def kept(text: str) -> Measures:
    """Return what was kept.

    Raises ValueError when it is damaged: it can be done without.
    """
    try:
        told = json.loads(text)
        found = Measures(*(_points(told[each.name]) for each in fields(Measures)))
    except (LookupError, TypeError) as exc:
        raise ValueError("no measures") from exc
    return found


def _points(told: Sequence[Sequence[float]]) -> Points:
    points = [(float(x), float(y)) for x, y in told]
    if not all(math.isfinite(y) for _, y in points):
        raise ValueError("not finite")
    return points
