"""Which crops does a figure give? Pure: a figure's outline in, boxes with what they show out.

Where an outline narrows to a neck, the head is what is above; else by proportion, as drawings have
it: a figure is so many heads tall. Both are guesses, and every crop that rests on one says so; a
box that was given by hand is none. A crop may reach beyond the sheet: what is not there is painted
as ground by who cuts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import assert_never

from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.figures import Box, Figure, Outline

HEADS = 6.5
"""How many heads tall a figure is where no neck is seen: hair counts as head."""
MARGIN = 0.04
"""The room around a whole figure, as a share of its height."""

_TALL, _SQUARE = 1.8, 1.3
"""So many times higher than wide a figure is a whole one, or may be a head or a bust."""
_PANEL_FULL = 0.97
_HEAD_FULL, _SMALL_FULL = 0.66, 0.5
"""So much of its box a panel takes, a head alone, and a head that is small beside others."""
_HEAD_SHARE = 0.45
"""A head alone is lower than this share of the tallest figure beside it."""
_CUT_WIDE, _CUT_EVEN = 0.6, 0.7
"""A bust ends so wide, of its box, and all at once: its last row has so much of the ink above."""
_CUT_ROWS = (0.012, 0.045)
"""Where these two rows are, from below; the very last one may be a soft edge."""
_NECK_FROM, _NECK_TO = 0.06, 0.5
"""A neck is sought between these shares of the height."""
_NECK_WIDE, _SHOULDERS = 0.62, 1.25
"""It is narrower than this share of the head, and the shoulders so much wider than it."""
_FACE_SIDE, _FACE_TOP = 1.5, 0.2
"""A face's crop, in heads: its side, and the room above the hair."""
_BUST_WIDE, _BUST_HIGH = 2.6, 3.0
_BUST_HEADS = 2.0
"""How many heads tall a bust is where no neck is seen."""
_ALONE_MARGIN = 0.1


class Framing(StrEnum):
    """How much of a character a picture shows."""

    FACE = "face"
    BUST = "bust"
    FULL = "full"
    PANEL = "panel"
    """A picture within the sheet, taken as it is."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a sheet, in its pixels; it may reach beyond the edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """How wide it is."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """How high it is."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Subject:
    """A figure in the sheet's own pixels: its box, what it shows, and where its head is."""

    box: Box
    shows: Framing
    middle: float
    """The column in the middle of its head."""
    head: float = 0
    """How high its head is; 0 where that is not seen."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop that a subject gives."""

    framing: Framing
    area: Area
    guessed: bool = True
    """Whether only proportions say that it shows this."""
    is_cut_below: bool = False
    """Whether the drawing ends at its lower edge, so that no room may be left there."""


def subject(figure: Figure, tallest: int, scale: float) -> Subject:
    """Return a figure that was found on a small copy, as it is on the sheet itself."""
    left, top, right, bottom = (round(edge * scale) for edge in figure.box)
    spans = [figure.outline.span(row) for row in range(figure.box[1], figure.box[3])]
    neck = _neck([last - first + 1 for first, last in spans])
    middle = (_middle(spans[: neck or round(len(spans) / HEADS) or 1]) + 0.5) * scale
    return Subject((left, top, right, bottom), shown(figure, tallest), middle, neck * scale)


def shown(figure: Figure, tallest: int) -> Framing:
    """Guess how much of a character a figure shows, beside the tallest of its sheet."""
    left, top, right, bottom = figure.box
    wide, high = right - left, bottom - top
    full = _fullness(figure)
    if full >= _PANEL_FULL:
        return Framing.PANEL
    if high >= _TALL * wide:
        return Framing.FULL
    if _is_cut(figure.outline, wide):
        return Framing.BUST
    is_small = high < _HEAD_SHARE * tallest and full >= _SMALL_FULL
    is_head = high < _SQUARE * wide and full >= _HEAD_FULL
    return Framing.FACE if is_head or is_small else Framing.FULL


def _fullness(figure: Figure) -> float:
    """Return how much of its box lies between the edges of a figure's outline."""
    left, top, right, bottom = figure.box
    spans = (figure.outline.span(row) for row in range(top, bottom))
    return sum(last - first + 1 for first, last in spans) / ((right - left) * (bottom - top))


