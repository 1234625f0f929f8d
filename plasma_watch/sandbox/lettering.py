"""What is written into a drawing: that it is none of the engine's, and what was asked for."""

from collections.abc import Iterable, Iterator
from functools import cache

from PIL import Image, ImageDraw, ImageFont

BANNER = "SANDBOX"
BANNER_COLOURS = ((20, 20, 20), (255, 210, 0))
CAPTION_COLOURS = ((245, 245, 245), (20, 20, 20))
LONGEST_LINE = 400
"""Characters looked at in one entry: more never fit."""
WRAPPED_LINES = 4
CAPTION_SHARE = 0.35
"""How much of the height the caption may take."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write(canvas: Image.Image, entries: Iterable[str]) -> None:
    """Write the banner above and the entries below, as far as there is room."""
    draw = ImageDraw.Draw(canvas)
    _banner(draw, canvas.width, canvas.height)
    size = max(8, min(canvas.size) // 34)
    room = int(canvas.height * CAPTION_SHARE / (size + 2))
    lines = [line for entry in entries for line in wrapped(entry, canvas.width, size)]
    _caption(draw, canvas.size, lines[:room], size)


def wrapped(entry: str, width: int, size: int) -> list[str]:
    """Break an entry into lines that fit; what is too long ends in dots."""
    lines = list(_lines(readable(entry)[:LONGEST_LINE].split(), width, _font(size)))
    return lines if len(lines) <= WRAPPED_LINES else [*lines[: WRAPPED_LINES - 1], "..."]


def readable(text: str) -> str:
    """Put a question mark in the place of what the built-in font cannot draw."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _banner(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    back, ink = BANNER_COLOURS
    size = max(8, min(width // 8, height // 12))
    draw.rectangle((0, 0, width, size * 1.3), fill=back)
    draw.text((width / 2, size * 0.65), BANNER, fill=ink, font=_font(size), anchor="mm")


def _caption(
    draw: ImageDraw.ImageDraw, canvas: tuple[int, int], lines: list[str], size: int
) -> None:
    back, ink = CAPTION_COLOURS
    top = canvas[1] - len(lines) * (size + 2)
    draw.rectangle((0, top - 2, *canvas), fill=back)
    for index, line in enumerate(lines):
        draw.text((3, top + index * (size + 2)), line, fill=ink, font=_font(size))


def _lines(words: list[str], width: int, font: Font) -> Iterator[str]:
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if line and font.getlength(longer) > width - 6:
            yield line
            longer = word
        line = longer
    yield line


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)
