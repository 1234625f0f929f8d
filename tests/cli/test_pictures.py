"""What people do with pictures on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from tests.cli.conftest import Run
from tests.fakes.drawings import drawn, one_colour


def test_compare_says_a_word_and_the_numbers(run: Run, tmp_path: Path) -> None:
    """Also without a home."""
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    drawn().save(a)
    drawn(shift=6).save(b)

    same, near = run("compare", str(a), str(a)), run("compare", str(a), str(b))

    assert same.code == near.code == 0
    assert same.out.splitlines()[0] == "identical"
    assert near.out.splitlines()[0] == "visually consistent"
    assert "bits differ" in near.out


def test_compare_exits_with_1_when_different(run: Run, tmp_path: Path) -> None:
    """So that a script can ask; `--json` tells the same."""
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    drawn().save(a)
    one_colour((0, 0, 0)).save(b)

    answer = run("compare", str(a), str(b), "--json")

    assert answer.code == 1
    assert json.loads(answer.out)["verdict"] == "different"


def test_compare_draws_the_difference(run: Run, tmp_path: Path) -> None:
    """Into the file that is named."""
    a, b, out = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "out.png"
    drawn().save(a)
    drawn(shift=6).save(b)

    answer = run("compare", str(a), str(b), "--out", str(out))

    assert "times as bright" in answer.out
    with Image.open(out) as row:
        assert row.width > 3 * 64


def test_compare_names_what_it_cannot_read(run: Run, tmp_path: Path) -> None:
    """A file that is not there, one that is no picture, and a place that is none."""
    a, bad = tmp_path / "a.png", tmp_path / "bad.png"
    drawn().save(a)
    bad.write_text("no picture")

    missing = run("compare", str(a), str(tmp_path / "none.png"), "--json")
    broken = run("compare", str(a), str(bad), "--json")
    nowhere = run("compare", str(a), str(a), "--out", str(tmp_path / "no" / "o.png"), "--json")

    codes = [json.loads(answer.out)["error"]["code"] for answer in (missing, broken, nowhere)]
    assert codes == ["request.missing-file", "image.unreadable", "disk.error"]
    assert {missing.code, broken.code, nowhere.code} == {1}
