"""What is written fits, and can be drawn whatever it is."""

import pytest
from PIL import Image, ImageChops

from plasma_watch.sandbox.lettering import CAPTION_SHARE, readable, wrapped, write


def test_long_entry_is_broken_between_words() -> None:
    """No word is lost as long as there is room."""
    lines = wrapped("spyke standing on a roof", 100, 12)

    assert len(lines) > 1
    assert " ".join(lines) == "spyke standing on a roof"


def test_endless_entry_ends_in_dots() -> None:
    """After a few lines."""
    lines = wrapped("word " * 1000, 200, 12)

    assert len(lines) == 4
    assert lines[-1] == "..."


def test_word_without_end_stays_on_its_line() -> None:
    """It is cut by the edge of the picture."""
    assert wrapped("x" * 100, 50, 12) == ["x" * 100]


def test_empty_entry_is_an_empty_line() -> None:
    """Not an error."""
    assert wrapped("", 100, 12) == [""]


def test_what_the_font_lacks_becomes_a_question_mark() -> None:
    """Accents stay."""
    assert readable("café 白い") == "café ??"


@pytest.mark.parametrize("size", [(64, 64), (512, 768), (768, 512), (16, 16), (8, 400)])
def test_writing_changes_every_picture(size: tuple[int, int]) -> None:
    """Also one that has no room for it."""
    canvas = Image.new("RGB", size, (128, 128, 128))
    before = canvas.copy()
    write(canvas, ["a cat, 白い, \n\t\0", "seed 1"])

    assert ImageChops.difference(canvas, before).getbbox() is not None


def test_caption_leaves_room_for_the_picture() -> None:
    """However much there is to say."""
    canvas = Image.new("RGB", (256, 256), (128, 128, 128))
    write(canvas, ["many words " * 200] * 9)
    untouched = canvas.crop((0, 60, 256, int(256 * (1 - CAPTION_SHARE)) - 4))

    assert untouched.getcolors() == [(untouched.width * untouched.height, (128, 128, 128))]
