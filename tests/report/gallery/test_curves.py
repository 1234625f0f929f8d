"""Curves as SVG."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from plasma_watch.report.gallery.curves import HEIGHT, WIDTH, Line, svg, thinned


def lines(drawn: str) -> list[list[tuple[float, float]]]:
    """Return the points of each curve, from well-formed XML."""
    found = ET.fromstring(drawn).iter("polyline")  # noqa: S314 - our own
    return [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]  # type: ignore[misc]
        for line in found
    ]


def test_a_curve_runs_from_the_left_to_the_right() -> None:
    """Inside its frame; what is higher is higher."""
    (line,) = lines(svg([Line("curve", [(1, 3.0), (50, 1.0), (100, 2.0)])], "x", from_zero=False))

    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in line)
    (_, first), (_, lowest), (_, last) = line
    assert first < last < lowest


def test_curves_share_their_axes() -> None:
    """And zero is the bottom where that is asked."""
    first, second = lines(
        svg([Line("curve", [(0, 4.0)]), Line("other", [(0, 2.0)])], "x", from_zero=True)
    )

    assert first[0][1] < second[0][1] < HEIGHT


def test_a_curve_has_a_name_for_who_cannot_see_it() -> None:
    """As a text, whatever is in it."""
    drawn = svg([Line("curve", [(0, 1.0)])], '<b> & "x"', from_zero=True)

    assert ET.fromstring(drawn).attrib["aria-label"] == '<b> & "x"'  # noqa: S314 - our own


@pytest.mark.parametrize("points", [[], [(1, math.nan)], [(1, math.inf), (math.nan, 1)]])
def test_nothing_is_drawn_of_nothing(points: list[tuple[float, float]]) -> None:
    """No empty frame."""
    assert svg([Line("curve", points)], "x", from_zero=True) == ""


def test_many_points_become_few() -> None:
    """Each the mean of its neighbours; the last step is kept."""
    points = thinned([(step, step % 2) for step in range(10_000)])

    assert len(points) <= 300
    assert points[-1][0] == 9999
    assert all(0.4 < value < 0.6 for _, value in points)
