"""Curves as SVG, and the numbers beside them."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.report.gallery.curves import SIZE, Line, plot, thinned, ticks


def lines(drawn: str) -> list[list[tuple[float, float]]]:
    """Return the points of each curve, from well-formed XML."""
    found = ET.fromstring(drawn).iter("polyline")  # noqa: S314 - our own
    return [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]  # type: ignore[misc]
        for line in found
    ]


def numbers(drawn: str) -> list[str]:
    """Return what stands beside the curves."""
    return [span.text or "" for span in ET.fromstring(drawn).iter("span")]  # noqa: S314 - the same


def test_a_curve_runs_from_the_left_to_the_right() -> None:
    """Inside its frame; what is higher is higher."""
    (line,) = lines(plot([Line("curve", [(1, 3.0), (50, 1.0), (100, 2.0)])], "x", (1.0, 3.0)))

    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert all(0 <= x <= SIZE and 0 <= y <= SIZE for x, y in line)
    (_, first), (_, lowest), (_, last) = line
    assert first < last < lowest


def test_curves_share_their_axes() -> None:
    """And zero is the bottom where nothing else is asked."""
    first, second = lines(plot([Line("curve", [(0, 4.0)]), Line("other", [(0, 2.0)])], "x"))

    assert first[0][1] < second[0][1] < SIZE


def test_the_numbers_beside_it_are_round() -> None:
    """From the bottom to the top, then the steps."""
    drawn = plot([Line("curve", [(1, 0.187), (975, 0.093)])], "x", (0.09, 0.19))

    assert numbers(drawn) == ["0.05", "0.1", "0.15", "0.2", "step 0", "975"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 8.93, [0.0, 5.0, 10.0]),
        (0.0, 0.0893, [0.0, 0.05, 0.1]),
        (0.0, 1.0, [0.0, 0.5, 1.0]),
        (3.0, 3.0, [3.0, 4.0, 5.0, 6.0]),
        (0.0, 0.0, [0.0, 0.5, 1.0]),
    ],
)
def test_an_axis_is_cut_where_people_would(low: float, high: float, said: list[float]) -> None:
    """Ones, twos and fives."""
    assert ticks(low, high) == said


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_holds_what_it_is_made_for(low: float, width: float) -> None:
    """With few numbers, whatever the values are."""
    marks = ticks(low, low + width)

    little = 1e-6 * (abs(low) + width)
    assert marks[0] <= low + little
    assert marks[-1] >= low + width - little
    assert 2 <= len(marks) <= 7
    assert marks == sorted(set(marks))


def test_a_curve_has_a_name_for_who_cannot_see_it() -> None:
    """As a text, whatever is in it."""
    drawn = plot([Line("curve", [(0, 1.0)])], '<b> & "x"')

    assert ET.fromstring(drawn).attrib["aria-label"] == '<b> & "x"'  # noqa: S314 - our own


@pytest.mark.parametrize("points", [[], [(1, math.nan)], [(1, math.inf), (math.nan, 1)]])
def test_nothing_is_drawn_of_nothing(points: list[tuple[float, float]]) -> None:
    """No empty frame."""
    assert plot([Line("curve", points)], "x") == ""


def test_many_points_become_few() -> None:
    """Each the mean of its neighbours; the last step is kept."""
    points = thinned([(step, step % 2) for step in range(10_000)])

    assert len(points) <= 300
    assert points[-1][0] == 9999
    assert all(0.4 < value < 0.6 for _, value in points)
