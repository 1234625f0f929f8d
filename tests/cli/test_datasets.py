"""`dataset prepare`, `add` and `report`, called as the console script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plasma_watch.system.locks import Lock
from tests.cli.conftest import Run
from tests.fakes.datasets import fill, scene
from tests.fakes.sheets import model_sheet, row

SMALL = ("--resolution", "128")
DRAWN = """
kind = "generate"
[result]
sandbox = true
[engine]
[daemon]
[graph]
json = "{}"
template_sha256 = ""
"""
"""A manifest of the stand-in engine, as far as it matters here."""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio's model sheet."""
    path = tmp_path_factory.mktemp("sheets") / "spyke.png"
    path.write_bytes(model_sheet("white", 800).png())
    return path


def prepared(run: Run, sheet: Path, *options: str) -> str:
    """Prepare `datasets/spyke` from a sheet; return what is printed."""
    answer = run(
        "dataset",
        "prepare",
        str(sheet),
        "--to",
        "datasets/spyke",
        "--trigger",
        "spyke",
        *SMALL,
        *options,
    )
    assert answer.code == 0, answer.err
    return answer.out


def test_prepare_says_what_it_saw_and_made(run: Run, home: Path, sheet: Path) -> None:
    """Below the home, as a request will name it."""
    out = prepared(run, sheet)

    assert "spyke.png: 800x567, white ground, 9 figures; beside: " in out
    assert " 1 full  at 32, 65 to 121, 341: face, bust, full" in out
    assert "datasets/spyke: 17 pictures and 17 captions written, 0 as they were" in out
    assert "17 framings are guessed" in out
    assert (home / "datasets" / "spyke" / "spyke-01-full.txt").exists()


def test_prepare_speaks_json(run: Run, sheet: Path) -> None:
    """Sheets, figures, files, and the record of each picture."""
    told = json.loads(prepared(run, sheet, "--json"))

    assert told["sheets"][0]["figures"][0] == {"box": [32, 65, 121, 341], "shows": "full"}
    assert len(told["written"]) == len(told["pictures"]) == 17
    assert told["pictures"][0]["guessed"] is True


def test_a_second_prepare_needs_no_trigger(run: Run, sheet: Path, home: Path) -> None:
    """The dataset knows it; captions edited by hand are named."""
    prepared(run, sheet)
    (home / "datasets" / "spyke" / "spyke-01-full.txt").write_text("spyke, by hand")

    answer = run("dataset", "prepare", str(sheet), "--to", "datasets/spyke", *SMALL)

    assert "0 pictures and 0 captions written, 17 as they were" in answer.out
    assert "1 caption kept as edited by hand: spyke-01-full.png" in answer.out


def test_a_second_prepare_keeps_what_captions_say_besides(
    run: Run, sheet: Path, home: Path
) -> None:
    """In the order of docs/datasets.md: made, a page added, boxes mended, made again."""
    folder, boxes = home / "datasets" / "spyke", str(home / "boxes.toml")
    again = ("dataset", "prepare", str(sheet), "--to", "datasets/spyke", *SMALL)
    add = ("dataset", "add", str(sheet), "--to", "datasets/spyke", *SMALL)

    def said() -> str:
        return (folder / "spyke-01-full.txt").read_text()

    prepared(run, sheet, "--caption", "ginger hair, white cloak")
    first = said()
    assert run(*add, "--caption", "reading").code == 0
    assert run(*again, "--boxes-to", boxes).code == 0
    assert run(*again, "--trigger", "spyke", "--boxes", boxes).code == 0
    second = said()
    assert run(*again, "--caption", "a hat").code == run(*again).code == 0
    replaced = said()
    assert run(*again, "--caption", "").code == run(*again).code == 0

    assert first.startswith("spyke, ginger hair, white cloak, full body")
    assert second.startswith("spyke, ginger hair, white cloak, full body")
    assert replaced.startswith("spyke, a hat, full body")
    assert said().startswith("spyke, full body")


def test_a_new_dataset_needs_a_trigger(run: Run, sheet: Path, home: Path) -> None:
    """Wrong use."""
    answer = run("dataset", "prepare", str(sheet), "--to", "datasets/spyke")

    assert answer.code == 2
    assert "--trigger" in answer.err
    assert not (home / "datasets" / "spyke").exists()


def test_what_is_left_out_is_said(run: Run, sheet: Path) -> None:
    """With the numbers."""
    out = prepared(run, sheet, "--most-enlarged", "0.6")

    assert "face left out: it would be enlarged 1." in out


