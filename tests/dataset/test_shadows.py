"""Shadows are told from ink by their tone, their edge and their shape."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from plasma_watch.dataset.background import Bools
from plasma_watch.dataset.shadows import without_shadows
from tests.dataset.looking import arrays, seen


def drawn(*boxes: tuple[tuple[int, int, int, int], int], paper: int = 255) -> Image.Image:
    """Return a sheet with a dark figure and ovals of a grey."""
    sheet = Image.new("RGB", (300, 300), (paper, paper, paper))
    pen = ImageDraw.Draw(sheet)
    for box, grey in boxes:
        pen.ellipse(box, fill=(grey, grey, grey))
    pen.rectangle((130, 40, 169, 239), fill=(20, 30, 90))
    return sheet


def ink_of(image: Image.Image) -> Bools:
    """Return what of a picture is ink."""
    return seen(image)[1]


def test_a_flat_shadow_on_the_floor_is_no_ink() -> None:
    """Wider than high, with nothing below."""
    mask = ink_of(drawn(((80, 220, 220, 260), 180)))

    assert mask[230, 150]
    assert not mask[245:, :].any()
    assert not mask[:, :125].any()


def test_a_soft_shadow_is_no_ink() -> None:
    """Whatever its shape: it fades into the ground."""
    soft = drawn(((60, 60, 240, 290), 170)).filter(ImageFilter.GaussianBlur(12))
    ImageDraw.Draw(soft).rectangle((130, 40, 169, 239), fill=(20, 30, 90))

    mask = ink_of(soft)

    assert mask[100, 150]
    assert not mask[:, :118].any()


def test_a_grey_figure_is_ink() -> None:
    """Flat, of a tone of the ground, but higher than wide."""
    mask = ink_of(drawn(((40, 60, 90, 240), 160)))

    assert mask[150, 65]


def test_grey_cloth_above_ink_is_ink() -> None:
    """A wide grey belt of which the lower edge stands on the figure."""
    sheet = drawn()
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((110, 100, 189, 130), fill=(170, 170, 170))
    pen.rectangle((110, 131, 189, 160), fill=(90, 20, 20))

    mask = ink_of(sheet)

    assert mask[115, 115]


def test_on_a_dark_ground_black_cloth_is_ink() -> None:
    """There nothing is called a shadow."""
    mask = ink_of(drawn(((80, 220, 220, 260), 20), paper=60))

    assert mask[255, 150]


@pytest.mark.parametrize("grey", [120, 180, 230])
def test_the_soft_edge_of_a_line_is_no_shadow(grey: int) -> None:
    """A thin line in any grey keeps its tips."""
    sheet = drawn()
    ImageDraw.Draw(sheet).line((60, 60, 60, 110), fill=(grey, grey, grey), width=2)

    rows = np.nonzero(ink_of(sheet)[:, 60])[0]

    assert (int(rows[0]), int(rows[-1])) == (60, 110)


def test_colours_are_never_shadows() -> None:
    """A wide flat red oval on the floor is a carpet."""
    sheet = drawn()
    ImageDraw.Draw(sheet).ellipse((60, 240, 240, 280), fill=(200, 120, 120))

    assert ink_of(sheet)[260, 70]
    assert arrays(sheet)[1] is None


@pytest.mark.parametrize(("grain", "is_kept"), [(0, True), (3, False)])
def test_dots_in_the_fringe_of_a_shadow_are_grain(grain: float, *, is_kept: bool) -> None:
    """On grainy paper alone, and only there: elsewhere they are the ends of thin lines."""
    tone = np.zeros((200, 200), np.bool_)
    tone[100:130, 50:150] = True
    tone[90, 60] = tone[20, 60] = True

    mask = without_shadows(tone, tone, np.ones_like(tone), grain)

    assert not mask[100:130].any()
    assert bool(mask[90, 60]) is is_kept
    assert mask[20, 60]
