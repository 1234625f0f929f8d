"""Sheets become a dataset that passes the gate, and stays what people make of it."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.dataset.boxes import HandBox
from plasma_watch.dataset.buckets import Buckets
from plasma_watch.dataset.prepare import Outcome, find, pixels_sha256, prepare
from plasma_watch.dataset.record import RECORD, read_record
from plasma_watch.dataset.wishes import Mirror, Wish
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.train.dataset import Want, problems
from plasma_watch.train.reading import Folder, look
from plasma_watch.train.reading import contents_of as contents
from tests.dataset.looking import loaded
from tests.dataset.test_sheet import BROKEN
from tests.fakes.sheets import model_sheet, row, white

WISH = Wish(Buckets(128, 64, 512, 64), "spyke")
"""Small buckets: a test's sheets are small as well."""
GATE = Want("dataset", 0, 15, "spyke")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio's model sheet."""
    path = tmp_path_factory.mktemp("sheets") / "spyke.png"
    path.write_bytes(model_sheet("white", 1200).png())
    return path


@pytest.fixture(scope="module")
def prepared(sheet: Path) -> Outcome:
    """What became of that sheet, in the folder `set` beside it, which no test writes to."""
    return made(sheet, sheet.parent / "set")


@pytest.fixture
def ours(prepared: Outcome, sheet: Path, tmp_path: Path) -> Path:
    """A copy of what was prepared, for people to work on."""
    assert prepared.verdict.members
    return shutil.copytree(sheet.parent / "set", tmp_path / "ours")


def made(sheet: Path, folder: Path, wish: Wish = WISH) -> Outcome:
    """Prepare one sheet."""
    return prepare([sheet], folder, wish)


def visible(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder that can be seen, with its content."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".")}


def test_a_model_sheet_passes_the_gate(sheet: Path, prepared: Outcome) -> None:
    """Fifteen pictures and more, decoded as the gate decodes them: it has no word to say."""
    folder = Folder(str(sheet.parent / "set"), (sheet.parent,), 10**8)
    found = contents(folder, lambda name: look(folder, name).shot)
    assert found.usable() == len(prepared.verdict.write_pictures) >= 15
    assert list(problems(found, GATE)) == []
    assert all(shot.oddity == "" for shot in found.shots)


def test_every_picture_has_a_bucket_for_its_size(ours: Path) -> None:
    """Nothing is cut off by the trainer."""
    sizes = {loaded(path).size for path in ours.glob("*.png")}
    assert sizes <= set(WISH.buckets.sizes())
    assert len(sizes) > 1


def test_the_record_tells_how_each_came_about(sheet: Path, ours: Path) -> None:
    """Source, box, scale, hashes; the caption as it was written."""
    record = read_record((ours / RECORD).read_bytes())
    one = record.by_file()["spyke-01-full.png"]
    assert record.trigger == "spyke"
    assert one.source == str(sheet)
    assert one.box == (49, 97, 181, 512)
    assert one.guessed
    assert one.pixels == pixels_sha256(loaded(ours / one.file))
    assert (ours / "spyke-01-full.txt").read_text() == f"{one.caption}\n"


def test_a_second_run_makes_the_same_again(sheet: Path, ours: Path) -> None:
    """To the byte."""
    first = visible(ours)

    again = made(sheet, ours)

    assert visible(ours) == first
    assert again.verdict.write_pictures == again.verdict.write_captions == []


def test_what_people_did_is_kept_over_a_second_run(sheet: Path, ours: Path, tmp_path: Path) -> None:
    """A caption, a picture, and one that was taken out; also when more sheets come."""
    (ours / "spyke-01-full.txt").write_text("spyke, by hand\n")
    Image.new("RGB", (128, 128), "red").save(ours / "spyke-02-full.png")
    (ours / "spyke-03-full.png").unlink()
    (ours / "spyke-03-full.txt").unlink()
    before = visible(ours)
    other = tmp_path / "more.jpg"
    row("tinted", 2, 200).image.save(other)

    outcome = prepare([sheet, other], ours, replace(WISH, said="white cloak"))

    after = visible(ours)
    kept = ("spyke-01-full.txt", "spyke-02-full.png")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert "spyke-03-full.png" not in after
    assert "spyke-03-full.txt" not in after
    assert b"white cloak" in after["spyke-04-full.txt"]
    assert "more-01-full.png" in after
    assert outcome.verdict.removed == ["spyke-03-full.png"]


def test_others_files_are_never_written_over(tmp_path: Path) -> None:
    """A picture that lies there under such a name, and a sheet of the same name from elsewhere."""
    for folder, ground in (("here", "white"), ("elsewhere", "tinted")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "spyke.png").write_bytes(row(ground, 1, 200).png())
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "spyke-01-full.png").write_bytes(b"mine")

    for folder in ("here", "elsewhere"):
        made(tmp_path / folder / "spyke.png", tmp_path / "set")

    lying = visible(tmp_path / "set")
    assert lying["spyke-01-full.png"] == b"mine"
    assert {"spyke-01-full-2.png", "spyke-01-full-3.png"} <= set(lying)


