"""The pictures that the examples name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch import starters


@pytest.mark.parametrize("draw", [starters.sketch, starters.pose])
def test_a_stand_in_is_as_large_as_a_page_and_not_empty(draw: Callable[[], Image.Image]) -> None:
    """Something is on it, and on every side ground is left."""
    image = draw()

    ground = image.getpixel((0, 0))
    assert image.size == (512, 768)
    assert any(colour != ground for _, colour in image.getcolors(100_000) or ())
    assert {image.getpixel((x, y)) for x in (0, 511) for y in (0, 767)} == {ground}


def test_a_pose_has_the_colours_that_openpose_gives_its_parts() -> None:
    """A ControlNet tells left from right by them: the joint of the right wrist is yellow-green."""
    colours = {colour for _, colour in starters.pose().getcolors(1000) or ()}

    assert {(255, 0, 0), (255, 85, 0), (170, 255, 0), (0, 255, 255), (255, 0, 85)} <= colours
    assert len(colours) == 1 + len(starters._JOINTS) + len(starters._LIMBS)


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """A person's own sketch, and a few kilobytes are all they take."""
    (tmp_path / "sketch.png").write_bytes(b"mine")

    starters.draw_into(tmp_path)

    assert (tmp_path / "sketch.png").read_bytes() == b"mine"
    assert 500 < (tmp_path / "pose.png").stat().st_size < 20_000
