"""Where two pictures differ can be looked at."""

from __future__ import annotations

from plasma_watch.report.difference import GAP, difference_picture
from tests.fakes.drawings import drawn


def test_both_and_their_difference_stand_in_a_row() -> None:
    """The second scaled to the first's size."""
    row, _ = difference_picture(drawn(64, 96), drawn(32, 48))

    assert row.size == (3 * 64 + 2 * GAP, 96)
    assert row.crop((0, 0, 64, 96)).tobytes() == drawn(64, 96).tobytes()


def test_the_smallest_difference_is_seen() -> None:
    """The largest becomes white, however small it is."""
    touched = drawn(64, 96)
    touched.putpixel((5, 5), tuple(level + 2 for level in touched.getpixel((5, 5))))  # type: ignore[union-attr]

    row, times = difference_picture(drawn(64, 96), touched)

    shown = row.crop((2 * (64 + GAP), 0, row.width, 96)).convert("L")
    assert times == 127.5
    assert shown.getpixel((5, 5)) == 255
    assert shown.getpixel((6, 5)) == 0


def test_no_difference_is_black() -> None:
    """And not magnified."""
    row, times = difference_picture(drawn(64, 96), drawn(64, 96))

    assert times == 1
    assert row.crop((2 * (64 + GAP), 0, row.width, 96)).getbbox() is None