def test_the_default_is_no_mirrored_copy_and_the_help_says_why(run: Run) -> None:
    """A glove on one hand."""
    out = " ".join(run("dataset", "prepare", "--help").out.replace("│", " ").split())

    assert "default: none" in out
    assert "two different gloves" in out


def test_some_mirrored_copies_need_boxes(run: Run, sheet: Path) -> None:
    """Nobody has said which."""
    answer = run(
        "dataset", "prepare", str(sheet), "--to", "datasets/s", "--trigger", "s", "--mirror", "some"
    )

    assert answer.code == 2
    assert "mirror = true" in answer.err


def test_copies_are_made_where_wanted(run: Run, sheet: Path, home: Path) -> None:
    """All mirrored, all touched."""
    prepared(run, sheet, "--mirror", "all", "--augment")

    names = {path.name for path in (home / "datasets" / "spyke").glob("spyke-01-full*.png")}
    assert names == {"spyke-01-full.png", "spyke-01-full-m.png", "spyke-01-full-t.png"}


def test_boxes_are_written_mended_and_read(run: Run, sheet: Path, home: Path) -> None:
    """Nothing else is made on the way."""
    boxes = home / "boxes.toml"
    first = run(
        "dataset", "prepare", str(sheet), "--to", "datasets/spyke", "--boxes-to", str(boxes)
    )
    made_before = (home / "datasets" / "spyke").exists()
    boxes.write_text(boxes.read_text().replace('view = ""', 'view = "back"', 1))

    prepared(run, sheet, "--boxes", str(boxes))

    assert first.code == 0
    assert not made_before
    assert "from behind" in (home / "datasets" / "spyke" / "spyke-01-full.txt").read_text()


def test_what_prepare_prints_can_be_pasted(run: Run, sheet: Path, home: Path) -> None:
    """With spaces in the names of boxes and dataset."""
    boxes = home / "my boxes.toml"
    ask = ("dataset", "prepare", str(sheet), "--to", "datasets/my hero", "--trigger", "s", *SMALL)

    found, made = run(*ask, "--boxes-to", str(boxes)), run(*ask)

    assert f"prepare with --boxes '{boxes}'\n" in found.out
    assert "plasma-watch dataset report 'datasets/my hero'\n" in made.out


def test_mended_boxes_are_not_written_over(run: Run, sheet: Path, home: Path) -> None:
    """With `--force` they are, unless they are the ones that are read; nor is the sheet ever."""
    boxes, theirs = home / "boxes.toml", home / "theirs.toml"
    find = ("dataset", "prepare", str(sheet), "--to", "datasets/spyke", "--boxes-to", str(boxes))
    run(*find)
    theirs.write_text(boxes.read_text())
    boxes.write_text(f"# mended\n{boxes.read_text()}")

    refused = run(*find, "--json")
    read = run(*find, "--boxes", str(boxes), "--force", "--json")
    over_sheet = run(*find[:-1], str(sheet), "--force", "--json")
    mended = boxes.read_text()
    meant = run(*find, "--boxes", str(theirs), "--force")

    errors = [json.loads(answer.out)["error"] for answer in (refused, read, over_sheet)]
    assert {error["code"] for error in errors} == {"disk.taken"}
    assert errors[0]["message"] == f"{boxes} is there already"
    assert mended.startswith("# mended\n")
    assert meant.code == 0
    assert not boxes.read_text().startswith("# mended")


def test_a_missing_file_of_boxes_is_told(run: Run, sheet: Path) -> None:
    """By its name."""
    answer = run("dataset", "prepare", str(sheet), "--to", "datasets/s", "--boxes", "no.toml")

    assert answer.code == 1
    assert "no.toml is not there: neither in" in answer.err


@pytest.mark.parametrize("resolution", ["32", "4096"])
def test_a_resolution_that_nobody_trains_at_is_refused(
    run: Run, sheet: Path, resolution: str
) -> None:
    """By the rules of a request."""
    answer = run(
        "dataset", "prepare", str(sheet), "--to", "d", "--trigger", "s", "--resolution", resolution
    )

    assert answer.code == 1
    assert "resolution" in answer.err


def test_a_broken_sheet_is_an_error_with_its_code(run: Run, home: Path) -> None:
    """For programs, too."""
    (home / "bad.png").write_bytes(b"no picture")
    bad = str(home / "bad.png")

    answer = run("dataset", "prepare", bad, "--to", "d", "--trigger", "s", "--json")

    assert answer.code == 1
    assert json.loads(answer.out)["error"]["code"] == "dataset.bad-picture"


