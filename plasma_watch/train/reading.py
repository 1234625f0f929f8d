"""Reads a dataset: what lies in its folder, picture by picture. Nothing in it is ever written to.

`survey` reads no more of a picture than its header, so that it may be asked on arrival; `look`
decodes one whole. What is found is judged in `dataset`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.outputs.picture import decode, header, phash
from plasma_watch.system.beneath import list_beneath, read_beneath
from plasma_watch.train.dataset import FOREIGN_SUFFIXES, LEAST_SIDE, SUFFIXES, Contents, Shot

CAPTION_SUFFIX = ".txt"
MAX_CAPTION_BYTES = 65_536
_FORMATS = frozenset({"PNG", "JPEG", "MPO", "WEBP", "BMP"})
_ORIENTATION = 0x0112
_UPRIGHT = 1
_WHITE = "white"


@dataclass(frozen=True, slots=True)
class Folder:
    """A dataset's folder, as the request names it, and the folders whose files may be named."""

    named: str
    roots: tuple[Path, ...]
    limit: int
    """The largest picture that is read, in bytes."""

    def names(self) -> list[str]:
        """Return the names in it that are not hidden, in their natural order.

        Raises PlasmaError `dataset.missing` when it is not there, or `request.outside`.
        """
        try:
            found = list_beneath(self.named, self.roots)
        except PlasmaError as exc:
            if exc.code is Code.REQUEST_OUTSIDE:
                raise
            raise PlasmaError(
                Code.DATASET_MISSING,
                f"the dataset cannot be read: {exc.message}",
                "Put pictures with captions there (`plasma-watch dataset prepare` makes them of a "
                "reference sheet; docs/datasets.md), or mend the path.",
            ) from exc
        return sorted((name for name in found if not name.startswith(".")), key=_natural)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of a file in it; raises PlasmaError `request.*`."""
        return read_beneath(str(PurePosixPath(self.named) / name), self.roots, limit or self.limit)


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that was decoded: what was found, its bytes' hash, and the picture set right."""

    shot: Shot
    sha256: str = ""
    image: Image.Image | None = None


def survey(folder: Folder) -> Contents:
    """Return what a folder holds, by names, captions, and the headers of its pictures."""
    return contents_of(folder, lambda name: _found(folder, name, header, keep=False).shot)


def look(folder: Folder, name: str) -> Found:
    """Return one picture of a folder, every pixel decoded."""
    return _found(folder, name, decode)


def contents_of(folder: Folder, looked: Callable[[str], Shot]) -> Contents:
    """Return what a folder holds, each of its pictures looked at in some way."""
    names = folder.names()
    pictures = [name for name in names if suffix(name) in SUFFIXES]
    captions = {_same_stem(name): name for name in names if suffix(name) == CAPTION_SUFFIX}
    shots = tuple(_captioned(folder, looked(name), captions) for name in pictures)
    stems = {_same_stem(name) for name in pictures}
    lonely = tuple(name for stem, name in captions.items() if stem not in stems)
    return Contents(shots, tuple(n for n in names if suffix(n) in FOREIGN_SUFFIXES), lonely)


def suffix(name: str) -> str:
    """Return the suffix of a name, in lower case."""
    return PurePosixPath(name).suffix.lower()


def _same_stem(name: str) -> str:
    """Return the form in which stems are compared: Finder and archives write accents both ways."""
    return unicodedata.normalize("NFC", PurePosixPath(name).stem)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if n % 2 else (0, part) for n, part in enumerate(parts)]


def _found(
    folder: Folder, name: str, opened: Callable[[bytes, str], Image.Image], *, keep: bool = True
) -> Found:
    try:
        content = folder.read(name)
        image = opened(content, name)
    except PlasmaError as exc:
        return Found(Shot(name, problem=exc.message.removeprefix(f"{name} ")))
    shot = _shot(name, image)
    if shot.problem or not keep:
        return Found(shot)
    upright = set_right(image)
    digest = hashlib.sha256(content).hexdigest()
    return Found(replace(shot, phash=phash(upright)), digest, upright)


def _shot(name: str, image: Image.Image) -> Shot:
    width, height = image.size
    if image.getexif().get(_ORIENTATION, _UPRIGHT) > 4:  # noqa: PLR2004 - these lie on their side
        width, height = height, width
    return Shot(name, next(_faults(image), ""), width, height, ", ".join(_oddities(image)))


def _faults(image: Image.Image) -> Iterator[str]:
    if image.format not in _FORMATS:
        yield f"is {image.format} inside"
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:  # an MPO is a photo with more
        yield "is animated"
    if min(image.size) < LEAST_SIDE:
        yield f"is only {image.width}x{image.height}"


def _oddities(image: Image.Image) -> Iterator[str]:
    if image.mode in ("CMYK", "YCCK"):
        yield "CMYK"
    if image.mode.startswith("I"):
        yield "16 bits"
    if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
        yield "turned by its EXIF"
    if is_transparent(image):
        yield "transparent, laid on white"


def is_transparent(image: Image.Image) -> bool:
    """Tell whether a picture can be seen through."""
    return "A" in image.getbands() or "transparency" in image.info


def set_right(image: Image.Image) -> Image.Image:
    """Return a picture upright, opaque, and in plain RGB."""
    return opaque(ImageOps.exif_transpose(image))


def opaque(image: Image.Image) -> Image.Image:
    """Return a picture in plain RGB, as it lies; what is transparent is laid on white."""
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")
    if is_transparent(image):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return image.convert("RGB")


# Captions.


def _captioned(folder: Folder, shot: Shot, captions: dict[str, str]) -> Shot:
    name = captions.get(_same_stem(shot.name))
    if name is None:
        return replace(shot, caption=None)
    try:
        text = folder.read(name, MAX_CAPTION_BYTES).decode("utf-8-sig")
    except PlasmaError as exc:
        return replace(shot, caption_problem=exc.message)
    except UnicodeDecodeError:
        return replace(shot, caption_problem=f"{name} is not UTF-8 text")
    lines = [line.strip() for line in text.splitlines()] or [""]
    problem = "" if lines[0] and "\0" not in lines[0] else f"{name} has no first line"
    return replace(shot, caption=lines[0], caption_problem=problem, more_lines=any(lines[1:]))


def roots_of(home: Path, datasets: Path, allowed: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders whose files a training may name; the home first."""
    return (home, *(Path(root).expanduser() for root in allowed), datasets)
