"""Cuts a crop out of a sheet: fitted to its bucket, the ground painted on, neighbours painted over.

Where a crop reaches beyond the sheet the ground goes on. What stands on the sheet beside a figure,
labels and other figures, is covered with ground, so that a picture shows one character alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from plasma_watch.dataset.background import Floats, surface
from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.figures import Box, Outline
from plasma_watch.dataset.framing import Area
from plasma_watch.dataset.sheet import Sheet
from plasma_watch.dataset.sighting import Sighting

_RIM = 3
"""So many pixels of the small copy around a neighbour are covered with it."""
_ROOM = 1.16
"""How much more is cut for a picture that is turned, so that no corner stays empty."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A light change: turned by degrees, nearer, lighter. What a character looks like stays."""

    turned: float = 0
    nearer: float = 1
    lighter: float = 1

    @property
    def is_none(self) -> bool:
        """Tell whether it changes nothing."""
        return self == Touch()


@dataclass(frozen=True, slots=True)
class Cut:
    """What to cut: an area, the size it becomes, and the figure that it is of."""

    area: Area
    size: Size
    figure: int | None = None
    """Its number, from 0; None when nothing beside it is to be covered."""
    touch: Touch = Touch()
    is_mirrored: bool = False


def cut(sheet: Sheet, sighting: Sighting, what: Cut) -> Image.Image:
    """Return a crop in RGB, of the size that was asked for."""
    if what.touch.is_none:
        image = _cut(sheet, sighting, what.area, what.size, what.figure)
    else:
        image = _touched(sheet, sighting, what)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if what.is_mirrored else image


def _touched(sheet: Sheet, sighting: Sighting, what: Cut) -> Image.Image:
    """Cut more than is wanted, turn it, and take the middle."""
    wide, high = (round(side * _ROOM) for side in what.size)
    area = _grown(what.area, _ROOM / what.touch.nearer)
    image = _cut(sheet, sighting, area, (wide, high), what.figure)
    image = image.rotate(what.touch.turned, Image.Resampling.BICUBIC)
    left, top = (wide - what.size[0]) // 2, (high - what.size[1]) // 2
    middle = image.crop((left, top, left + what.size[0], top + what.size[1]))
    return ImageEnhance.Brightness(middle).enhance(what.touch.lighter)


def _grown(area: Area, times: float) -> Area:
    x, y = area.width * (times - 1) / 2, area.height * (times - 1) / 2
    return Area(area.left - x, area.top - y, area.right + x, area.bottom + y)


def _cut(
    sheet: Sheet, sighting: Sighting, area: Area, size: Size, figure: int | None
) -> Image.Image:
    """Lay the ground, the sheet on it, ground over its neighbours; then make it the size."""
    scale = max(1, floor(min(area.width / size[0], area.height / size[1]) / 2))
    canvas = _Canvas(sheet, sighting, _rounded(area, scale), scale)
    image = canvas.painted(figure)
    box = tuple(edge / scale for edge in _within(area, canvas.box))
    return image.resize(size, Image.Resampling.LANCZOS, box=(box[0], box[1], box[2], box[3]))


def _rounded(area: Area, step: int) -> Box:
    """Return the box of whole steps that holds an area."""
    left, top = floor(area.left / step) * step, floor(area.top / step) * step
    return left, top, ceil(area.right / step) * step, ceil(area.bottom / step) * step


def _within(area: Area, box: Box) -> tuple[float, float, float, float]:
    return area.left - box[0], area.top - box[1], area.right - box[0], area.bottom - box[1]


@dataclass(frozen=True, slots=True)
class _Canvas:
    """A box of a sheet, so many times smaller, which may reach beyond the sheet."""

    sheet: Sheet
    sighting: Sighting
    box: Box
    scale: int

    def painted(self, figure: int | None) -> Image.Image:
        """Return it with the ground beyond the sheet, and over what is not the figure's."""
        ground = self._ground()
        canvas = ground.copy()
        left, top, right, bottom = self.box
        wide, high = self.sheet.size
        inside = (max(0, left), max(0, top), min(wide, right), min(high, bottom))
        if inside[0] < inside[2] and inside[1] < inside[3]:
            corner = ((inside[0] - left) // self.scale, (inside[1] - top) // self.scale)
            canvas.paste(self.sheet.cut(inside, self.scale), corner)
        if figure is not None:
            canvas.paste(ground, mask=self._foreign(figure))
        return canvas

    def _ground(self) -> Image.Image:
        left, top, right, bottom = self.box
        wide, high = self.sheet.size
        x, y = self._places(left, right, wide), self._places(top, bottom, high)
        colours = surface(self.sighting.ground, x, y)
        return Image.fromarray(np.rint(colours).astype(np.uint8))

    def _places(self, start: int, stop: int, length: int) -> Floats:
        """Return where pixels lie on a side of the sheet, from -1 to 1."""
        middles = np.arange(start, stop, self.scale) + self.scale / 2
        return (middles / length * 2 - 1).astype(np.float32)

    def _foreign(self, figure: int) -> Image.Image:
        """Return where other figures, labels and swatches lie, and the figure itself does not."""
        left, top, right, bottom = self.box
        mask = Image.new("L", ((right - left) // self.scale, (bottom - top) // self.scale))
        if self.sighting.ruled:
            mask = self._seen(self.sighting.ruled, mask.size)
        pen = ImageDraw.Draw(mask)
        for number, other in enumerate(self.sighting.figures):
            if number != figure:
                self._fill(pen, _bands(other.outline), 255)
        self._fill(pen, [part.box for part in self.sighting.dropped], 255)
        self._fill(pen, _bands(self.sighting.figures[figure].outline), 0)
        return mask

    def _seen(self, small: Image.Image, size: Size) -> Image.Image:
        """Return the part of something on the small copy that lies under the canvas."""
        step = self.scale / self.sighting.scale
        left, top = (edge / self.sighting.scale for edge in self.box[:2])
        return small.transform(size, Image.Transform.AFFINE, (step, 0, left, 0, step, top))

    def _fill(self, pen: ImageDraw.ImageDraw, boxes: Sequence[Box], value: int) -> None:
        times = self.sighting.scale / self.scale
        left, top = (edge / self.scale for edge in self.box[:2])
        for box in boxes:
            x0, y0, x1, y1 = _widened(box, _RIM)
            corners = (x0 * times - left, y0 * times - top, x1 * times - left, y1 * times - top)
            pen.rectangle(corners, fill=value)


def _bands(outline: Outline) -> list[Box]:
    """Return an outline as boxes one row high."""
    return list(_rows(outline))


def _rows(outline: Outline) -> Iterator[Box]:
    for row in range(outline.top, outline.top + len(outline.first)):
        first, last = outline.span(row)
        if last >= first:
            yield first, row, last + 1, row + 1


def _widened(box: Box, rim: int) -> Box:
    return box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim
