"""Connected parts are told apart, whatever shape they have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.dataset.background import Bools
from plasma_watch.dataset.parts import label, spread


def mask(*rows: str) -> Bools:
    """Return a mask from drawn rows."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_parts_that_touch_by_a_side_are_one() -> None:
    """Corners alone do not join."""
    found = label(mask("##..", "..#.", "#.##"))

    assert found.count == 3
    assert found.areas().tolist() == [2, 3, 1]
    assert found.boxes().tolist() == [[0, 0, 2, 1], [2, 1, 4, 3], [0, 2, 1, 3]]


def test_a_fork_is_one_part() -> None:
    """Two prongs that meet only in the last row, and a spiral that winds back."""
    assert label(mask("#.#", "#.#", "###")).count == 1
    assert label(mask("#####", "#...#", "#.#.#", "#.###", "#....")).count == 1


def test_nothing_has_no_parts() -> None:
    """No boxes, no areas."""
    found = label(np.zeros((3, 4), np.bool_))

    assert found.count == 0
    assert found.boxes().shape == (0, 4)
    assert found.areas().tolist() == []


@given(st.lists(st.integers(0, 2**9 - 1), min_size=1, max_size=9))
def test_labels_agree_with_a_flood(rows: list[int]) -> None:
    """For any mask: the same parts as a flood fill finds, pixel by pixel."""
    drawn = np.array([[bool(row >> bit & 1) for bit in range(9)] for row in rows])

    found = label(drawn)

    assert (found.of > 0).tolist() == drawn.tolist()
    assert {frozenset(part) for part in flooded(drawn)} == {
        frozenset(zip(*np.nonzero(found.of == n), strict=True)) for n in range(1, found.count + 1)
    }


def flooded(drawn: Bools) -> list[set[tuple[int, int]]]:
    """Return the parts of a mask the slow way."""
    left = {(int(r), int(c)) for r, c in zip(*np.nonzero(drawn), strict=True)}
    parts = []
    while left:
        part, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            part.add((row, column))
            around = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)}
            edge += around & left
            left -= around
        parts.append(part)
    return parts


@pytest.mark.parametrize(("across", "down", "area"), [(0, 0, 1), (1, 0, 3), (0, 2, 5), (1, 1, 9)])
def test_a_mask_grows_by_its_reach(across: int, down: int, area: int) -> None:
    """To both sides, and no farther than the picture."""
    dot = np.zeros((7, 7), np.bool_)
    dot[3, 3] = True

    assert int(spread(dot, across, down).sum()) == area
    assert spread(dot, 9, 9).all()