def test_the_same_sheet_gives_nothing_twice(tmp_path: Path) -> None:
    """Under another name in the same run."""
    sheet, copy = tmp_path / "spyke.png", tmp_path / "copy.png"
    for path in (sheet, copy):
        path.write_bytes(row("white", 1, 200).png())

    prepare([sheet, sheet, copy], tmp_path / "set", WISH)

    assert not list((tmp_path / "set").glob("copy*"))


@pytest.mark.parametrize("content", BROKEN)
def test_one_broken_sheet_refuses_all_and_nothing_is_written(tmp_path: Path, content: str) -> None:
    """F55: each broken one is named, wherever it stands; a new folder is not even made."""
    sheet = tmp_path / "spyke.png"
    sheet.write_bytes(row("white", 1, 120).png())
    bad = [tmp_path / "bad1.png", tmp_path / "bad2.png"]
    for path in bad:
        path.write_bytes(BROKEN[content][0])

    with pytest.raises(PlasmaError) as caught:
        prepare([bad[0], sheet, bad[1]], tmp_path / "set", WISH)

    assert caught.value.code is Code.DATASET_BAD_PICTURE
    assert "bad1.png" in caught.value.message
    assert "bad2.png" in caught.value.message
    assert not (tmp_path / "set").exists()


def test_a_sheet_without_figures_is_refused(tmp_path: Path) -> None:
    """Nothing stands on it."""
    white((300, 300)).save(tmp_path / "empty.png")

    with pytest.raises(PlasmaError) as caught:
        made(tmp_path / "empty.png", tmp_path / "set")

    assert caught.value.code is Code.DATASET_NO_FIGURES
    assert not (tmp_path / "set").exists()


def test_a_sheet_that_is_too_small_is_refused(tmp_path: Path) -> None:
    """With what would have been enlarged, and how much."""
    (tmp_path / "small.png").write_bytes(row("white", 1, 90).png())

    with pytest.raises(PlasmaError) as caught:
        made(
            tmp_path / "small.png",
            tmp_path / "set",
            replace(WISH, buckets=Buckets(512, 256, 1024, 64)),
        )

    assert caught.value.code is Code.DATASET_TOO_SMALL
    assert "full would be enlarged" in caught.value.message
    assert not (tmp_path / "set").exists()


def test_a_photograph_gives_one_picture(tmp_path: Path) -> None:
    """Its middle, in the shape of its bucket; how much it shows nobody knows."""
    Image.effect_noise((300, 200), 90).convert("RGB").save(tmp_path / "photo.jpg")

    outcome = made(tmp_path / "photo.jpg", tmp_path / "set")

    (member,) = outcome.verdict.members.values()
    assert member.file == "photo-01-panel.png"
    assert (tmp_path / "set" / "photo-01-panel.txt").read_text() == "spyke\n"


def test_boxes_by_hand_decide(sheet: Path, tmp_path: Path) -> None:
    """Their figures, views and mirrored copies; nothing that was boxed whole is guessed."""
    boxes = [
        HandBox(box=(49, 97, 181, 512), view="front"),
        HandBox(box=(382, 97, 508, 512), view="back", mirror=True),
    ]

    outcome = prepare([sheet], tmp_path, replace(WISH, mirror=Mirror.SOME), boxes)

    full = outcome.verdict.members["spyke-02-full.png"]
    assert "from behind" in full.caption
    assert not full.guessed
    assert "spyke-02-full-m.png" in outcome.verdict.members
    assert "spyke-01-full-m.png" not in outcome.verdict.members
    assert "spyke-03-full.png" not in outcome.verdict.members


def test_boxes_that_do_not_fit_write_nothing(sheet: Path, tmp_path: Path) -> None:
    """Though the sheet itself is good."""
    with pytest.raises(PlasmaError) as caught:
        prepare([sheet], tmp_path / "set", WISH, [HandBox(box=(0, 0, 9000, 90))])

    assert caught.value.code is Code.DATASET_BAD_FILE
    assert not (tmp_path / "set").exists()


def test_finding_writes_nothing(sheet: Path) -> None:
    """It says what is seen."""
    (seen,) = find([sheet])

    assert len(seen.subjects) == 9
    assert seen.pictures == ()


def test_a_broken_record_stops_the_run(sheet: Path, tmp_path: Path) -> None:
    """And stays as it is, for somebody to mend."""
    (tmp_path / RECORD).write_text("trigger = spyke")

    with pytest.raises(PlasmaError) as caught:
        made(sheet, tmp_path)

    assert caught.value.code is Code.DATASET_BAD_FILE
    assert set(visible(tmp_path)) == {RECORD}
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads((tmp_path / RECORD).read_text())
