"""Any picture becomes a member: checked, fitted, captioned, and never twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.dataset.adding import Added, add
from plasma_watch.dataset.buckets import Buckets
from plasma_watch.dataset.record import RECORD, read_record
from plasma_watch.dataset.wishes import Fit, Wish
from plasma_watch.errors import Code
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.picture import TEXT_KEY, with_text
from tests.dataset.looking import loaded
from tests.dataset.test_sheet import BROKEN
from tests.fakes.datasets import scene
from tests.fakes.drawings import png
from tests.fakes.figures import figure
from tests.fakes.sheets import Table, tinted

WISH = Wish(Buckets(128, 64, 512, 64), "spyke", "running")
REQUEST = {"kind": "generate", "prompt": "1girl,  reading\na book", "seed": 7, "steps": 20}


def taken(added: Added) -> list[str]:
    """Return what was taken."""
    return sorted(added.verdict.write_pictures)


def photo(path: Path, number: int = 1, size: tuple[int, int] = (300, 200)) -> Path:
    """Save a photograph: it reaches to its edges."""
    grain = Image.effect_noise(size, 90).convert("RGB")
    Image.blend(scene(number, *size), grain, 0.6).save(path)
    return path


def test_a_picture_becomes_a_member(tmp_path: Path) -> None:
    """In its bucket, captioned, recorded."""
    added = add([photo(tmp_path / "a.jpg")], tmp_path / "set", WISH)

    record = read_record((tmp_path / "set" / RECORD).read_bytes())
    assert taken(added) == ["a.png"]
    assert loaded(tmp_path / "set" / "a.png").size in WISH.buckets.sizes()
    assert (tmp_path / "set" / "a.txt").read_text() == "spyke, running\n"
    assert record.picture[0].source == str(tmp_path / "a.jpg")


def test_a_picture_on_a_plain_ground_is_padded(tmp_path: Path) -> None:
    """All of it is kept; of a photograph the middle is."""
    table = Table(tinted((100, 400)))
    table.stand(figure("front", 380), 50, 395)
    table.done().image.save(tmp_path / "drawn.png")
    photo(tmp_path / "photo.png", size=(100, 400))

    add(
        [tmp_path / "drawn.png", tmp_path / "photo.png"],
        tmp_path / "set",
        replace(WISH, fit=Fit.SQUARE),
    )

    record = read_record((tmp_path / "set" / RECORD).read_bytes()).by_file()
    assert record["drawn.png"].area == (-150, 0, 250, 400)
    assert record["photo.png"].area == (0, 150, 100, 250)
    corner = loaded(tmp_path / "set" / "drawn.png").getpixel((2, 60))
    assert corner == (206, 222, 214)


def test_the_same_is_never_taken_twice(tmp_path: Path) -> None:
    """The same file, the same pixels in another file, and again in a later run."""
    one = photo(tmp_path / "a.png")
    loaded(one).save(tmp_path / "b.bmp")
    (tmp_path / "c.png").write_bytes(one.read_bytes())

    first = add([one, tmp_path / "b.bmp", tmp_path / "c.png"], tmp_path / "set", WISH)
    later = add([tmp_path / "b.bmp"], tmp_path / "set", WISH)

    assert taken(first) == ["a.png"]
    assert [each.why for each in first.skipped] == ["is in already, as a.png"] * 2
    assert [each.code for each in later.skipped] == [None]
    assert taken(later) == []


def test_a_picture_that_lies_there_already_is_known(tmp_path: Path) -> None:
    """Put in by hand, without any record."""
    one = photo(tmp_path / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.png").write_bytes(one.read_bytes())

    added = add([one], tmp_path / "set", WISH)

    assert added.skipped[0].why == "is in already, as mine.png"
    assert not (tmp_path / "set" / RECORD).exists()


def test_a_picture_that_was_taken_out_by_hand_is_not_called_in(tmp_path: Path) -> None:
    """It stays out, by its file and by its pixels; the record says what to delete."""
    one, folder = photo(tmp_path / "a.png"), tmp_path / "set"
    loaded(one).save(tmp_path / "b.bmp")
    add([one], folder, WISH)
    (folder / "a.png").unlink()

    out = add([one, tmp_path / "b.bmp"], folder, WISH)

    told = "was taken out by hand; delete a.png from dataset.toml to have it again"
    assert [each.why for each in out.skipped] == [told] * 2
    assert taken(out) == []
    (folder / RECORD).unlink()
    assert taken(add([one], folder, WISH)) == ["a.png"]


def test_a_picture_that_was_renamed_by_hand_is_in(tmp_path: Path) -> None:
    """Its content lies there."""
    one, folder = photo(tmp_path / "a.jpg"), tmp_path / "set"
    add([one], folder, WISH)
    (folder / "a.png").rename(folder / "running.png")

    assert add([one], folder, WISH).skipped[0].why == "is in already, as running.png"


@pytest.mark.parametrize("content", BROKEN)
def test_a_bad_picture_is_named_and_the_others_are_taken(tmp_path: Path, content: str) -> None:
    """F55: nothing of it is written."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(BROKEN[content][0])

    added = add([bad, photo(tmp_path / "good.png")], tmp_path / "set", WISH)

    assert taken(added) == ["good.png"]
    assert added.skipped[0].code is Code.DATASET_BAD_PICTURE
    assert BROKEN[content][1] in added.skipped[0].why
    assert not list((tmp_path / "set").glob("bad*"))


