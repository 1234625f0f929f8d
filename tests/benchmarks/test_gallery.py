"""The benchmark of the gallery does what it says; how fast it is is not asked here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchmarks.gallery import drawing, main, measure, measured, numbered
from plasma_watch.outputs.picture import decode
from plasma_watch.report.gallery.build import FOLDER


def test_benchmark_tells_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    """With its ratio to a floor of the same run."""
    main(1, 1)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(" x the floor of " in line for line in lines)


def test_a_gallery_is_held_against_its_thumbnails() -> None:
    """As data, like every other benchmark."""
    results = measure(2, 1)

    assert [(each.what, each.unit) for each in results] == [
        ("a gallery of 2", "s"),
        ("looking for what is new, nothing is", "ms"),
        ("one picture more", "ms"),
    ]
    assert all(each.ratio for each in results)


def test_what_is_measured_is_a_gallery_of_all_pictures(tmp_path: Path) -> None:
    """Each has a thumbnail of its own, the one that came last too."""
    measured(tmp_path, 2, 1)

    assert len(list((tmp_path / FOLDER / "thumbs").glob("*/*.webp"))) == 3


def test_pictures_of_the_benchmark_are_pictures() -> None:
    """Each of another content."""
    pictures = [numbered(drawing(), number) for number in range(3)]

    assert len({hashlib.sha256(content).hexdigest() for content in pictures}) == 3
    assert {decode(content, "x").size for content in pictures} == {(512, 768)}
