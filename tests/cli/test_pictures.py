"""What people do with pictures on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.outputs.picture import TEXT_KEY, with_text
from tests.cli.conftest import Run
from tests.fakes.drawings import drawn, one_colour, png


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


def test_pictures_are_named_as_the_commands_print_them(
    run: Run, home: Path, tmp_path: Path
) -> None:
    """Below the home, wherever the shell stands."""
    for name in ("a", "b"):
        drawn().save(home / "output" / f"{name}.png")
    out = tmp_path / "sheet.png"

    assert run("compare", "output/a.png", "output/b.png").out.startswith("identical")
    assert run("sheet", "output/a.png", "--out", str(out)).out == f"{out}: 1 picture\n"


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


def test_sheet_lays_pictures_out(run: Run, tmp_path: Path) -> None:
    """Made here, or elsewhere, or with a manifest that cannot be read."""
    ours, theirs, out = tmp_path / "ours.png", tmp_path / "theirs.png", tmp_path / "sheet.png"
    request = {"kind": "generate", "prompt": "spyke", "seed": 1}
    ours.write_bytes(with_text(png(drawn()), TEXT_KEY, json.dumps(request)))
    theirs.write_bytes(png(drawn()))
    theirs.with_suffix(".toml").write_text("no manifest")

    answer = run("sheet", str(ours), str(theirs), "--out", str(out))
    told = run("sheet", str(ours), "--out", str(out), "--force", "--columns", "1", "--json")

    assert (answer.code, answer.out) == (0, f"{out}: 2 pictures\n")
    assert json.loads(told.out) == {"out": str(out), "pictures": 1}
    with Image.open(out) as sheet:
        assert sheet.height > 288


def test_sheet_names_what_is_no_picture(run: Run, tmp_path: Path) -> None:
    """And writes nothing."""
    (tmp_path / "a.png").write_text("no picture")

    answer = run("sheet", str(tmp_path / "a.png"), "--out", str(tmp_path / "sheet.png"))

    assert answer.code == 1
    assert not (tmp_path / "sheet.png").exists()


# Where they are written.

WRITERS = [("compare", "a.png", "b.png"), ("sheet", "a.png", "b.png")]


@pytest.fixture
def pages(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shell stands in a folder with two pictures and one that was finished earlier."""
    for name in ("a", "b", "page"):
        drawn().save(home / f"{name}.png")
    monkeypatch.chdir(home)
    return home


@pytest.mark.parametrize("command", WRITERS)
def test_what_is_there_is_replaced_with_force_only(
    run: Run, pages: Path, command: tuple[str, ...]
) -> None:
    """A finished page was overwritten by one that took `--out` for the way to name an input."""
    before = (pages / "page.png").read_bytes()

    refused = run(*command, "--out", "page.png", "--json")
    kept = (pages / "page.png").read_bytes()
    meant = run(*command, "--out", "page.png", "--force")

    error = json.loads(refused.out)["error"]
    assert (refused.code, error["code"]) == (1, "disk.taken")
    assert (error["message"], "--force" in error["hint"]) == ("page.png is there already", True)
    assert kept == before
    assert meant.code == 0
    assert (pages / "page.png").read_bytes() != before


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("named", ["b.png", "../home/b.png", "link.png", "hard.png"])
def test_what_is_read_is_never_written_over(
    run: Run, pages: Path, command: tuple[str, ...], named: str
) -> None:
    """Under whatever name, and also with `--force`."""
    (pages / "link.png").symlink_to("b.png")
    (pages / "hard.png").hardlink_to(pages / "b.png")
    before = (pages / "b.png").read_bytes()

    answer = run(*command, "--out", named, "--force")

    assert answer.code == 1
    assert f"{named} is read by this command" in answer.err
    assert (pages / "b.png").read_bytes() == before


@pytest.mark.usefixtures("pages")
def test_a_link_that_leads_nowhere_is_something(run: Run, pages: Path) -> None:
    """It is somebody's, and is told like a file."""
    (pages / "link.png").symlink_to("gone.png")

    assert "link.png is there already" in run("sheet", "a.png", "--out", "link.png").err
    assert run("sheet", "a.png", "--out", "link.png", "--force").code == 0


@pytest.mark.parametrize("command", WRITERS)
def test_a_png_is_called_one(run: Run, pages: Path, command: tuple[str, ...]) -> None:
    """Under `.jpg` other programs would take it for what it is not."""
    answer = run(*command, "--out", "s.jpg")

    assert answer.code == 2
    assert "s.jpg: a PNG is written, so its name ends in .png" in answer.err
    assert not (pages / "s.jpg").exists()
    assert run(*command, "--out", "S.PNG").code == 0
