"""What a daemon stands on: home, folders, time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.surroundings import ACCESS_SECONDS, Place, Surroundings
from tests.fakes.home import a_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home."""
    return a_home(tmp_path)


def test_a_home_in_its_place_is_no_news(home: Home) -> None:
    """Nothing is told of it."""
    around = Surroundings(home, ())

    assert around.place() is Place.HERE
    assert around.trouble() == ""


def test_a_home_that_goes_and_comes_back_is_told_once_each(home: Home) -> None:
    """Gone, still gone, back, here."""
    around = Surroundings(home, ())
    home.root.rename(home.root.with_name("elsewhere"))
    gone = [around.place(), around.place()]
    assert str(home.root) in around.trouble()

    home.root.with_name("elsewhere").rename(home.root)

    assert gone == [Place.LOST, Place.STILL_LOST]
    assert [around.place(), around.place()] == [Place.BACK, Place.HERE]
    assert around.lost == ""


def test_folders_are_tried_once_a_minute(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is logged once, told as long as it lasts, and forgotten when it is over."""
    folder = tmp_path / "output"
    folder.touch()
    around = Surroundings(home, (folder,))
    around.try_folders()
    assert around.refused == {str(folder): "Not a directory"}
    assert around.trouble() == f"{folder}: Not a directory"
    folder.unlink()
    folder.mkdir()

    around.try_folders()
    assert around.refused
    monkeypatch.setattr(around, "_tried_at", around._tried_at - ACCESS_SECONDS)
    around.try_folders()

    assert around.refused == {}
    assert len(caplog.records) == 1


def test_a_sleep_is_told_once(home: Home) -> None:
    """By its length."""
    around = Surroundings(home, ())
    assert around.slept() == 0
    around._instant = replace(around._instant, wall=around._instant.wall - 3600)

    assert around.slept() == pytest.approx(3600, abs=5)
    assert around.slept() == 0
