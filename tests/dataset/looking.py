"""What the tests of the workshop share: a sheet as the pure rooms see it, and how boxes agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from plasma_watch.dataset.background import Bools, Floats, Ground, estimate
from plasma_watch.dataset.figures import Box, Found, find
from plasma_watch.dataset.ink import ink


def arrays(image: Image.Image) -> tuple[Floats, Floats | None]:
    """Return a picture's colours, laid on white, and its alpha if it has one."""
    if image.mode != "RGBA":
        return np.asarray(image.convert("RGB"), np.float32), None
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    alpha = np.asarray(image.getchannel("A"), np.float32) / np.float32(255)
    return np.asarray(paper.convert("RGB"), np.float32), alpha


def seen(image: Image.Image) -> tuple[Ground, Bools, Found]:
    """Return the ground of a picture, its ink, and its figures."""
    colours, alpha = arrays(image)
    ground = estimate(colours, alpha)
    mask = ink(colours, alpha, ground).drawn
    return ground, mask, find(mask, colours)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0, wide) * max(0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


def agreement(true: list[Box] | tuple[Box, ...], found: list[Box]) -> list[float]:
    """Return for each true box how well the best of the found ones agrees with it."""
    return [max((overlap(box, other) for other in found), default=0.0) for box in true]


def loaded(path: Path) -> Image.Image:
    """Return a picture from a file, decoded, with the file closed."""
    with Image.open(path) as image:
        image.load()
        return image.copy()