def _is_cut(outline: Outline, wide: int) -> bool:
    """Tell whether a figure ends below all at once, as wide as it is: a bust."""
    rows = len(outline.inked)
    end, above = (max(0, rows - 1 - max(1, round(rows * share))) for share in _CUT_ROWS)
    is_wide = outline.last[end] - outline.first[end] + 1 >= _CUT_WIDE * wide
    return is_wide and outline.inked[end] >= _CUT_EVEN * outline.inked[above]


def _neck(widths: Sequence[int]) -> int:
    """Return the row where an outline narrows to a neck; 0 where it does not."""
    rows = range(round(_NECK_FROM * len(widths)), round(_NECK_TO * len(widths)))
    necks = (row for row in rows if _is_neck(widths, row))
    return min(necks, key=lambda row: widths[row], default=0)


def _is_neck(widths: Sequence[int], row: int) -> bool:
    head, below = max(widths[:row], default=0), widths[row : row + len(widths) // 6 + 1]
    return widths[row] <= _NECK_WIDE * head and max(below) > _SHOULDERS * widths[row]


def _middle(spans: Sequence[tuple[int, int]]) -> float:
    """Return the middle column of the ink in some rows."""
    return median((first + last) / 2 for first, last in spans if last >= first)


def crops(of: Subject, heads: float = 0) -> Iterator[Crop]:
    """Yield the crops of a subject, the closest first; `heads` it is tall if that is known."""
    high = of.box[3] - of.box[1]
    match of.shows:
        case Framing.FULL:
            head = high / heads if heads else of.head or high / HEADS
            yield Crop(Framing.FACE, _face(of, head))
            yield Crop(Framing.BUST, _bust(of, head))
            yield Crop(Framing.FULL, _roomy(of.box, MARGIN))
        case Framing.BUST:
            yield Crop(Framing.FACE, _face(of, of.head or high / _BUST_HEADS))
            yield Crop(Framing.BUST, _roomy(of.box, MARGIN, below=0), is_cut_below=True)
        case Framing.FACE:
            yield Crop(Framing.FACE, _roomy(of.box, _ALONE_MARGIN))
        case Framing.PANEL:
            yield Crop(Framing.PANEL, _roomy(of.box, 0), guessed=False)
        case _:
            assert_never(of.shows)


def _face(of: Subject, head: float) -> Area:
    half, top = head * _FACE_SIDE / 2, of.box[1] - _FACE_TOP * head
    return Area(of.middle - half, top, of.middle + half, top + 2 * half)


def _bust(of: Subject, head: float) -> Area:
    half = head * _BUST_WIDE / 2
    top = of.box[1] - _FACE_TOP * head
    return Area(of.middle - half, top, of.middle + half, top + head * _BUST_HIGH)


def _roomy(box: Box, share: float, below: float | None = None) -> Area:
    room = share * (box[3] - box[1])
    under = room if below is None else below
    return Area(box[0] - room, box[1] - room, box[2] + room, box[3] + under)


def fitted(crop: Crop, bucket: Size) -> Area:
    """Return a crop's area, grown to the shape of its bucket; what the drawing ends at stays."""
    area = crop.area
    wide = max(area.width, area.height * bucket[0] / bucket[1])
    high = max(area.height, area.width * bucket[1] / bucket[0])
    more_x, more_y = (wide - area.width) / 2, high - area.height
    below = 0 if crop.is_cut_below else more_y / 2
    return Area(
        area.left - more_x, area.top - more_y + below, area.right + more_x, area.bottom + below
    )


def covered(crop: Crop, bucket: Size) -> Area:
    """Return as much of a crop's area as has the shape of its bucket, from the middle."""
    area = crop.area
    wide = min(area.width, area.height * bucket[0] / bucket[1])
    high = min(area.height, area.width * bucket[1] / bucket[0])
    x, y = (area.width - wide) / 2, (area.height - high) / 2
    return Area(area.left + x, area.top + y, area.right - x, area.bottom - y)


def kept_inside(area: Area, size: Size) -> Area:
    """Return an area moved into a picture; one that is larger than it is made as small."""
    times = min(1, size[0] / area.width, size[1] / area.height)
    wide, high = area.width * times, area.height * times
    x = min(max((area.left + area.right - wide) / 2, 0), size[0] - wide)
    y = min(max((area.top + area.bottom - high) / 2, 0), size[1] - high)
    return Area(x, y, x + wide, y + high)


def enlarged(area: Area, bucket: Size) -> float:
    """Return how many times larger a crop becomes in its bucket."""
    return bucket[0] / area.width
