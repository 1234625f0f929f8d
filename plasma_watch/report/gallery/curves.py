"""Curves to stand inside a page: losses and memory over the steps of a training. Pure.

The lines are SVG, stretched to the room that there is; numbers are text beside it, so that they can
be read on a phone as well as on a desk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

SIZE = 1000
"""The SVG's own measure, both ways; the style says how large it is shown."""
_POINTS = 300
"""A curve has so many points at most: more are not seen."""
_PARTS = 4
"""An axis has about so many parts, at most one more."""
_ROUND = (1, 2, 5, 10)

Points = Sequence[tuple[float, float]]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: the class that the style knows, and its points."""

    kind: str
    points: Points


def plot(lines: Sequence[Line], label: str, span: Span | None = None) -> str:
    """Return curves over one axis of steps; an empty text when there is nothing to draw.

    `span` says how far the other axis goes at least; without it, it begins at zero.
    """
    drawn = [Line(line.kind, thinned(line.points)) for line in lines]
    points = [point for line in drawn for point in line.points]
    if not points:
        return ""
    right = max(1.0, *(x for x, _ in points))
    marks = ticks(*(span or (0.0, max(y for _, y in points))))
    parts = (*_numbers(marks), *_svg(drawn, right, marks), *_steps(right))
    return "\n".join(
        [f'<div class="plot" role="img" aria-label="{escape(label)}">', *parts, "</div>"]
    )


def _numbers(marks: Sequence[float]) -> Iterator[str]:
    yield '<div class="ups">'
    for mark in marks:
        yield f'<span style="bottom:{_share(mark, marks):.2%}">{mark:g}</span>'
    yield "</div>"


def _svg(lines: Sequence[Line], right: float, marks: Sequence[float]) -> Iterator[str]:
    yield f'<svg viewBox="0 0 {SIZE} {SIZE}" preserveAspectRatio="none" aria-hidden="true">'
    for mark in marks:
        up = f"{(1 - _share(mark, marks)) * SIZE:.4g}"
        yield f'<line class="mark" x1="0" x2="{SIZE}" y1="{up}" y2="{up}"/>'
    for line in lines:
        there = " ".join(
            f"{x / right * SIZE:.1f},{(1 - _share(y, marks)) * SIZE:.1f}" for x, y in line.points
        )
        yield f'<polyline class="{line.kind}" points="{there}"/>'
    yield "</svg>"


def _steps(right: float) -> Iterator[str]:
    yield f'<div class="alongs"><span>step 0</span><span>{right:.0f}</span></div>'


def _share(value: float, marks: Sequence[float]) -> float:
    return (value - marks[0]) / (marks[-1] - marks[0])


def thinned(points: Points) -> list[tuple[float, float]]:
    """Return finite points only, and not more of them than can be seen: the mean of each few."""
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    every = math.ceil(len(finite) / _POINTS) or 1
    parts = (finite[at : at + every] for at in range(0, len(finite), every))
    return [(part[-1][0], fmean(y for _, y in part)) for part in parts]


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers that reach from below the lowest value to above the highest."""
    width = (high - low) or abs(high) or 1.0
    digits = math.floor(math.log10(width / _PARTS))
    step = next(each for each in _ROUND if each * 10.0**digits * _PARTS >= width * _ALMOST)
    first, last = (low / step) / 10.0**digits, (low + width) / step / 10.0**digits
    numbers = range(math.floor(first + _LITTLE), math.ceil(last - _LITTLE) + 1)
    return [round(number * step * 10.0**digits, max(0, -digits)) for number in numbers]


_LITTLE = 1e-9
_ALMOST = 1 - _LITTLE
"""Numbers of a computer are never quite round."""
