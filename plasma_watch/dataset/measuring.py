"""How sharp and how rich in contrast is a picture, and which of many fall behind? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from plasma_watch.dataset.buckets import Size

_FEW = 5
"""Of fewer pictures none stands out."""
_BEHIND = 3.5
"""A picture falls behind when it is so many deviations below the middle of all."""
_THIRD = 1 / 3
"""And when it has less than this share of the middle: of pictures that are all alike none does."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Two numbers of a picture as the trainer sees it."""

    sharpness: float
    """The variance of its second differences: a blurred picture has little."""
    contrast: float
    """The standard deviation of its greys, of 255."""


def measured(image: Image.Image, bucket: Size) -> Measure:
    """Measure a picture at the size of its bucket."""
    grey = np.asarray(image.convert("L").resize(bucket, Image.Resampling.BILINEAR), np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return Measure(float((around - 4 * grey[1:-1, 1:-1]).var()), float(grey.std()))


def behind(values: Mapping[str, float]) -> list[str]:
    """Return the names whose value falls far behind the others'."""
    if len(values) < _FEW:
        return []
    logs = np.log(np.fromiter(values.values(), np.float64) + 1e-3)
    middle = float(np.median(logs))
    deviation = max(float(np.median(np.abs(logs - middle))) * 1.48, 1e-6)
    limit = min(middle - _BEHIND * deviation, middle + float(np.log(_THIRD)))
    return [name for name, value in zip(values, logs, strict=True) if value < limit]
