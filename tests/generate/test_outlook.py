"""What a request comes to is told before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.generate.outlook import Outlook, Paces, outlook, spoken, steps_of
from plasma_watch.job import Picture

SMALL = {"width": 64, "height": 64, "steps": 10}
LARGE = {"width": 128, "height": 128, "steps": 10}


def test_pictures_steps_and_time_are_told() -> None:
    """As far as they are known."""
    assert Outlook(8, 160, 240).told() == "8 pictures, 160 steps, about 4 min"
    assert Outlook(1, 20).told() == "1 picture, 20 steps"
    assert Outlook(3, 0).told() == "3 pictures"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (90, "2 min"), (3600, "1.0 h")]
)
def test_time_is_said_as_one_says_it(seconds: float, said: str) -> None:
    """Nobody waits for 5423 seconds."""
    assert spoken(seconds) == said


def test_steps_of_a_sweep_are_those_of_its_pictures() -> None:
    """Each may have others."""
    pictures = [Picture(1, 1, {"steps": 5}), Picture(2, 1)]

    assert outlook({"steps": 20}, pictures, 2.0) == Outlook(2, 25, 50.0)
    assert steps_of({}, pictures[1]) == 0


def test_nobody_guesses_before_a_picture_was_made(tmp_path: Path) -> None:
    """Nor where the size is not known, or the file is none."""
    paces = Paces(tmp_path / "paces.json")
    assert paces.of(SMALL) is None

    (tmp_path / "paces.json").write_text('{"odd": 1, "64x64": "slow"}')
    assert paces.of(SMALL) is None
    (tmp_path / "paces.json").write_text("[]")
    assert paces.of(SMALL) is None


def test_pace_is_learned_by_size(tmp_path: Path) -> None:
    """The newest picture weighs as much as all before."""
    paces = Paces(tmp_path / "paces.json")

    paces.learn(SMALL, 10)
    paces.learn(SMALL, 20)

    assert paces.of(SMALL) == 1.5
    assert Paces(tmp_path / "paces.json").of({"steps": 5}) is None


def test_pace_of_another_size_goes_by_its_pixels(tmp_path: Path) -> None:
    """From the size that is nearest."""
    paces = Paces(tmp_path / "paces.json")

    paces.learn(SMALL, 10)

    assert paces.of(LARGE) == 4.0


def test_what_has_no_steps_teaches_nothing(tmp_path: Path) -> None:
    """Nor what has no size; a disk that refuses costs only the knowledge."""
    paces = Paces(tmp_path / "paces.json")

    paces.learn({"width": 64, "height": 64}, 10)
    paces.learn({"steps": 10}, 10)
    Paces(tmp_path / "none" / "paces.json").learn(SMALL, 10)

    assert not (tmp_path / "paces.json").exists()
