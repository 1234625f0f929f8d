"""Figures are found on sheets of every kind of file, in the sheet's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.dataset.background import Kind
from plasma_watch.dataset.framing import Framing
from plasma_watch.dataset.sheet import read_sheet
from plasma_watch.dataset.sighting import look, whole
from tests.dataset.looking import agreement
from tests.fakes.sheets import model_sheet, row

LEAST = 0.97
Record = Callable[[str, object], None]
Save = Callable[[Image.Image, Path], None]


def _sixteen(image: Image.Image, path: Path) -> None:
    grey = image.convert("L").convert("I").point(lambda value: value * 257)
    grey.convert("I;16").save(path, "PNG")


def _turned(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(path, "PNG", exif=exif)


FILES: dict[str, Save] = {
    "greyscale": lambda image, path: image.convert("L").save(path, "PNG"),
    "palette": lambda image, path: image.quantize(32).save(path, "PNG"),
    "CMYK": lambda image, path: image.convert("CMYK").save(path, "JPEG", quality=95),
    "16 bits": _sixteen,
    "EXIF-turned": _turned,
    "opaque RGBA": lambda image, path: image.convert("RGBA").save(path, "PNG"),
    "TIFF": lambda image, path: image.save(path, "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("ground", ["white", "tinted"])
@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_shows_its_figures(
    tmp_path: Path, kind: str, ground: str, record_property: Record
) -> None:
    """F55: three figures with hard shadows that overlap, in a file of that kind."""
    sheet = row(ground, 3, 300, shadows="hard")
    FILES[kind](sheet.image, tmp_path / "sheet")

    subjects = look(read_sheet(tmp_path / "sheet")).subjects()

    agreed = agreement(sheet.boxes, [of.box for of in subjects])
    record_property("iou", agreed)
    assert len(subjects) == 3
    assert min(agreed) >= LEAST


@pytest.mark.parametrize(("quality", "least"), [(40, 0.85), (60, 0.85), (85, 0.9), (95, 0.95)])
@pytest.mark.parametrize("shadows", ["soft", "hard"])
def test_the_ripples_of_a_jpeg_are_no_ink(
    tmp_path: Path, quality: int, least: float, shadows: str, record_property: Record
) -> None:
    """Nor do they make ink of a shadow, whatever the JPEG's quality."""
    sheet = row("gradient", 4, 300, shadows=shadows)
    sheet.image.save(tmp_path / "sheet.jpg", quality=quality)

    subjects = look(read_sheet(tmp_path / "sheet.jpg")).subjects()

    agreed = agreement(sheet.boxes, [of.box for of in subjects])
    record_property("iou", agreed)
    assert len(subjects) == 4
    assert min(agreed) >= least


def test_boxes_are_in_the_sheets_own_pixels(tmp_path: Path, record_property: Record) -> None:
    """Though they are found on a copy half as large."""
    sheet = model_sheet("white")
    (tmp_path / "sheet.png").write_bytes(sheet.png())

    sighting = look(read_sheet(tmp_path / "sheet.png"))

    agreed = agreement(sheet.boxes, [of.box for of in sighting.subjects()])
    record_property("iou", agreed)
    assert sighting.scale == 2
    assert min(agreed) >= LEAST
    assert [of.shows for of in sighting.subjects()] == (
        [Framing.FULL] * 5 + [Framing.FACE] * 3 + [Framing.BUST]
    )


def test_a_photograph_is_one_panel(tmp_path: Path) -> None:
    """Where there is no plain ground no figure is made up."""
    noise = Image.effect_noise((300, 200), 90).convert("RGB")
    noise.save(tmp_path / "photo.png")
    sheet = read_sheet(tmp_path / "photo.png")

    sighting = look(sheet)

    assert sighting.ground.kind is Kind.NONE
    assert sighting.subjects() == []
    assert whole(sheet).box == (0, 0, 300, 200)
    assert whole(sheet).shows is Framing.PANEL