def test_nothing_taken_makes_no_folder(tmp_path: Path) -> None:
    """When every picture is bad."""
    added = add([tmp_path / "no.png"], tmp_path / "set", WISH)

    assert added.skipped[0].why == "is not there"
    assert not (tmp_path / "set").exists()


def test_what_would_be_enlarged_too_much_is_skipped(tmp_path: Path) -> None:
    """With the numbers."""
    added = add(
        [photo(tmp_path / "a.png", size=(70, 70))],
        tmp_path / "set",
        replace(WISH, most_enlarged=1.5),
    )

    assert added.skipped[0].code is Code.DATASET_TOO_SMALL
    assert "1.83 times" in added.skipped[0].why


def test_a_caption_comes_from_where_it_is_known(tmp_path: Path) -> None:
    """What is said, else the text beside it; the trigger is put before it unless it is there."""
    for name, text in (("a", "\ufeffangry Spyke\nmore"), ("b", "\n  calm\n")):
        photo(tmp_path / f"{name}.png", ord(name))
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")

    add([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "set", replace(WISH, said=""))

    assert (tmp_path / "set" / "a.txt").read_text() == "angry Spyke\n"
    assert (tmp_path / "set" / "b.txt").read_text() == "spyke, calm\n"


def test_a_picture_of_which_nothing_is_known_is_skipped(tmp_path: Path) -> None:
    """A caption that says nothing teaches nothing."""
    added = add([photo(tmp_path / "a.png")], tmp_path / "set", replace(WISH, said=""))

    assert added.skipped[0].code is Code.DATASET_NO_CAPTION


def manifest() -> str:
    """Return a finished page's manifest."""
    return Manifest(
        request=REQUEST,
        result={"file": "p.png", "sandbox": True},
        engine={"version": "0.3.64"},
        models=(),
        inputs=(),
        daemon={"job": "j"},
        graph={"1": {}},
        template_sha256="t",
    ).to_toml()


def test_a_finished_page_brings_its_manifest(tmp_path: Path) -> None:
    """Its prompt becomes the caption, on one line; its seed and manifest stand in the record."""
    photo(tmp_path / "p.png")
    (tmp_path / "p.toml").write_text(manifest(), "utf-8")

    add([tmp_path / "p.png"], tmp_path / "set", Wish(WISH.buckets, ""))

    (member,) = read_record((tmp_path / "set" / RECORD).read_bytes()).picture
    assert member.caption == "1girl, reading a book"
    assert member.made == {
        "manifest": str(tmp_path / "p.toml"),
        "seed": 7,
        "sandbox": True,
    }


def test_a_page_without_its_manifest_still_tells_of_itself(tmp_path: Path) -> None:
    """By the text in the picture."""
    content = with_text(png(scene(3, 300, 200)), TEXT_KEY, json.dumps(REQUEST))
    (tmp_path / "p.png").write_bytes(content)

    add([tmp_path / "p.png"], tmp_path / "set", Wish(WISH.buckets, ""))

    (member,) = read_record((tmp_path / "set" / RECORD).read_bytes()).picture
    assert member.caption == "1girl, reading a book"
    assert member.made == {"seed": 7}


def test_two_pictures_of_one_name_are_both_taken(tmp_path: Path) -> None:
    """From two folders; the second gets a name of its own."""
    for folder, number in (("x", 1), ("y", 2)):
        (tmp_path / folder).mkdir()
        photo(tmp_path / folder / "a.png", number)

    added = add([tmp_path / "x" / "a.png", tmp_path / "y" / "a.png"], tmp_path / "set", WISH)

    assert taken(added) == ["a-2.png", "a.png"]


def test_a_caption_edited_by_hand_outlives_what_is_added_later(tmp_path: Path) -> None:
    """Though the same picture is offered again, too."""
    first = photo(tmp_path / "a.png", 1)
    add([first], tmp_path / "set", WISH)
    (tmp_path / "set" / "a.txt").write_text("spyke, by hand\n")

    add([first, photo(tmp_path / "b.png", 2)], tmp_path / "set", WISH)

    assert (tmp_path / "set" / "a.txt").read_text() == "spyke, by hand\n"
    assert (tmp_path / "set" / "b.txt").read_text() == "spyke, running\n"


def test_a_turned_photograph_is_set_upright(tmp_path: Path) -> None:
    """As its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(tmp_path / "plain.png", size=(300, 200))
    loaded(tmp_path / "plain.png").save(tmp_path / "a.jpg", exif=exif)

    add([tmp_path / "a.jpg"], tmp_path / "set", WISH)

    wide, high = loaded(tmp_path / "set" / "a.png").size
    assert high > wide
