"""Blurred and flat pictures stand out among many, and only then."""

from __future__ import annotations

from PIL import Image, ImageFilter

from plasma_watch.dataset.measuring import behind, measured
from tests.fakes.datasets import scene


def test_a_blurred_picture_is_less_sharp() -> None:
    """And a faded one has less contrast."""
    sharp = scene(1, 256, 256)

    plain = measured(sharp, (128, 128))
    blurred = measured(sharp.filter(ImageFilter.GaussianBlur(8)), (128, 128))
    faded = measured(Image.blend(sharp, Image.new("RGB", sharp.size, "grey"), 0.9), (128, 128))

    assert blurred.sharpness < plain.sharpness / 4
    assert faded.contrast < plain.contrast / 4


def test_one_that_falls_far_behind_is_named() -> None:
    """Among others that differ a little."""
    values = {f"p{n}": 100.0 + n for n in range(10)} | {"blurred": 9.0}

    assert behind(values) == ["blurred"]


def test_of_few_none_stands_out() -> None:
    """Four tell nothing of what is usual."""
    assert behind({"a": 100.0, "b": 100.0, "c": 100.0, "d": 1.0}) == []


def test_pictures_that_are_all_alike_are_left_alone() -> None:
    """A little less than the same is still the same."""
    assert behind({f"p{n}": 100.0 for n in range(9)} | {"less": 80.0}) == []
    assert behind({f"p{n}": 0.0 for n in range(9)}) == []
