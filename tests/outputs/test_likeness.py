"""Two pictures are compared in numbers and in one word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from plasma_watch.outputs.likeness import Alike, hash_distance, likeness
from tests.fakes.drawings import drawn, one_colour

PAGE = drawn(256, 384)


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    """Return a picture with grain over it, about so many levels strong."""
    grain = Image.effect_noise(image.size, sigma).convert("RGB")
    return ImageChops.add(image, grain, scale=1, offset=-128)


def with_a_hat(image: Image.Image) -> Image.Image:
    """Return a picture with something small drawn into it."""
    changed = image.copy()
    ImageDraw.Draw(changed).rectangle((40, 40, 56, 48), fill=(0, 0, 0))
    return changed


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "one pixel": lambda page: ImageChops.offset(page, 0, 0).point([*range(255), 254] * 3),
    "grain": lambda page: noisy(page, 4),
    "blur": lambda page: page.filter(ImageFilter.GaussianBlur(1)),
    "light": lambda page: page.point(lambda level: level * 0.95),
    "detail": with_a_hat,
}
OTHERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "black": lambda page: one_colour((0, 0, 0), *page.size),
    "drowned in grain": lambda page: noisy(page, 90),
    "moved": lambda page: ImageChops.offset(page, 64, 64),
}


def test_a_picture_is_identical_to_itself() -> None:
    """In every number too."""
    found = likeness(PAGE, PAGE.copy())

    assert found.verdict is Alike.IDENTICAL
    assert (found.perceptual, round(found.structure, 6), found.difference) == (0, 1, 0)


def test_the_same_pixels_in_another_mode_are_identical() -> None:
    """A palette or an opaque alpha changes nothing that is seen."""
    grey = PAGE.convert("L")

    assert likeness(grey, grey.convert("RGB")).verdict is Alike.IDENTICAL
    assert likeness(PAGE, PAGE.convert("RGBA")).verdict is Alike.IDENTICAL


def test_one_level_of_one_pixel_is_not_identical() -> None:
    """Identical means every pixel; also in what eight bits cannot hold."""
    touched = PAGE.copy()
    touched.putpixel((0, 0), (0, 0, 1))
    deep = Image.new("I;16", (64, 64), 40_000)
    deeper = deep.copy()
    deeper.putpixel((3, 3), 40_001)

    assert likeness(PAGE, touched).verdict is Alike.CONSISTENT
    assert likeness(deep, deeper).verdict is Alike.CONSISTENT
    assert likeness(deep, deep.copy()).verdict is Alike.IDENTICAL


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_the_eye_passes_over_is_consistent(
    change: Callable[[Image.Image], Image.Image],
) -> None:
    """The same page, made a little otherwise."""
    found = likeness(PAGE, change(PAGE))

    assert found.verdict in (Alike.CONSISTENT, Alike.IDENTICAL), found


@pytest.mark.parametrize("change", OTHERS.values(), ids=list(OTHERS))
def test_what_the_eye_stops_at_is_different(change: Callable[[Image.Image], Image.Image]) -> None:
    """Another pose, another picture, or none."""
    found = likeness(PAGE, change(PAGE))

    assert found.verdict is Alike.DIFFERENT, found


def test_another_size_is_different() -> None:
    """The numbers are those of the second scaled to the first."""
    found = likeness(PAGE, PAGE.resize((128, 192)))

    assert found.verdict is Alike.DIFFERENT
    assert found.structure > 0.9
    assert found.perceptual < 4


def test_black_and_white_are_as_far_apart_as_can_be() -> None:
    """In levels of 255."""
    black, white = one_colour((0, 0, 0)), one_colour((255, 255, 255))

    assert likeness(black, white).difference == 255
    assert likeness(black, white).structure == pytest.approx(0, abs=1e-3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**16))
def test_any_two_pictures_can_be_compared(width: int, height: int, seed: int) -> None:
    """However small; the order makes no difference to pictures of one size."""
    a = Image.frombytes(
        "L", (width, height), (seed.to_bytes(3, "big") * width * height)[: width * height]
    )
    b = ImageOps.invert(a)

    assert likeness(a, b).verdict is not Alike.IDENTICAL
    assert likeness(a, b).structure == pytest.approx(likeness(b, a).structure)
    assert -1.001 <= likeness(a, b).structure <= 1.001


def test_table_is_for_manifests_and_programs() -> None:
    """Plain values, rounded."""
    assert likeness(PAGE, PAGE).table() == {
        "verdict": "identical",
        "perceptual": 0,
        "structure": 1.0,
        "difference": 0.0,
    }


def test_distance_of_hashes_counts_bits() -> None:
    """As manifests hold them."""
    assert hash_distance("00000000000000ff", "000000000000000f") == 4
