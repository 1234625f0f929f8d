"""Where two pictures differ: both side by side, and the difference beside them, made visible."""

from __future__ import annotations

from PIL import Image, ImageChops

GAP = 8
"""Pixels between the three."""
_PAPER = (255, 255, 255)


def difference_picture(a: Image.Image, b: Image.Image) -> tuple[Image.Image, float]:
    """Return first, second and difference in a row, and how often the difference is magnified.

    The largest difference becomes white, so that one level of 255 is seen as well as a hundred.
    """
    one, other = a.convert("RGB"), b.convert("RGB").resize(a.size)
    apart = ImageChops.difference(one, other).convert("L")
    largest = max((level for level, count in enumerate(apart.histogram()) if count), default=0)
    times = 255 / largest if largest else 1.0
    shown = apart.point([min(255, round(level * times)) for level in range(256)])
    row = Image.new("RGB", (3 * one.width + 2 * GAP, one.height), _PAPER)
    for place, image in enumerate((one, other, shown.convert("RGB"))):
        row.paste(image, (place * (one.width + GAP), 0))
    return row, times
