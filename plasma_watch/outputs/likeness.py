"""How far apart are two pictures? Two images in, numbers and one word out.

Pillow alone does it, so that the daemon, which loads no arrays, measures a page that is made again
exactly as `plasma-watch compare` measures it. The thresholds were measured: docs/likeness.md says
on what. It refuses to know what a picture shows: a character is not recognised here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from PIL import Image, ImageChops, ImageMath, ImageStat

from plasma_watch.outputs.picture import phash

CONSISTENT_BITS = 10
"""At most so many of the 64 bits of the perceptual hashes may differ in pictures of one making."""
CONSISTENT_STRUCTURE = 0.6
"""At least so much of the structure must be shared."""
_WINDOW = 8
"""The structure is compared in windows of so many pixels, half overlapping."""
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""What keeps flat windows from dividing by nothing, as in the paper of Wang and others (2004)."""


class Alike(StrEnum):
    """The verdict, in the words of the contract."""

    IDENTICAL = "identical"
    """Every pixel is the same."""
    CONSISTENT = "visually consistent"
    """The same picture to the eye: the same character, the same pose."""
    DIFFERENT = "different"
    """Another picture, or one of another size."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are: three numbers, and what they come to."""

    perceptual: int
    """How many of the 64 bits of the perceptual hashes differ."""
    structure: float
    """The structural similarity of the greys: 1 is the same, 0 nothing in common."""
    difference: float
    """The mean difference of a channel of a pixel, in levels of 255."""
    verdict: Alike

    def table(self) -> dict[str, int | float | str]:
        """Return it as manifests and programs get it."""
        return {
            "verdict": str(self.verdict),
            "perceptual": self.perceptual,
            "structure": round(self.structure, 4),
            "difference": round(self.difference, 3),
        }


def likeness(a: Image.Image, b: Image.Image) -> Likeness:
    """Compare two pictures; one of another size is scaled to the first's, and never consistent."""
    one, other = a.convert("RGB"), b.convert("RGB").resize(a.size)
    bits = hash_distance(phash(one), phash(other))
    structure = _structure(one.convert("L"), other.convert("L"))
    off = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return Likeness(bits, structure, sum(off) / len(off), _verdict(a, b, bits, structure))


def _verdict(a: Image.Image, b: Image.Image, bits: int, structure: float) -> Alike:
    if a.size != b.size:
        return Alike.DIFFERENT
    if _pixels(a) == _pixels(b):
        return Alike.IDENTICAL
    is_near = bits <= CONSISTENT_BITS and structure >= CONSISTENT_STRUCTURE
    return Alike.CONSISTENT if is_near else Alike.DIFFERENT


def _pixels(image: Image.Image) -> bytes:
    """Return every pixel as it is; where eight bits hold it, in one form for all modes."""
    return (image if image.mode[0] in "IF" else image.convert("RGBA")).tobytes()


def hash_distance(one: str, other: str) -> int:
    """Return how many bits of two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _structure(a: Image.Image, b: Image.Image) -> float:
    """Return the mean structural similarity over windows that lie half over each other."""
    steps = (0, _WINDOW // 2)
    found = [_similarity(_windows(a, x, y), _windows(b, x, y)) for x in steps for y in steps]
    return sum(found) / len(found)


def _windows(grey: Image.Image, left: int, top: int) -> Image.Image:
    """Return the greys from a corner on, cut to whole windows; what is too small is scaled up."""
    least = 2 * _WINDOW
    if min(grey.size) < least:
        grey = grey.resize((max(grey.width, least), max(grey.height, least)))
    right = left + (grey.width - left) // _WINDOW * _WINDOW
    bottom = top + (grey.height - top) // _WINDOW * _WINDOW
    return grey.crop((left, top, right, bottom)).convert("F")


def _similarity(a: Image.Image, b: Image.Image) -> float:
    """Return the mean similarity of windows side by side, each as the paper weighs it."""
    means = {"a": _mean(a), "b": _mean(b)}
    squares = {"aa": _product(a, a), "bb": _product(b, b), "ab": _product(a, b)}
    index = ImageMath.lambda_eval(_index, **means, **squares)
    mean: float = index.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return mean


def _mean(image: Image.Image) -> Image.Image:
    return image.reduce(_WINDOW)


def _product(a: Image.Image, b: Image.Image) -> Image.Image:
    product: Image.Image = ImageMath.lambda_eval(lambda of: of["a"] * of["b"], a=a, b=b)
    return _mean(product)


def _index(of: dict[str, Any]) -> Any:  # noqa: ANN401 - Pillow's own operands
    """Return similarity of light times similarity of contrast and structure, window by window."""
    light, lights = of["a"] * of["b"], of["a"] * of["a"] + of["b"] * of["b"]
    shared, spread = of["ab"] - light, of["aa"] + of["bb"] - lights
    return (2 * light + _C1) / (lights + _C1) * ((2 * shared + _C2) / (spread + _C2))
