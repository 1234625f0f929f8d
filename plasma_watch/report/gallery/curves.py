"""Curves as SVG, to stand inside a page: losses and memory over the steps of a training. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

WIDTH, HEIGHT = 800, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 30
_POINTS = 300
"""A curve has so many points at most: more are not seen."""

Points = Sequence[tuple[float, float]]
Placing = Callable[[tuple[float, float]], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: the class that the style knows, and its points."""

    kind: str
    points: Points


def svg(lines: Sequence[Line], label: str, *, from_zero: bool) -> str:
    """Return curves over one axis of steps; an empty text when there is nothing to draw."""
    drawn = [Line(line.kind, thinned(line.points)) for line in lines]
    points = [point for line in drawn for point in line.points]
    if not points:
        return ""
    right = max(1.0, *(x for x, _ in points))
    low, high = _span([y for _, y in points], from_zero=from_zero)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = _LEFT + point[0] / right * (WIDTH - _LEFT - _RIGHT)
        up = (point[1] - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)
        return round(across, 1), round(HEIGHT - _BOTTOM - up, 1)

    parts = [*_axes(low, high, right, place)]
    for line in drawn:
        there = " ".join(f"{x:g},{y:g}" for x, y in map(place, line.points))
        parts.append(f'<polyline class="{line.kind}" points="{there}"/>')
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return "\n".join([head, *parts, "</svg>"])


def _axes(low: float, high: float, right: float, place: Placing) -> list[str]:
    rows = [low, (low + high) / 2, high]
    parts = []
    for value in rows:
        _, y = place((0, value))
        parts += [
            f'<line class="grid-line" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{value:.3g}</text>',
        ]
    foot = HEIGHT - 8
    return [
        *parts,
        f'<text x="{_LEFT}" y="{foot}">step 0</text>',
        f'<text x="{WIDTH - _RIGHT}" y="{foot}" text-anchor="end">{right:.0f}</text>',
    ]


def thinned(points: Points) -> list[tuple[float, float]]:
    """Return finite points only, and not more of them than can be seen: the mean of each few."""
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    every = math.ceil(len(finite) / _POINTS) or 1
    parts = (finite[at : at + every] for at in range(0, len(finite), every))
    return [(part[-1][0], fmean(y for _, y in part)) for part in parts]


def _span(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    low, high = (0.0 if from_zero else min(values)), max(values)
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))
