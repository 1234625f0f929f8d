"""Losses as text: their smoothed curve, a column for each few steps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from plasma_watch.report.loss.curve import Points, curve
from plasma_watch.report.screen.glyphs import Glyphs

_LABEL = 10
MOST_COLUMNS = 72
"""More show noise rather than a curve."""
LEAST_WIDTH = _LABEL + 8


def plot(points: Points, width: int, height: int, glyphs: Glyphs) -> list[str]:
    """Return a plot of so many lines; none when there is nothing to draw, or no room for it."""
    smooth = curve(points).smooth
    if not smooth or width < LEAST_WIDTH or height < 1:
        return []
    columns = _means(smooth, min(width - _LABEL, MOST_COLUMNS))
    low, high = min(columns), max(columns)
    eighths = [_level(value, low, high, height * (len(glyphs.levels) - 1)) for value in columns]
    rows = [_row(eighths, line, glyphs) for line in reversed(range(height))]
    labels = [f"{high:.3g}", *[""] * (height - 2), f"{low:.3g}"][:height]
    return [f"{label:>{_LABEL - 1}} {row}" for label, row in zip(labels, rows, strict=True)]


def _means(losses: Sequence[float], columns: int) -> list[float]:
    """Return the mean of each column's steps; a short training is stretched over all of them."""
    many = len(losses)
    edges = [column * many / columns for column in range(columns + 1)]
    return [
        fmean(losses[int(start) : max(int(end), int(start) + 1)]) for start, end in pairwise(edges)
    ]


def _level(value: float, low: float, high: float, most: int) -> int:
    """Return how high a column is; never nothing, so that it is seen to be there."""
    share = (value - low) / (high - low) if high > low else 1.0
    return max(1, round(share * most))


def _row(heights: Sequence[int], line: int, glyphs: Glyphs) -> str:
    cell = len(glyphs.levels) - 1
    return "".join(glyphs.levels[min(max(height - line * cell, 0), cell)] for height in heights)
