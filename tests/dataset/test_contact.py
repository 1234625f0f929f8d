"""The contact sheet shows every picture, with its caption, its bucket and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from plasma_watch.dataset.contact import contact_sheet
from plasma_watch.dataset.framing import Framing
from plasma_watch.dataset.measuring import Measure
from plasma_watch.dataset.remarks import Look, Seen
from plasma_watch.train.dataset import Shot

RED = (176, 40, 24)
GREEN = (10, 200, 30)
THUMB = Image.new("RGB", (120, 200), GREEN)
SEEN = Seen((384, 640), Measure(1, 1), THUMB)
LOOK = Look(Shot("p1.png", width=384, height=640, caption="spyke"), SEEN, Framing.FULL)


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    """Return every colour of a picture."""
    return {colour for _, colour in image.getcolors(2**14) or []}  # type: ignore[misc]


@pytest.mark.parametrize("count", [0, 1, 7, 34, 120])
def test_a_sheet_has_a_place_for_every_picture(count: int) -> None:
    """And is a little wider than high, when there are many."""
    image = contact_sheet("datasets/spyke", [LOOK] * count)

    green = sum(n for n, colour in image.getcolors(2**14) or [] if colour == GREEN)
    assert bool(green) == bool(count)
    assert green % max(count, 1) == 0
    assert image.width >= 200
    if count > 30:
        assert 1 < image.width / image.height < 3


def test_what_is_said_of_a_picture_is_red() -> None:
    """With a frame around it; a picture of which nothing is said has none."""
    plain = contact_sheet("t", [LOOK])
    warned = contact_sheet("t", [replace(LOOK, notes=("blurred",))])

    assert RED not in colours(plain)
    assert RED in colours(warned)


def test_a_picture_that_cannot_be_decoded_has_an_empty_place() -> None:
    """With its name, and the reason."""
    broken = Look(Shot("p2.png", problem="is not a picture"), notes=("is not a picture",))

    image = contact_sheet("t", [broken])

    assert (226, 226, 222) in colours(image)
    assert RED in colours(image)


def test_more_said_makes_more_room() -> None:
    """A long caption is broken into lines; no more than three."""
    long = replace(LOOK, shot=replace(LOOK.shot, caption="spyke, " + "white cloak, " * 9))
    longer = replace(LOOK, shot=replace(LOOK.shot, caption="spyke, " + "white cloak, " * 99))

    short, tall, taller = (contact_sheet("t", [look]).height for look in (LOOK, long, longer))

    assert short < tall == taller


@pytest.mark.parametrize("text", ["スパイク", "a" * 900, "\x1b[2J", ""])
def test_any_text_can_be_drawn(text: str) -> None:
    """Letters that the font lacks do no harm; long words are cut."""
    odd = replace(LOOK, shot=replace(LOOK.shot, name=f"{text}.png", caption=text), notes=(text,))

    assert contact_sheet(text, [odd]).width < 2000