def test_a_dataset_at_work_is_busy(run: Run, sheet: Path, home: Path) -> None:
    """`dataset.busy` while another command holds it."""
    (home / "datasets" / "spyke").mkdir()
    lock = Lock(home / "datasets" / "spyke" / ".dataset.lock")
    assert lock.acquire()

    answer = run("dataset", "prepare", str(sheet), "--to", "datasets/spyke", "--trigger", "s")

    lock.release()
    assert answer.code == 1
    assert "dataset.busy" in answer.err


def test_a_folder_that_cannot_be_written_is_told(run: Run, sheet: Path, home: Path) -> None:
    """A file stands where the dataset should."""
    (home / "datasets" / "file").write_bytes(b"")

    answer = run("dataset", "prepare", str(sheet), "--to", "datasets/file/x", "--trigger", "s")

    assert answer.code == 1
    assert "disk.error" in answer.err


# Adding.


def test_add_takes_pictures_and_names_what_it_skips(run: Run, home: Path) -> None:
    """Exit code 1 when one could not be taken."""
    scene(1, 300, 200).save(home / "a.png")
    (home / "bad.png").write_bytes(b"")

    answer = run(
        "dataset",
        "add",
        str(home / "a.png"),
        str(home / "bad.png"),
        "--to",
        "datasets/reg",
        "--caption",
        "a street",
        *SMALL,
    )

    assert answer.code == 1
    assert f"skipped: {home / 'bad.png'} is empty (dataset.bad-picture)" in answer.out
    assert (home / "datasets" / "reg" / "a.txt").read_text() == "a street\n"


def test_add_says_what_the_stand_in_drew(run: Run, home: Path) -> None:
    """Once, with the count: its pictures look like none of anybody's."""
    for number in (1, 2):
        page = home / "output" / f"p{number}.png"
        scene(number, 300, 200).save(page)
        page.with_suffix(".toml").write_text(DRAWN, "utf-8")

    out = run(
        "dataset",
        "add",
        "output/p1.png",
        "output/p2.png",
        "--to",
        "datasets/reg",
        "--caption",
        "x",
        *SMALL,
    ).out

    assert out.count("stand-in engine") == 1
    assert "note: 2 pictures drawn by the stand-in engine, which teaches a LoRA nothing" in out


def test_pictures_and_sheets_are_taken_from_below_the_home(
    run: Run, home: Path, sheet: Path
) -> None:
    """One that is nowhere is named with both places; the others are taken."""
    scene(1, 300, 200).save(home / "a.png")
    (home / "sheet.png").write_bytes(sheet.read_bytes())

    added = run(
        "dataset", "add", "a.png", "no.png", "--to", "datasets/reg", "--caption", "x", *SMALL
    )

    assert added.code == 1
    assert f"skipped: no.png is not there: neither in {Path.cwd()} nor in" in added.out
    assert (home / "datasets" / "reg" / "a.png").exists()
    assert "sheet.png: 800x567" in prepared(run, Path("sheet.png"))


def test_add_of_what_is_in_already_is_no_failure(run: Run, home: Path) -> None:
    """It is said; for programs as well."""
    scene(1, 300, 200).save(home / "a.png")
    again = (
        "dataset",
        "add",
        str(home / "a.png"),
        "--to",
        "datasets/reg",
        "--caption",
        "x",
        *SMALL,
    )
    run(*again)

    answer = run(*again, "--json")

    told = json.loads(answer.out)
    assert answer.code == 0
    assert told["skipped"] == [
        {"name": str(home / "a.png"), "why": "is in already, as a.png", "code": None}
    ]


# Reporting.


def test_report_of_a_good_dataset(run: Run, home: Path) -> None:
    """What the gate says, buckets, framing, length, every picture, and where the sheet is."""
    fill(home / "datasets" / "spyke", 16)

    answer = run("dataset", "report", "datasets/spyke", "--trigger", "spyke")

    assert answer.code == 0
    assert "datasets/spyke: 16 pictures, trigger 'spyke': the gate lets it pass" in answer.out
    assert "buckets   448x576: 16" in answer.out
    assert "`calibrate = 50` measures it here" in answer.out
    assert "p1.png" in answer.out
    assert (home / "datasets" / "spyke" / "report" / "contact-sheet.png").is_file()
    assert run("dataset", "report", "datasets/spyke", "--trigger", "spyke").code == 0


