"""A sheet shows every picture, and says of each what makes it another than its neighbours."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from plasma_watch.report.sheet import MANY, Tile, draw, thumbnail, told
from tests.fakes.drawings import drawn, one_colour

RED, BLUE = (220, 20, 20), (20, 20, 220)


def request(**keys: Any) -> dict[str, Any]:
    """Return a request as a manifest has it."""
    return {"kind": "generate", "workflow": "txt2img", "prompt": "spyke", "seed": 1} | keys


def tile(colour: tuple[int, int, int] = RED, **keys: Any) -> Tile:
    """Return a picture of one colour."""
    return Tile(one_colour(colour, 64, 96), "p003_v1.png", request(**keys))


def patches(page: Image.Image, colour: tuple[int, int, int]) -> int:
    """Return how many pixels of a colour there are."""
    return {found: count for count, found in page.getcolors(2**24) or ()}[colour]


# What is said.


def test_what_all_share_is_said_once() -> None:
    """And of each what it has otherwise; in one order."""
    shared, captions = told([request(cfg=5.0, seed=1), request(cfg=7.5, seed=2)])

    assert shared == "workflow txt2img, prompt spyke"
    assert captions == ["CFG 5, seed 1", "CFG 7.5, seed 2"]


def test_tables_are_said_by_their_keys() -> None:
    """A LoRA by its name, without what every name ends in."""
    loras = [{"name": f"{name}.safetensors", "strength": 0.8} for name in ("spyke", "mara")]

    shared, captions = told([request(lora=lora) for lora in loras])

    assert shared == "workflow txt2img, LoRA strength 0.8, seed 1, prompt spyke"
    assert captions == ["LoRA spyke", "LoRA mara"]


def test_a_part_that_is_left_out_is_said() -> None:
    """Once, and not for each of its keys."""
    _, captions = told([request(lora={"name": "spyke", "strength": 0.8}), request()])

    assert captions == ["LoRA spyke, LoRA strength 0.8", "no LoRA"]


def test_pictures_without_a_request_say_nothing() -> None:
    """Somebody else made them."""
    assert told([{}, {}]) == ("", ["", ""])
    assert told([]) == ("", [])


# What is shown.


def test_every_picture_is_shown() -> None:
    """As large as its neighbours."""
    page = draw("p003", [tile(RED, seed=1), tile(BLUE, seed=2)])

    assert patches(page, RED) == patches(page, BLUE) > 10_000


def test_columns_may_be_chosen() -> None:
    """A sweep stands in the rows of its last key."""
    tiles = [tile(seed=n) for n in range(6)]

    narrow, wide = draw("p003", tiles, 2), draw("p003", tiles, 6)

    assert narrow.width < wide.width
    assert narrow.height > wide.height


def test_a_picture_that_is_gone_has_its_place() -> None:
    """The sheet says so."""
    page = draw("p003", [tile(RED), Tile(None, "p003_v2.png", request(seed=2))])

    assert page.height > 96
    assert draw("p003", [Tile(None, "p003_v2.png", {})]).width > 100


def test_many_pictures_are_shown_smaller() -> None:
    """So that the sheet can still be looked at."""
    few, many = draw("p", [tile()] * 4, 4), draw("p", [tile()] * MANY, 4)

    assert many.width < few.width


@pytest.mark.parametrize("size", [(8, 800), (800, 8), (1, 1)])
def test_any_shape_fits(size: tuple[int, int]) -> None:
    """However long and thin."""
    odd = Tile(thumbnail(one_colour(RED, *size)), "x" * 300, request(prompt="y" * 3000))

    page = draw("z" * 300, [odd, tile(BLUE, seed=2)])

    assert max(page.size) < 2000


def test_letters_that_the_font_lacks_harm_nothing() -> None:
    """Nor do line ends in a prompt."""
    page = draw("\N{HIRAGANA LETTER A}", [tile(prompt="one\ntwo\tthree\0")])

    assert patches(page, RED)


def test_thumbnail_is_small_and_plain() -> None:
    """Whatever the picture was."""
    small = thumbnail(drawn(2000, 3000).convert("RGBA"))

    assert (small.mode, max(small.size)) == ("RGB", 288)
