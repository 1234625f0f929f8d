"""Reads a reference sheet, as large as they come, and gives parts of it: upright, opaque, RGB.

A sheet is decoded once, in its own mode, and never copied whole again: what is wanted of it is cut,
made smaller and turned strip by strip. So one of 12,000 x 9,000 pixels stays under a gigabyte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from PIL import Image

from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.figures import Box
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.outputs.picture import decode_large
from plasma_watch.train.dataset import LEAST_SIDE
from plasma_watch.train.reading import is_transparent, opaque

MOST_PIXELS = 128_000_000
"""The largest sheet that is decoded: half a gigabyte."""
MOST_PROGRESSIVE, MOST_WEBP = 80_000_000, 50_000_000
"""The same of formats whose decoders need two or four times as much beside: measured."""
_SMALL_SIDE = 1600
"""The longer side of the copy in which figures are sought, at most."""
_STRIP_ROWS = 256
_ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is set upright, by the orientation that its EXIF tells."""
_LYING = 5
Made = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Small:
    """A small copy: its colours laid on white, its alpha where it has one, and how much smaller."""

    colours: Image.Image
    alpha: Image.Image | None
    scale: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A decoded sheet. Boxes are in its pixels as it is seen upright."""

    name: str
    sha256: str
    image: Image.Image
    """The pixels as the file has them: of any mode, not turned."""
    orientation: int = 1

    @property
    def is_lossy(self) -> bool:
        """Whether it may have ripples around its lines."""
        return self.image.format in ("JPEG", "MPO", "WEBP")

    @property
    def size(self) -> Size:
        """Width and height, upright."""
        width, height = self.image.size
        return (height, width) if self.orientation >= _LYING else (width, height)

    def small(self) -> Small:
        """Return a copy that is small enough to look at every pixel of."""
        scale = -(-max(self.size) // _SMALL_SIDE)
        whole = (0, 0, *self.size)
        alpha = self._gathered(whole, scale, _alpha, "L") if is_transparent(self.image) else None
        is_seen_through = alpha is not None and alpha.getextrema() != (255, 255)
        return Small(self.cut(whole, scale), alpha if is_seen_through else None, scale)

    def cut(self, box: Box, scale: int = 1) -> Image.Image:
        """Return a part of the sheet, so many times smaller; the box lies inside the sheet."""
        return self._gathered(box, scale, opaque, "RGB")

    def _gathered(self, box: Box, scale: int, made: Made, mode: str) -> Image.Image:
        """Make something of a part, strip by strip as the file has it, and set it upright."""
        left, top, right, bottom = lying(box, self.size, self.orientation)
        whole = Image.new(mode, (-(-(right - left) // scale), -(-(bottom - top) // scale)))
        rows = max(1, _STRIP_ROWS // scale) * scale
        for row in range(top, bottom, rows):
            strip = made(self.image.crop((left, row, right, min(row + rows, bottom))))
            whole.paste(strip.reduce(scale) if scale > 1 else strip, (0, (row - top) // scale))
        turn = TURNS.get(self.orientation)
        return whole if turn is None else whole.transpose(turn)


def lying(box: Box, size: Size, orientation: int) -> Box:
    """Return where a box of an upright sheet of a size lies in the file's own pixels."""
    left, top, right, bottom = box
    far_left, far_top = size[0] - right, size[1] - bottom
    far_right, far_bottom = size[0] - left, size[1] - top
    return {
        2: (far_left, top, far_right, bottom),
        3: (far_left, far_top, far_right, far_bottom),
        4: (left, far_top, right, far_bottom),
        5: (top, left, bottom, right),
        6: (top, far_left, bottom, far_right),
        7: (far_top, far_left, far_bottom, far_right),
        8: (far_top, left, far_bottom, right),
    }.get(orientation, box)


def _alpha(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").getchannel("A")


def read_sheet(path: Path) -> Sheet:
    """Read a sheet.

    Raises PlasmaError `dataset.bad-picture` that says what is wrong with it.
    """
    try:
        if not path.is_file():
            raise _bad(path, "is no file" if path.exists() else "is not there")
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as exc:
        raise _bad(path, f"cannot be read: {exc.strerror}") from exc


def _read(path: Path, file: BufferedReader) -> Sheet:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not file.tell():
        raise _bad(path, "is empty")

    try:
        image = decode_large(file, "it", _most_pixels)
    except PlasmaError as exc:
        raise _bad(path, exc.message.removeprefix("it ")) from exc
    if fault := next(_faults(image), None):
        raise _bad(path, fault)
    orientation = image.getexif().get(_ORIENTATION, 1)
    return Sheet(path.name, digest, image, orientation if orientation in TURNS else 1)


def _most_pixels(header: Image.Image) -> int:
    """Return how large a sheet may be, by its format."""
    if header.format == "WEBP":
        return MOST_WEBP
    return MOST_PROGRESSIVE if "progressive" in header.info else MOST_PIXELS


def _faults(image: Image.Image) -> Iterator[str]:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # an MPO is a photo with more
        yield f"holds {frames} pictures"
    if image.mode == "F":
        yield "has pixels of floating point"
    if min(image.size) < LEAST_SIDE:
        yield f"is only {image.width}x{image.height}"


def _bad(path: Path, said: str) -> PlasmaError:
    return PlasmaError(
        Code.DATASET_BAD_PICTURE,
        f"{path} {said}",
        f"A sheet is one PNG, JPEG, WebP, TIFF, GIF or BMP of {LEAST_SIDE} pixels a side and "
        f"more, and of {MOST_PIXELS // 10**6} million at most (progressive JPEG "
        f"{MOST_PROGRESSIVE // 10**6}, WebP {MOST_WEBP // 10**6}). Save it anew as PNG.",
    )
