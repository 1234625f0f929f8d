"""The ground is found under whatever stands on it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from plasma_watch.dataset.background import Kind, axis, estimate, surface
from tests.dataset.looking import arrays
from tests.fakes.sheets import GROUNDS, row

KINDS = {
    "white": Kind.WHITE,
    "tinted": Kind.TINTED,
    "dark": Kind.TINTED,
    "gradient": Kind.GRADIENT,
    "vignette": Kind.GRADIENT,
    "paper": Kind.TINTED,
    "nothing": Kind.TRANSPARENT,
}


@pytest.mark.parametrize("name", GROUNDS)
def test_every_kind_of_ground_is_known(name: str) -> None:
    """Under five figures with their shadows."""
    colours, alpha = arrays(row(name, 5, 200, shadows="soft").image)

    ground = estimate(colours, alpha)

    assert ground.kind is KINDS[name]
    assert ground.is_plain


@pytest.mark.parametrize(("name", "most"), [("white", 0.1), ("tinted", 0.1), ("gradient", 2)])
def test_the_surface_is_the_ground_that_was_drawn(name: str, most: float) -> None:
    """Also where figures hide it, to a few levels of 255."""
    sheet = row(name, 5, 200).image
    bare, _ = arrays(GROUNDS[name](sheet.size).convert("RGB"))
    colours, _ = arrays(sheet)

    found = surface(estimate(colours), axis(sheet.width), axis(sheet.height))

    assert float(np.abs(found - bare).max()) <= most


def test_figures_at_the_edge_do_not_spoil_it() -> None:
    """When they cover a third of the border."""
    sheet = Image.new("RGB", (300, 200), (250, 240, 230))
    ImageDraw.Draw(sheet).rectangle((0, 0, 99, 200), fill=(20, 60, 30))

    ground = estimate(arrays(sheet)[0])

    assert ground.colour == (250, 240, 230)


def test_a_photograph_has_no_ground() -> None:
    """What differs all along its border is none."""
    noise = Image.effect_noise((200, 200), 90).convert("RGB")

    ground = estimate(arrays(noise)[0])

    assert ground.kind is Kind.NONE
    assert not ground.is_plain


def test_grain_is_measured() -> None:
    """As a standard deviation: paper has some, a drawn white none."""
    rng = np.random.default_rng(7)
    paper = np.clip(rng.normal(230, 3, (150, 150, 3)), 0, 255).astype(np.float32)

    assert 2 < estimate(paper).grain < 6
    assert estimate(np.full((50, 50, 3), 255, np.float32)).grain < 0.01


def test_beyond_the_sheet_the_ground_goes_on() -> None:
    """As it is at the edge."""
    colours, _ = arrays(GROUNDS["gradient"]((120, 90)).convert("RGB"))
    ground = estimate(colours)

    at = [np.array([place], np.float32) for place in (0, 1, 3)]
    edge = surface(ground, at[0], at[1])
    beyond = surface(ground, at[0], at[2])

    assert edge.tolist() == beyond.tolist()


def test_the_smallest_picture_has_a_ground() -> None:
    """One pixel is its own border."""
    assert estimate(np.full((1, 1, 3), 255, np.float32)).kind is Kind.WHITE
