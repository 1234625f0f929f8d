"""Boxes said by hand win over what was found; what is wrong with them is said with its line."""

from __future__ import annotations

import tomllib

import pytest

from plasma_watch.dataset.boxes import (
    HandBox,
    boxed_crops,
    boxes_text,
    by_hand,
    of_sheet,
    problems,
    read_boxes,
)
from plasma_watch.dataset.figures import Drop
from plasma_watch.dataset.framing import Area, Framing, Subject
from plasma_watch.dataset.sheet import Sheet
from plasma_watch.dataset.sighting import Sighting, look
from plasma_watch.errors import Code, PlasmaError
from tests.fakes.sheets import row


def three() -> tuple[tuple[tuple[int, int, int, int], ...], Sighting]:
    """Return the true boxes of a sheet of three, and what is seen on it."""
    sheet = row("white", 3, 300)
    return sheet.boxes, look(Sheet("s", "", sheet.image))


def hand(box: tuple[int, int, int, int], **said: object) -> HandBox:
    """Return a box said by hand."""
    return HandBox.model_validate({"box": box, **said})


def test_a_file_of_boxes_is_read() -> None:
    """With all that it may say."""
    raw = b"""
    [[figure]]
    sheet = "a.png"
    box = [1, 2, 30, 40]
    shows = "bust"
    face = [5, 6, 20, 21]
    view = "back"
    mirror = true
    caption = "angry"
    """

    (one,) = read_boxes(raw, "boxes.toml")

    assert (one.sheet, one.box, one.shows, one.face) == (
        "a.png",
        (1, 2, 30, 40),
        Framing.BUST,
        (5, 6, 20, 21),
    )
    assert (one.view, one.mirror, one.caption) == ("back", True, "angry")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[[figure]]\nbox = [1, 2, 3]\n", "line 2"),
        (b"[[figure]]\nbox = [9, 2, 3, 40]\n", "left, top, right, bottom"),
        (b"[[figure]]\nbox = [1, 2, 3, 4]\nshows = 'hand'\n", "line 3"),
        (b"[[figure]]\nbox = [1, 2, 3, 4]\nveiw = 'back'\n", "veiw"),
        (b"figure = ", "not valid TOML"),
        (b"", "is empty"),
        (b"\xff\xfe", "UTF-16"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(raw: bytes, said: str) -> None:
    """One code for all of it."""
    with pytest.raises(PlasmaError) as caught:
        read_boxes(raw, "boxes.toml")

    assert caught.value.code is Code.DATASET_BAD_FILE
    assert said in caught.value.message


def test_boxes_go_to_the_sheets_that_they_name() -> None:
    """Without a name to the only one."""
    named, bare = hand((0, 0, 1, 1), sheet="a.png"), hand((0, 0, 2, 2))

    assert of_sheet([named, bare], "a.png", ["a.png"]) == (named, bare)
    assert of_sheet([named, bare], "a.png", ["a.png", "b.png"]) == (named,)


def test_boxes_that_fit_no_sheet_are_named() -> None:
    """No name where there are several, an unknown name, edges beyond the sheet."""
    given = [
        hand((0, 0, 1, 1)),
        hand((0, 0, 1, 1), sheet="spike.png"),
        hand((0, 0, 900, 50), sheet="spyke.png"),
        hand((0, 0, 90, 50), sheet="spyke.png"),
    ]

    found = problems(given, ["spyke.png", "b.png"], {"spyke.png": (100, 100)})

    assert [problem.field for problem in found] == ["figure 1", "figure 2", "figure 3"]
    assert found[1].hint == "Did you mean 'spyke.png'?"
    assert "100x100" in found[2].message


def test_a_box_near_a_found_figure_keeps_its_outline() -> None:
    """So that the head is still known."""
    boxes, sighting = three()
    left, top, right, bottom = boxes[1]

    mended = by_hand(sighting, [hand((left - 4, top - 4, right + 4, bottom))])

    assert mended.figures[0].outline == sighting.figures[1].outline
    assert [part.why for part in mended.dropped] == [Drop.BESIDE, Drop.BESIDE]


def test_a_box_where_nothing_was_found_is_believed() -> None:
    """Its outline is the box; a found figure that it covers is not in its way."""
    boxes, sighting = three()
    around = (boxes[0][0], boxes[0][1], boxes[1][2], boxes[1][3])

    mended = by_hand(sighting, [hand(around)])

    assert mended.subjects()[0].box == around
    assert len(mended.dropped) == 1


def test_what_was_said_is_no_guess() -> None:
    """A face boxed by hand, and the whole; the bust still is one."""
    of = Subject((0, 0, 100, 600), Framing.FULL, 50)
    said = hand((0, 0, 100, 600), face=(20, 0, 80, 60))

    face, bust, full = boxed_crops(said, of, 0)

    assert (face.area, face.guessed) == (Area(20, 0, 80, 60), False)
    assert bust.guessed
    assert not full.guessed


def test_what_was_found_can_be_said_again() -> None:
    """The file that is written is one that is read, with the same boxes."""
    boxes, sighting = three()

    text = boxes_text([("s.png", sighting.subjects())], 0)

    again = read_boxes(text.encode(), "boxes.toml")
    assert [each.box for each in again] == [of.box for of in sighting.subjects()]
    assert all(each.face and each.bust for each in again)
    assert len(tomllib.loads(text)["figure"]) == len(boxes)
