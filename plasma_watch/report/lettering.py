"""Writes on the sheets that people look at: in lines that fit, with the font that Pillow brings."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

TITLE, TEXT = 20, 13
"""The two sizes that sheets are written in."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def line_height(size: int) -> int:
    """Return how far apart lines of a size stand."""
    return round(size * 1.35)


def write(
    page: Image.Image,
    corner: tuple[int, int],
    lines: Sequence[str],
    size: int,
    ink: tuple[int, ...],
) -> None:
    """Write lines below one another, from a corner on."""
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        pen.text(
            (corner[0], corner[1] + number * line_height(size)), line, fill=ink, font=_font(size)
        )


def wrapped(text: str, width: int, most: int, size: int = TEXT) -> list[str]:
    """Return a text in lines that fit; what is too much ends in an ellipsis."""
    font = _font(size)
    lines = list(_lines(" ".join(text.split()), font, width))
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(f"{lines[most - 1]} …", font, width)]
    return lines


def _lines(text: str, font: Font, width: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            yield _cut(line, font, width)
            line = word
        else:
            line = longer
    if line:
        yield _cut(line, font, width)


def _cut(line: str, font: Font, width: int) -> str:
    """Return a line that fits; of one that does not, its beginning."""
    if font.getlength(line) <= width:
        return line
    fits = bisect_right(
        range(len(line)), width, key=lambda n: math.ceil(font.getlength(f"{line[:n]}…"))
    )
    return f"{line[: max(fits - 1, 0)]}…"
