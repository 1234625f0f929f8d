"""A contact sheet: pictures in rows, and below each what makes it another than its neighbours.

Captions come from the requests of the pictures: what all share stands once, at the top. Drawing is
Pillow's; which font it has decides which letters can be shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from plasma_watch.report.lettering import TEXT, TITLE, line_height, wrapped, write
from plasma_watch.request import flat

MANY = 40
"""From so many pictures on they are drawn smaller."""
_SIDE, _SMALL_SIDE = 288, 176
_GAP, _MARGIN = 12, 20
_CAPTION_LINES, _TITLE_LINES = 3, 4
_PAPER, _INK, _FAINT, _NOTHING = (250, 250, 248), (20, 20, 24), (110, 110, 116), (226, 226, 222)
_RATIO = 1.4
"""How much wider than high a sheet is made, where nothing else decides."""

SHOWN: dict[str, str] = {
    "workflow": "workflow",
    "checkpoint": "checkpoint",
    "lora.name": "LoRA",
    "lora.strength": "LoRA strength",
    "controlnet.name": "ControlNet",
    "controlnet.strength": "ControlNet strength",
    "controlnet.image": "pose",
    "input.image": "input",
    "input.denoise": "denoise",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "steps": "steps",
    "cfg": "CFG",
    "seed": "seed",
    "prompt": "prompt",
    "negative": "negative",
}
"""The request keys that a sheet tells of, in this order, and how it calls them."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet; None where it is not there any more."""

    image: Image.Image | None
    name: str
    request: Mapping[str, Any]


def thumbnail(image: Image.Image) -> Image.Image:
    """Return a picture as small as any sheet shows it, so that hundreds fit into memory."""
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return small


def draw(title: str, tiles: Sequence[Tile], columns: int = 0) -> Image.Image:
    """Draw a sheet; without a number of columns it becomes a little wider than high."""
    shared, captions = told([tile.request for tile in tiles])
    picture = _largest(tiles, _SIDE if len(tiles) < MANY else _SMALL_SIDE)
    below = [wrapped(caption, picture[0], _CAPTION_LINES) for caption in captions]
    cell = (picture[0], picture[1] + line_height(TEXT) * (1 + max(map(len, below), default=0)))
    columns = columns or _columns(len(tiles), cell)
    width = columns * (cell[0] + _GAP) - _GAP
    head = wrapped(shared, width, _TITLE_LINES)
    top = 2 * _MARGIN + line_height(TITLE) + len(head) * line_height(TEXT)
    height = top + math.ceil(len(tiles) / columns) * (cell[1] + _GAP) - _GAP + _MARGIN
    page = Image.new("RGB", (width + 2 * _MARGIN, height), _PAPER)
    write(page, (_MARGIN, _MARGIN), [title], TITLE, _INK)
    write(page, (_MARGIN, _MARGIN + line_height(TITLE)), head, TEXT, _FAINT)
    for number, (tile, caption) in enumerate(zip(tiles, below, strict=True)):
        row, column = divmod(number, columns)
        corner = (_MARGIN + column * (cell[0] + _GAP), top + row * (cell[1] + _GAP))
        _paste(page, corner, picture, tile, caption)
    return page


def told(requests: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """Return what all requests share, and for each what it says otherwise than another."""
    tables = [flat(request) for request in requests]
    differing = [key for key in SHOWN if len({repr(table.get(key)) for table in tables}) > 1]
    shared = [key for key in SHOWN if key not in differing and _has(tables, key)]
    common = ", ".join(_fact(key, tables[0][key]) for key in shared)
    return common, [_caption(table, differing) for table in tables]


def _has(tables: Sequence[Mapping[str, Any]], key: str) -> bool:
    return bool(tables) and tables[0].get(key) not in (None, "")


def _caption(table: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(
        _fact(key, table[key]) if key in table else f"no {SHOWN[key]}"
        for key in keys
        if key in table or not key.endswith((".strength", ".image", ".denoise"))
    )


def _fact(key: str, value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{SHOWN[key]} {text.removesuffix('.safetensors')}"


# Laying out.


def _largest(tiles: Sequence[Tile], side: int) -> tuple[int, int]:
    """Return how large the pictures are shown: the highest and the widest have room."""
    shown = [_fitted(tile.image.size, (side, side)) for tile in tiles if tile.image]
    wide, high = zip(*(shown or [(side, side)]), strict=True)
    return max(*wide, side // 2), max(high)


def _fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    scale = min(room[0] / size[0], room[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _columns(count: int, cell: tuple[int, int]) -> int:
    return max(1, min(count, round(math.sqrt(count * _RATIO * cell[1] / cell[0]))))


def _paste(
    page: Image.Image,
    corner: tuple[int, int],
    room: tuple[int, int],
    tile: Tile,
    caption: Sequence[str],
) -> None:
    left, top = corner
    if tile.image:
        size = _fitted(tile.image.size, room)
        page.paste(tile.image.convert("RGB").resize(size, Image.Resampling.LANCZOS), corner)
    else:
        page.paste(_NOTHING, (left, top, left + room[0], top + room[1]))
        write(page, (left + 6, top + 6), ["not there any more"], TEXT, _FAINT)
    below = top + room[1] + 2
    write(page, (left, below), wrapped(tile.name, room[0], 1), TEXT, _INK)
    write(page, (left, below + line_height(TEXT)), caption, TEXT, _FAINT)
