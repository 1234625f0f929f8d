"""Losses as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.report.screen.glyphs import ASCII, BLOCKS, Glyphs
from plasma_watch.report.screen.plot import LEAST_WIDTH, MOST_COLUMNS, plot

FALLING = [(step, 1.0 / step) for step in range(1, 101)]


@pytest.mark.parametrize("glyphs", [BLOCKS, ASCII])
def test_a_falling_loss_falls(glyphs: Glyphs) -> None:
    """From the left to the right no column is higher than the one before."""
    drawn = plot(FALLING, 60, 6, glyphs)

    columns = list(zip(*(line[10:] for line in drawn), strict=True))
    heights = [sum(glyphs.levels.index(cell) for cell in column) for column in columns]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > 3 * heights[-1]


def test_the_scale_stands_at_its_left() -> None:
    """The highest at the top, the lowest at the bottom."""
    drawn = plot([(1, 0.5), (2, 0.25)], 40, 4, BLOCKS)

    labels = [line[:10].strip() for line in drawn]
    assert float(labels[0]) == pytest.approx(0.5)
    assert 0.25 < float(labels[-1]) < 0.4
    assert labels[1:-1] == ["", ""]


def test_a_short_training_fills_the_width() -> None:
    """Three steps are three stairs."""
    drawn = plot([(1, 0.3), (2, 0.2), (3, 0.1)], 40, 1, BLOCKS)

    assert len(drawn) == 1
    stairs = drawn[0][10:]
    assert len(stairs) == 30
    assert [len(set(stairs[at : at + 10])) for at in (0, 10, 20)] == [1, 1, 1]


def test_what_is_no_number_is_left_out() -> None:
    """A loss of NaN ends a training; the curve before it is shown."""
    assert plot([(1, 0.3), (2, math.nan), (3, math.inf)], 40, 3, BLOCKS)
    assert plot([(1, math.nan)], 40, 3, BLOCKS) == []


@pytest.mark.parametrize(("width", "height"), [(LEAST_WIDTH - 1, 5), (80, 0), (80, -3)])
def test_without_room_there_is_no_plot(width: int, height: int) -> None:
    """Better none than one that says nothing."""
    assert plot(FALLING, width, height, BLOCKS) == []


@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1e6)), min_size=1, max_size=60),
    st.integers(LEAST_WIDTH, 120),
    st.integers(1, 12),
)
def test_every_column_is_seen(points: list[tuple[int, float]], width: int, height: int) -> None:
    """The lowest too; and the plot is as wide and as high as asked."""
    drawn = plot(points, width, height, BLOCKS)

    assert [len(line) for line in drawn] == [min(width, 10 + MOST_COLUMNS)] * height
    assert " " not in drawn[-1][10:]
