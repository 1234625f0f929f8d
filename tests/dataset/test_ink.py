"""Ink is what differs from the ground; what is ruled across the sheet is not."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from plasma_watch.dataset.ink import lines
from tests.dataset.looking import seen
from tests.fakes.figures import figure
from tests.fakes.sheets import Table, nothing, paper, tinted, white


def test_white_cloth_on_a_tint_is_ink() -> None:
    """Every pixel of the figure; nothing of the ground."""
    table = Table(tinted((300, 300)))
    box = table.stand(figure("back", 220), 150, 270)

    mask = seen(table.done().image)[1]

    assert mask[box[1] + 130, 150]
    assert not mask[:, : box[0] - 1].any()


def test_transparent_ground_shows_by_its_alpha() -> None:
    """White cloth is ink there too."""
    table = Table(nothing((300, 300)))
    box = table.stand(figure("back", 220), 150, 270)

    mask = seen(table.done().image)[1]

    assert mask[box[1] + 130, 150]
    assert not mask[:, : box[0]].any()


def test_grain_is_no_ink() -> None:
    """Scanned paper leaves at most a few dots."""
    mask = seen(paper((300, 300)).convert("RGB"))[1]

    assert float(mask.mean()) < 0.001


def test_ruled_lines_are_taken_out() -> None:
    """A frame, a floor, and the lines of height that figures stand before."""
    sheet = white((600, 400)).convert("RGB")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((6, 6, 593, 393), outline=(0, 0, 0), width=2)
    for height in (100, 200, 300, 380):
        pen.line((10, height, 590, height), fill=(90, 90, 90), width=1)
    sheet.paste((200, 30, 30), (250, 80, 330, 379))

    mask = seen(sheet)[1]

    assert not mask[10:390, :245].any()
    assert not mask[10:390, 336:].any()
    assert mask[85:370, 255:325].all()


def test_a_tip_of_hair_is_no_line() -> None:
    """Thin, above a long run of ink: too little of it is bare."""
    mask = np.zeros((400, 300), np.bool_)
    mask[60:380, 100:180] = True
    mask[52:60, 139:142] = True

    assert not lines(mask)[53, 140]


def test_a_spear_is_no_line() -> None:
    """Long and upright, but thicker than anything ruled."""
    mask = np.zeros((400, 300), np.bool_)
    mask[20:380, 100:106] = True

    assert not lines(mask).any()


def test_a_sheet_of_nothing_but_noise_does_no_harm() -> None:
    """A photograph has ink all over; nothing fails."""
    noise = Image.effect_noise((160, 120), 90).convert("RGB")

    ground, mask, _ = seen(noise)

    assert not ground.is_plain
    assert mask.any()