def test_report_of_a_bad_one_exits_with_one(run: Run, home: Path) -> None:
    """And says every reason."""
    fill(home / "datasets" / "spyke", 3)
    (home / "datasets" / "spyke" / "p1.txt").unlink()

    answer = run("dataset", "report", "datasets/spyke", "--trigger", "spyke")

    assert answer.code == 1
    assert "refused   has 1 picture without a caption: p1.png (dataset.no-caption)" in answer.out
    assert "dataset.too-few" in answer.out


def test_report_speaks_json(run: Run, home: Path, tmp_path: Path) -> None:
    """Everything that is printed, and the sheet where it was asked for."""
    fill(home / "datasets" / "spyke", 16)
    out = tmp_path / "sheet.png"

    answer = run(
        "dataset", "report", "datasets/spyke", "--trigger", "spyke", "--json", "--out", str(out)
    )

    told = json.loads(answer.out)
    assert told["good"] is True
    assert told["length"]["steps"] == 960
    assert told["pictures"][0]["bucket"] == [448, 576]
    assert out.is_file()


def test_report_writes_over_nothing(run: Run, home: Path, tmp_path: Path) -> None:
    """But over its own sheet in `report/`; a picture of the dataset is not replaced at all."""
    folder, out = home / "datasets" / "spyke", tmp_path / "sheet.png"
    fill(folder, 16)
    out.write_text("somebody's")
    one = next(folder.glob("*.png"))
    ask = ("dataset", "report", "datasets/spyke", "--trigger", "spyke", "--out")

    assert f"{out} is there already" in run(*ask, str(out)).err
    assert f"{one} is read" in run(*ask, str(one), "--force").err
    assert "ends in .png" in run(*ask, str(tmp_path / "sheet.jpg")).err
    assert out.read_text() == "somebody's"
    assert run(*ask, str(out), "--force").code == 0


def test_report_for_a_request_uses_its_recipe(run: Run, home: Path) -> None:
    """Trigger, steps, resolution; a request for a picture has none."""
    fill(home / "datasets" / "spyke", 16)
    file = home / "train.toml"
    text = 'kind = "train"\nlora = "s"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'
    file.write_text(f"{text}steps = 96\nsave_every = 32\nresolution = 128\n")
    page = home / "examples" / "first-page.toml"

    told = json.loads(
        run("dataset", "report", "datasets/spyke", "--request", str(file), "--json").out
    )

    assert (told["length"]["steps"], told["length"]["epochs"]) == (96, 3)
    assert told["resolution"] == 128
    assert run("dataset", "report", "datasets/spyke", "--request", str(page)).code == 2


def test_report_knows_the_trigger_of_a_prepared_dataset(run: Run, sheet: Path) -> None:
    """And marks what is guessed."""
    prepared(run, sheet)

    answer = run("dataset", "report", "datasets/spyke", *SMALL)

    assert answer.code == 0
    assert "trigger 'spyke'" in answer.out
    assert "face?" in answer.out


def test_report_without_a_trigger_judges_regularization(run: Run, home: Path) -> None:
    """Said in its first line."""
    fill(home / "datasets" / "reg", 2)

    answer = run("dataset", "report", "datasets/reg")

    assert answer.code == 0
    assert "no trigger: as regularization" in answer.out


def test_report_of_nothing_is_told(run: Run) -> None:
    """By the gate's code."""
    answer = run("dataset", "report", "datasets/no")

    assert answer.code == 1
    assert "dataset.missing" in answer.err


def test_report_tells_a_pace_that_was_measured_here(run: Run, home: Path) -> None:
    """By the LoRA that measured it."""
    fill(home / "datasets" / "spyke", 16)
    (home / "loras" / "old").mkdir()
    (home / "loras" / "old" / "manifest.toml").write_text(
        "resolution = 512\n[result]\nseconds_per_step = 3.0\nsandbox = false\ndevice = 'mps'\n"
    )

    answer = run("dataset", "report", "datasets/spyke", "--trigger", "spyke")

    assert "about 48 min at 3.00 s a step, as old on mps took" in answer.out


def test_without_a_home_a_folder_is_taken_as_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below where one is; the default limits count."""
    monkeypatch.delenv("PLASMA_HOME")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheet.png").write_bytes(row("white", 2, 700).png())

    made = run("dataset", "prepare", "sheet.png", "--to", "set", "--trigger", "spyke")
    told = run("dataset", "report", "set")

    assert made.code == 0
    assert (tmp_path / "set" / "sheet-01-full.png").is_file()
    assert told.code == 1
    assert "dataset.too-few" in told.out
