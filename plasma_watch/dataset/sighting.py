"""What is seen on a sheet: its ground, its figures, and what is no figure. A small copy decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from plasma_watch.dataset.background import Floats, Ground, estimate
from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.figures import Dropped, Figure, find
from plasma_watch.dataset.framing import Framing, Subject, subject
from plasma_watch.dataset.ink import ink
from plasma_watch.dataset.parts import spread
from plasma_watch.dataset.sheet import Sheet

_RIM = 2
"""A ruled line is soft at its edges, too."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a sheet shows, in the pixels of a copy so many times smaller."""

    size: Size
    """The sheet's own, upright."""
    ground: Ground
    figures: tuple[Figure, ...]
    dropped: tuple[Dropped, ...]
    scale: int
    ruled: Image.Image | None = None
    """Where lines are ruled, on the copy."""

    def subjects(self) -> list[Subject]:
        """Return the figures in the sheet's own pixels, in reading order."""
        tallest = max((each.box[3] - each.box[1] for each in self.figures), default=0)
        return [subject(figure, tallest, self.scale) for figure in self.figures]


def look(sheet: Sheet) -> Sighting:
    """Look at a sheet; one without a plain ground is seen as one panel, and nothing besides."""
    small = sheet.small()
    colours = _array(
        _calmed(small.colours) if sheet.is_lossy and small.scale == 1 else small.colours
    )
    alpha = None if small.alpha is None else _array(small.alpha) / np.float32(255)
    ground = estimate(colours, alpha)
    if not ground.is_plain:
        return Sighting(sheet.size, ground, (), (), small.scale)
    inked = ink(colours, alpha, ground)
    found = find(inked.drawn, colours)
    ruled = Image.fromarray(spread(inked.ruled, _RIM, _RIM).astype(np.uint8) * 255)
    return Sighting(sheet.size, ground, found.figures, found.dropped, small.scale, ruled)


def _calmed(image: Image.Image) -> Image.Image:
    """Even out the ripples of a JPEG around its lines, which a copy made smaller does not have."""
    return image.filter(ImageFilter.BoxBlur(1))


def whole(sheet: Sheet) -> Subject:
    """Return a whole sheet as one panel."""
    return Subject((0, 0, *sheet.size), Framing.PANEL, sheet.size[0] / 2)


def _array(image: Image.Image) -> Floats:
    return np.asarray(image, np.float32)
