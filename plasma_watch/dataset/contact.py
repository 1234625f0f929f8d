"""Draws `contact-sheet.png`: every picture small, its bucket, its caption, and what is said of it.

Pure. What is said of a picture is red, and so is its frame then.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw

from plasma_watch.dataset.remarks import Look
from plasma_watch.report.lettering import TEXT, TITLE, line_height, wrapped, write

_THUMB, _SMALL_THUMB = 224, 128
_MANY = 60
"""From so many pictures on they are drawn smaller."""
_GAP, _MARGIN = 16, 24
_CAPTION_LINES, _NOTE_LINES = 3, 3
_RATIO = 1.5
"""How much wider than high the sheet is made."""
_PAPER, _INK, _FAINT, _WARNING = (250, 250, 247), (24, 24, 28), (112, 112, 118), (176, 40, 24)
_EMPTY = (226, 226, 222)

Colour = tuple[int, int, int]
Line = tuple[str, Colour]


def contact_sheet(title: str, looks: Sequence[Look]) -> Image.Image:
    """Return the sheet of a dataset."""
    side = _THUMB if len(looks) < _MANY else _SMALL_THUMB
    texts = [_lines(look, side) for look in looks]
    cell = side + line_height(TEXT) * max(map(len, texts), default=0)
    columns = max(1, min(len(looks), round(sqrt(len(looks) * _RATIO * cell / side))))
    rows = ceil(len(looks) / columns)
    top = _MARGIN + 2 * line_height(TITLE)
    width = max(columns * (side + _GAP), 3 * (_THUMB + _GAP)) - _GAP + 2 * _MARGIN
    page = Image.new("RGB", (width, top + rows * (cell + _GAP) + _MARGIN), _PAPER)
    write(page, (_MARGIN, _MARGIN), wrapped(title, width - 3 * _MARGIN, 1, TITLE), TITLE, _INK)
    for number, (look, lines) in enumerate(zip(looks, texts, strict=True)):
        row, column = divmod(number, columns)
        corner = (_MARGIN + column * (side + _GAP), top + row * (cell + _GAP))
        _paste(page, corner, side, look)
        for below, (line, ink) in enumerate(lines):
            place = (corner[0], corner[1] + side + 3 + below * line_height(TEXT))
            write(page, place, [line], TEXT, ink)
    return page


def _lines(look: Look, side: int) -> list[Line]:
    """Return what stands below a picture: its name, what it is, its caption, what is said of it."""
    size = f"{look.seen.bucket[0]}x{look.seen.bucket[1]}" if look.seen else "no bucket"
    framing = f", {look.framing}" if look.framing else ""
    framing += " (guessed)" * look.is_guessed
    parts = (
        (look.shot.name, 1, _INK),
        (size + framing, 1, _FAINT),
        (look.shot.caption or "", _CAPTION_LINES, _INK),
        ("; ".join(look.notes), _NOTE_LINES, _WARNING),
    )
    return [(line, ink) for text, most, ink in parts for line in wrapped(text, side, most)]


def _paste(page: Image.Image, corner: tuple[int, int], side: int, look: Look) -> None:
    left, top = corner
    page.paste(_EMPTY, (left, top, left + side, top + side))
    if look.seen:
        thumb = look.seen.thumb.copy()
        thumb.thumbnail((side, side), Image.Resampling.LANCZOS)
        middle = (left + (side - thumb.width) // 2, top + (side - thumb.height) // 2)
        page.paste(thumb, middle)
    if look.notes:
        edge = (left, top, left + side - 1, top + side - 1)
        ImageDraw.Draw(page).rectangle(edge, outline=_WARNING, width=2)
