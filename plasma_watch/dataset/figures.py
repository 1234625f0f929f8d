"""Which ink makes a figure? Pure: the mask of a sheet in, a box for every figure out.

Parts that hang together are joined to what they belong to: a head above a body whose neck is not
drawn, an ornament between two strands of hair. Labels, swatches and specks are told apart from
figures and named. It knows shapes only: what they show is `framing`'s guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from plasma_watch.dataset.background import Bools, Floats
from plasma_watch.dataset.parts import Ints, Labels, label, spread

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; right and bottom lie outside."""

_GAP_SHARE = 0.004
"""Ink that lies so near, of the longer side, hangs together: the dots of a dotted line do."""
_SPECK_SHARE = 0.13
"""A part lower than this share of the tallest is none by itself."""
_LEAST_SHARE = 0.04
"""Nor is one lower than this share of the sheet's shorter side."""
_LETTERING, _LETTERING_SHARE = 2.6, 0.4
"""What is so much wider than high, and lower than this share of the tallest, is lettering."""
_FULL_SHARE, _ONE_COLOUR = 0.9, 0.95
"""A swatch fills so much of its box, and so much of it is of one colour."""
_SAME_COLOUR = 14.0
_SWATCH_SHARE = 0.5
_LEAST_PIXELS = 9
_INSIDE_SHARE = 0.8
"""A part of which so much lies in another's outline belongs to it."""
_STACK_GAP, _STACK_OVER, _STACK_SMALL = 0.035, 0.6, 0.45
"""A head above a body: the gap of both together, how far they lie over each other, how small it is
beside both."""


