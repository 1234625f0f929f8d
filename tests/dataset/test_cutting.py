"""A crop shows one figure on its ground, and nothing of its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageOps

from plasma_watch.dataset.cutting import Cut, Touch, cut
from plasma_watch.dataset.framing import Area
from plasma_watch.dataset.sheet import Sheet
from plasma_watch.dataset.sighting import Sighting, look
from tests.fakes.figures import figure
from tests.fakes.sheets import GROUNDS, Table, gradient, white


def seen(table: Table) -> tuple[Sheet, Sighting]:
    """Return a sheet, and what is seen on it."""
    sheet = Sheet("s", "", table.done().image)
    return sheet, look(sheet)


def two(ground: str = "white") -> Table:
    """Return a ground with two figures, close beside each other, and a label below the first."""
    table = Table(GROUNDS[ground]((520, 460)))
    table.stand(figure("front", 340), 150, 400)
    table.stand(figure("front", 340), 300, 400)
    table.write("FRONT", (150, 430), 20)
    return table


def test_neighbours_and_labels_are_painted_over() -> None:
    """What lies within the crop and is not the figure's own."""
    sheet, sighting = seen(two())

    image = cut(sheet, sighting, Cut(Area(40, 40, 300, 450), (260, 410), 0))

    ink = np.asarray(ImageChops.difference(image, Image.new("RGB", image.size, "white")))
    assert not ink[:, 190:].any()
    assert not ink[370:].any()
    assert ink[100:300, 60:160].any()


def test_without_a_figure_nothing_is_painted_over() -> None:
    """A whole picture is taken as it is."""
    sheet, sighting = seen(two())

    image = cut(sheet, sighting, Cut(Area(0, 0, 520, 460), (520, 460)))

    assert image.tobytes() == sheet.image.tobytes()


def test_a_ruled_line_beside_a_figure_is_painted_over() -> None:
    """It ran behind the figures, across the sheet."""
    table = Table(white((500, 460)))
    table.line(
        (
            10,
            60,
        ),
        (490, 60),
        2,
    )
    table.stand(figure("front", 300), 250, 430)
    sheet, sighting = seen(table)

    image = cut(sheet, sighting, Cut(Area(100, 20, 400, 450), (300, 430), 0))

    assert image.crop((0, 30, 300, 50)).getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("ground", ["white", "tinted", "gradient"])
def test_the_ground_goes_on_beyond_the_sheet(ground: str) -> None:
    """Without an edge that anybody would see."""
    table = Table(GROUNDS[ground]((200, 360)))
    table.stand(figure("front", 300), 100, 340)
    sheet, sighting = seen(table)

    image = cut(sheet, sighting, Cut(Area(-100, 0, 300, 360), (400, 360), 0))

    greys = np.asarray(image, np.float32)
    assert float(np.abs(greys[:, 100] - greys[:, 99]).max()) <= 2
    assert float(np.abs(greys[:, 300] - greys[:, 299]).max()) <= 2


def test_what_is_transparent_becomes_white() -> None:
    """As the trainer's copy has it."""
    table = Table(GROUNDS["nothing"]((200, 360)))
    table.stand(figure("front", 300), 100, 340)
    sheet, sighting = seen(table)

    image = cut(sheet, sighting, Cut(Area(0, 0, 200, 360), (200, 360), 0))

    assert image.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("side", [64, 125])
def test_a_large_area_is_made_small(side: int) -> None:
    """In steps, so that no large copy is needed; the picture is the same as made small at once."""
    sheet, sighting = seen(two("gradient"))
    big = Sheet("s", "", sheet.image.resize((1040, 920), Image.Resampling.BICUBIC))
    known = look(big)

    image = cut(big, known, Cut(Area(50, 30, 850, 830), (side, side)))

    box = (50, 30, 850, 830)
    once = big.image.resize((side, side), Image.Resampling.LANCZOS, box=box)
    assert sighting.ground.kind == known.ground.kind
    assert np.abs(np.asarray(image, np.int16) - np.asarray(once, np.int16)).mean() < 2.5


def test_a_mirrored_crop_is_the_crop_mirrored() -> None:
    """Pixel for pixel."""
    sheet, sighting = seen(two())
    area = Area(40, 40, 296, 424)

    plain = cut(sheet, sighting, Cut(area, (256, 384), 0))
    mirrored = cut(sheet, sighting, Cut(area, (256, 384), 0, is_mirrored=True))

    assert mirrored.tobytes() == ImageOps.mirror(plain).tobytes()


def test_a_touched_crop_has_no_empty_corners() -> None:
    """Turned as far as ever, on a gradient; and nearly the same picture still."""
    table = Table(gradient((300, 400)))
    table.stand(figure("front", 340), 150, 380)
    sheet, sighting = seen(table)
    area = Area(0, 0, 300, 400)

    plain = cut(sheet, sighting, Cut(area, (300, 400), 0))
    touched = cut(sheet, sighting, Cut(area, (300, 400), 0, Touch(3, 0.95, 1)))

    assert touched.size == plain.size
    for corner in ((0, 0), (299, 0), (0, 399), (299, 399)):
        pixel = np.array(touched.getpixel(corner), np.int16)
        assert np.abs(pixel - np.array(plain.getpixel(corner), np.int16)).max() < 12
    assert touched.tobytes() != plain.tobytes()
