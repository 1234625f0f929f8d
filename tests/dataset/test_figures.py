"""The figures of a drawn sheet are found where they were drawn, and nothing else is."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product

import pytest
from PIL import Image, ImageDraw, ImageFilter

from plasma_watch.dataset.figures import Box, Drop
from tests.dataset.looking import agreement, overlap, seen
from tests.fakes.figures import bust, figure, head
from tests.fakes.sheets import GROUNDS, Sheet, Table, model_sheet, row, tinted, white

LEAST = 0.97
"""How well every box must agree: intersection over union."""
Record = Callable[[str, object], None]


def boxes_of(image: Image.Image) -> list[Box]:
    """Return the boxes of a picture's figures."""
    return [each.box for each in seen(image)[2].figures]


def check(sheet: Sheet, record: Record, least: float = LEAST) -> None:
    """Compare what is found with what was drawn, one by one."""
    found = boxes_of(sheet.image)
    agreed = agreement(sheet.boxes, found)
    record("iou", agreed)

    assert len(found) == len(sheet.boxes)
    assert min(agreed) >= least


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_one_to_nine_figures(count: int, record_property: Record) -> None:
    """On white, in rows, with soft shadows that overlap."""
    check(row("white", count, 200, shadows="soft"), record_property)


@pytest.mark.parametrize(
    ("ground", "shadows"),
    [("dark", ""), *product([name for name in GROUNDS if name != "dark"], ["", "soft", "hard"])],
)
def test_every_ground_with_every_shadow(ground: str, shadows: str, record_property: Record) -> None:
    """Four figures whose shadows run into each other; on a dark ground nobody draws any."""
    check(row(ground, 4, 220, shadows=shadows), record_property)


def test_a_soft_shadow_leaves_no_dots_on_paper(record_property: Record) -> None:
    """Where it fades into the grain; of large figures, whose shadows fade slowly."""
    check(row("paper", 3, 420, shadows="soft"), record_property, least=0.93)


@pytest.mark.parametrize("ground", [name for name in GROUNDS if name != "dark"])
def test_a_studios_model_sheet(ground: str, record_property: Record) -> None:
    """Turnaround, action, expressions, a portrait; title, labels and swatches are none of them."""
    check(model_sheet(ground, 1200), record_property, least=0.96)


def test_what_is_no_figure_is_named() -> None:
    """Swatches as such, with their colours' names between them; lettering as such."""
    found = seen(model_sheet("white", 1200).image)[2]

    whys = [each.why for each in found.dropped]
    assert whys.count(Drop.SWATCH) >= 6
    assert whys.count(Drop.LETTERING) >= 6


def test_figures_come_in_reading_order() -> None:
    """Row by row, each from the left, though their heads are not level."""
    sheet = model_sheet("white", 1200)

    found = boxes_of(sheet.image)

    order = [max(range(9), key=lambda n: overlap(sheet.boxes[n], box)) for box in found]
    assert order == list(range(9))


def test_a_head_without_a_neck_belongs_to_its_body() -> None:
    """When the ground shows between them."""
    table = Table(white((300, 400)))
    box = table.stand(figure("back", 300), 150, 360)

    assert overlap(box, boxes_of(table.done().image)[0]) > LEAST


def test_heads_in_rows_stay_apart() -> None:
    """A page of expressions: none is the body of the one above it."""
    table = Table(tinted((400, 330)))
    for number in range(6):
        table.lay(head("calm", 90), 20 + number % 3 * 125, 20 + number // 3 * 150)

    assert len(boxes_of(table.done().image)) == 6


def test_an_ornament_within_the_outline_is_part_of_it() -> None:
    """A floating star between arm and body; a note beside the legs is none."""
    table = Table(white((500, 420)))
    box = table.stand(figure("arms-out", 320), 250, 380)
    pen = ImageDraw.Draw(table.ground)
    pen.ellipse((245, 70, 251, 76), fill=(200, 160, 20))
    pen.ellipse((120, 300, 126, 306), fill=(20, 20, 20))

    found = seen(table.done().image)[2]

    assert overlap(found.figures[0].box, box) > LEAST
    assert [each.why for each in found.dropped] == [Drop.SPECK]


def test_a_ring_around_a_figure_takes_it_in() -> None:
    """A part that lies in another's outline is not found twice."""
    table = Table(white((400, 400)))
    ImageDraw.Draw(table.ground).ellipse((60, 40, 340, 370), outline=(0, 0, 0), width=5)
    table.stand(bust(160), 200, 300)

    assert len(boxes_of(table.done().image)) == 1


def test_a_panel_is_one_part() -> None:
    """A picture with a ground of its own, framed on the sheet, and a figure beside it."""
    table = Table(white((700, 400)))
    inner = Image.linear_gradient("L").resize((200, 160)).point(lambda value: 30 + value // 2)
    inner = inner.convert("RGBA")
    ImageDraw.Draw(inner).ellipse((40, 30, 120, 140), fill=(200, 40, 40))
    table.lay(inner, 60, 60)
    table.stand(figure("front", 320), 500, 380)

    found = boxes_of(table.done().image)

    assert agreement(table.boxes, found) == pytest.approx([1, 1], abs=0.03)


@pytest.mark.parametrize(("quality", "least"), [(40, 0.92), (90, LEAST)])
def test_a_jpeg_blurs_boxes_by_little(quality: int, least: float, record_property: Record) -> None:
    """Its ripples around lines are no ink."""
    sheet = row("white", 3, 300)
    file = io.BytesIO()
    sheet.image.save(file, "JPEG", quality=quality)
    found = boxes_of(Image.open(file))

    agreed = agreement(sheet.boxes, found)
    record_property("iou", agreed)
    assert len(found) == 3
    assert min(agreed) >= least


def test_a_blurred_scan_still_shows_its_figures() -> None:
    """On paper with grain."""
    sheet = row("paper", 3, 300)

    found = boxes_of(sheet.image.filter(ImageFilter.GaussianBlur(1.5)))

    assert min(agreement(sheet.boxes, found)) >= 0.93


@pytest.mark.parametrize("ground", ["white", "nothing"])
def test_an_empty_sheet_has_no_figures(ground: str) -> None:
    """Nothing is made up."""
    assert boxes_of(GROUNDS[ground]((200, 100))) == []