class Drop(StrEnum):
    """Why a part is no figure."""

    SPECK = "speck"
    LETTERING = "lettering"
    SWATCH = "swatch"
    BESIDE = "beside"
    """A figure that nobody boxed, where others were boxed by hand."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Of each row, from a top row on: its first and last column with ink, and how much ink it has.

    An empty row has -1 for both columns.
    """

    top: int
    first: tuple[int, ...]
    last: tuple[int, ...]
    inked: tuple[int, ...]

    def span(self, row: int) -> tuple[int, int]:
        """Return the first and last column of a row; where there is no ink, 0 and -1."""
        inside = 0 <= row - self.top < len(self.first)
        found = (self.first[row - self.top], self.last[row - self.top]) if inside else (-1, -1)
        return found if found[0] >= 0 else (0, -1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its box, and its outline."""

    box: Box
    outline: Outline


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part that is no figure, and why."""

    box: Box
    why: Drop


@dataclass(frozen=True, slots=True)
class Found:
    """What a sheet holds: figures in reading order, and what was dropped."""

    figures: tuple[Figure, ...]
    dropped: tuple[Dropped, ...] = ()


def find(mask: Bools, pixels: Floats) -> Found:
    """Return the figures of a sheet, whose colours tell a swatch from a panel."""
    parts, of = _parts(mask, pixels)
    bodies = _together(of, [part for part in parts if part.why is None])
    figures, dropped = _gathered(of, bodies, [part for part in parts if part.why])
    return Found(tuple(_in_order(figures)), tuple(dropped))


@dataclass(frozen=True, slots=True)
class _Part:
    """Some numbered parts taken together, their box, and why they are no figure by themselves."""

    numbers: tuple[int, ...]
    box: Box
    why: Drop | None = None


def _parts(mask: Bools, pixels: Floats) -> tuple[list[_Part], Ints]:
    """Return the parts of a mask, judged, and the number of each pixel's part.

    Swatches go first, so that the lettering between them does not join them.
    """
    single = label(mask)
    pieces = _boxed(single)
    tallest = max((_height(piece.box) for piece in pieces), default=0)
    small = [piece for piece in pieces if _height(piece.box) < _SWATCH_SHARE * tallest]
    swatches = [piece for piece in small if _is_swatch(single.of, piece, pixels)]
    taken = np.isin(single.of, [n for piece in swatches for n in piece.numbers])
    reach = max(1, round(_GAP_SHARE * max(mask.shape)))
    near = label(spread(mask & ~taken, reach, reach))
    of = np.where(taken, single.of + near.count, np.where(mask, near.of, 0))
    rest = _boxed(Labels(np.where(taken, 0, of), near.count))
    judged = [replace(part, why=_judged(part.box, tallest, mask.shape)) for part in rest]
    gone = [_Part((piece.numbers[0] + near.count,), piece.box, Drop.SWATCH) for piece in swatches]
    return judged + gone, of


def _boxed(labels: Labels) -> list[_Part]:
    boxes = enumerate(labels.boxes().tolist(), 1)
    return [_Part((n,), (box[0], box[1], box[2], box[3])) for n, box in boxes]


def _judged(box: Box, tallest: int, size: tuple[int, ...]) -> Drop | None:
    """Return why a part is no figure by itself, or None."""
    height, width = _height(box), box[2] - box[0]
    if width >= _LETTERING * height and height < _LETTERING_SHARE * tallest:
        return Drop.LETTERING
    is_low = height < max(_SPECK_SHARE * tallest, _LEAST_SHARE * min(size))
    return Drop.SPECK if is_low else None


def _is_swatch(of: Ints, piece: _Part, pixels: Floats) -> bool:
    """Tell whether a piece is a rectangle of one colour, with or without a line around it."""
    left, top, right, bottom = piece.box
    rim_x, rim_y = (right - left) // 8 + 1, (bottom - top) // 8 + 1
    inner = pixels[top + rim_y : bottom - rim_y, left + rim_x : right - rim_x].reshape(-1, 3)
    if len(inner) < _LEAST_PIXELS or _fullness(of, piece) < _FULL_SHARE:
        return False
    off = np.abs(inner - np.median(inner, axis=0)).max(axis=1)
    return float((off < _SAME_COLOUR).mean()) >= _ONE_COLOUR


def _fullness(of: Ints, part: _Part) -> float:
    """Return how much of its box a part's outline takes."""
    outline = _figure(of, part).outline
    spans = (outline.span(row) for row in range(part.box[1], part.box[3]))
    return sum(last - first + 1 for first, last in spans) / _area(part.box)


# Joining.


def _together(of: Ints, parts: Sequence[_Part]) -> list[_Part]:
    """Join what belongs together, over and over, until nothing does."""
    found = list(parts)
    while pair := next(_pairs(of, found), None):
        found = [part for part in found if part not in pair]
        found.append(_joined(*pair))
    return found


def _joined(one: _Part, other: _Part) -> _Part:
    return _Part(one.numbers + other.numbers, _union(one.box, other.box))


def _pairs(of: Ints, parts: Sequence[_Part]) -> Iterator[tuple[_Part, _Part]]:
    for n, one in enumerate(parts):
        for other in parts[n + 1 :]:
            if _is_stack(one.box, other.box) or _is_inside(of, one, other):
                yield one, other


def _is_stack(one: Box, other: Box) -> bool:
    """Tell whether one is a small part close above or below the other."""
    whole = _height(_union(one, other))
    over = min(one[2], other[2]) - max(one[0], other[0])
    gap = max(one[1], other[1]) - min(one[3], other[3])
    is_over = over >= _STACK_OVER * min(one[2] - one[0], other[2] - other[0])
    is_small = min(_height(one), _height(other)) <= _STACK_SMALL * whole
    return is_over and is_small and 0 <= gap <= _STACK_GAP * whole


def _is_inside(of: Ints, one: _Part, other: _Part) -> bool:
    """Tell whether the smaller lies in the other's outline, for the most part."""
    small, large = sorted((one, other), key=lambda part: _area(part.box))
    if _area(_common(small.box, large.box)) < _INSIDE_SHARE * _area(small.box):
        return False
    outline = _figure(of, large).outline
    inner = _figure(of, small).outline
    rows = [(inner.span(row), outline.span(row)) for row in range(small.box[1], small.box[3])]
    inked = [(mine, theirs) for mine, theirs in rows if mine[1] >= mine[0]]
    inside = sum(theirs[0] <= mine[0] and mine[1] <= theirs[1] for mine, theirs in inked)
    return inside >= _INSIDE_SHARE * len(inked)


def _gathered(
    of: Ints, bodies: Sequence[_Part], rest: Sequence[_Part]
) -> tuple[list[Figure], list[Dropped]]:
    """Give each small part to the figure in whose outline it lies; the others are dropped."""
    figures = [_figure(of, body) for body in bodies]
    grown, dropped = list(bodies), []
    for part in rest:
        owner = next((n for n, fig in enumerate(figures) if _holds(fig, part.box)), None)
        if owner is None:
            dropped.append(Dropped(part.box, part.why or Drop.SPECK))
        else:
            grown[owner] = _joined(grown[owner], part)
    return [_figure(of, body) for body in grown], dropped


def _holds(figure: Figure, box: Box) -> bool:
    """Tell whether the middle of a part lies between the edges of a figure's outline."""
    first, last = figure.outline.span((box[1] + box[3]) // 2)
    return first <= (box[0] + box[2]) // 2 <= last


def _figure(of: Ints, part: _Part) -> Figure:
    left, top, right, bottom = part.box
    own = np.isin(of[top:bottom, left:right], part.numbers)
    some = own.any(axis=1)
    first = np.where(some, left + own.argmax(axis=1), -1)
    last = np.where(some, right - 1 - own[:, ::-1].argmax(axis=1), -1)
    rows = (tuple(each.tolist()) for each in (first, last, own.sum(axis=1)))
    return Figure(part.box, Outline(top, *rows))


def _in_order(figures: Sequence[Figure]) -> Iterator[Figure]:
    """Yield figures as one reads: row by row, each from the left."""
    left = sorted(figures, key=lambda figure: figure.box[1])
    while left:
        edge = left[0].box[3]
        row = [fig for fig in left if (fig.box[1] + fig.box[3]) / 2 <= edge]
        yield from sorted(row, key=lambda figure: figure.box[0])
        left = [fig for fig in left if fig not in row]


def _height(box: Box) -> int:
    return box[3] - box[1]


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _union(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _common(one: Box, other: Box) -> Box:
    return (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
