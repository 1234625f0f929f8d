"""A page a LoRA: of a training by the stand-in trainer, of one that runs, of what people made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from plasma_watch.home import Home
from plasma_watch.report.gallery.story import stories
from plasma_watch.report.gallery.trainings import lora_page, write_trainings
from plasma_watch.report.history import FILE
from plasma_watch.toml_text import dumps
from plasma_watch.train import history
from tests.fakes.forge import Forge
from tests.fakes.home import a_home
from tests.report.gallery.test_pages import BAD, Tags

JOB = "20261122T120000-spyke"
REQUEST = {"kind": "train", "lora": "spyke", "dataset": "datasets/spyke", "trigger": "spyke"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without LoRAs."""
    return a_home(tmp_path)


def folder_of(home: Home) -> Path:
    """Return where the pages are written."""
    folder = home.root / "output" / ".gallery"
    folder.mkdir(exist_ok=True)
    return folder


def write(home: Home) -> list[dict[str, Any]]:
    """Write the pages."""
    return write_trainings(home, home.root / "loras", folder_of(home))


def shown(home: Home, name: str = "spyke") -> str:
    """Write the pages, and return one."""
    write(home)
    return (folder_of(home) / "loras" / f"{name}.html").read_text("utf-8")


def trained(home: Home, lora: str = "spyke", **tables: Any) -> Path:
    """Put a LoRA there, as a training leaves it."""
    folder = home.root / "loras" / lora
    folder.mkdir(parents=True, exist_ok=True)
    result = {"state": "done", "steps": 975, "epochs": 5, "seconds_per_step": 12.4}
    told: dict[str, Any] = {"result": result, "daemon": {"job": JOB}}
    (folder / "manifest.toml").write_text(dumps(REQUEST | {"lora": lora} | told | tables))
    return folder


def running(home: Home, rows: list[dict[str, Any]], **status: Any) -> Path:
    """Put a training there that runs."""
    folder = home.running / JOB
    folder.mkdir()
    journal = {"name": "spyke", "kind": "train", "request": REQUEST}
    (folder / "job.toml").write_text(dumps(journal))
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    why = "epoch 3 of 5, step 412 of 975, loss 0.0912"
    told = {"why": why, "progress": 0.423, "eta_seconds": 7384} | status
    (home.status / "spyke.toml").write_text(dumps(told))
    return folder


def rows(steps: int) -> list[dict[str, Any]]:
    """Return what a training of so many steps writes down."""
    told: list[dict[str, Any]] = [{"attempt": 1}]
    for step in range(1, steps + 1):
        told += [
            {"step": step, "loss": 0.2 / step},
            {"footprint": 8_900_000_000 + step, "available": 1, "swap": 200_000_000, "pressure": 1},
        ]
    return told


def test_a_training_of_the_stand_in_has_its_page(tmp_path: Path) -> None:
    """Recipe, times, versions, losses, memory: from what it left on the disk."""
    forge = Forge(tmp_path)
    ongoing = forge.claim()
    forge.run(ongoing)
    ongoing.folder.rename(forge.home.done / ongoing.folder.name)

    (tile,) = write(forge.home)

    page = (folder_of(forge.home) / "loras" / "spyke.html").read_text("utf-8")
    assert tile["said"] == "3 epochs, 12 steps"
    assert tile["cover"] == "loras/spyke/loss.png"
    assert not tile["live"]
    for part in ("<dt>trigger</dt><dd>spyke</dd>", "s/step", "epoch 3, known as spyke-", "Recipe"):
        assert part in page
    assert page.count("<tr>") == 4
    with Image.open(folder_of(forge.home) / "loras" / "spyke" / "loss.png") as picture:
        assert picture.size == (800, 500)


def test_file_that_a_training_writes_is_the_one_that_is_read() -> None:
    """Two floors know its name."""
    assert history.FILE == FILE


def test_a_training_that_runs_is_live(home: Home) -> None:
    """Where it stands, how long still, its losses and its memory so far."""
    running(home, rows(30))

    (tile,) = write(home)

    page = shown(home)
    assert tile["live"]
    assert tile["said"] == "epoch 3 of 5, step 412 of 975, loss 0.0912"
    assert '<progress max="1" value="0.423">42%</progress>' in page
    assert "2 h 03 min to go" in page
    assert page.count("<svg") == 2
    assert "the trainer held 8.9 GB at most" in page


def test_a_page_is_another_when_a_step_is_made(home: Home) -> None:
    """So that a page that is open is read anew, and only then."""
    folder = running(home, rows(3))
    (first,), (same,) = write(home), write(home)

    with (folder / FILE).open("a") as file:
        file.write('{"step": 4, "loss": 0.01}\n')

    (second,) = write(home)
    assert first["stamp"] == same["stamp"] != second["stamp"]


def test_a_training_that_just_begins_has_a_page(home: Home) -> None:
    """Before anything was measured."""
    folder = running(home, [])
    (home.status / "spyke.toml").unlink()

    assert "trains now" in shown(home)

    (folder / "job.toml").write_text(dumps({"name": "spyke", "kind": "train"}))
    assert write(home) == []


def test_curves_are_kept_when_the_folder_of_the_job_is_gone(home: Home) -> None:
    """It is removed after a month."""
    trained(home)
    (home.done / JOB).mkdir()
    (home.done / JOB / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows(5)))
    before = shown(home)
    assert before.count("<svg") == 2

    shutil.rmtree(home.done / JOB)

    assert shown(home) == before


@pytest.mark.parametrize("damage", ["", "{", "3", "{}", '{"losses": 3}'])
def test_damaged_curves_are_none(home: Home, damage: str) -> None:
    """The page is there without them."""
    trained(home)
    shown(home)
    (folder_of(home) / "loras" / "spyke" / "curves.json").write_text(damage)

    assert "<svg" not in shown(home)


def test_pictures_are_copied_once(home: Home) -> None:
    """Losses, every epoch, the dataset; each again when it is another."""
    lora = trained(home)
    sheet = home.root / "datasets" / "spyke" / "report" / "contact-sheet.png"
    sheet.parent.mkdir(parents=True)
    for path in (lora / "loss.png", lora / "sheet.png", sheet):
        Image.new("RGB", (9, 9)).save(path)
    page = shown(home)
    own = folder_of(home) / "loras" / "spyke"
    before = {path.name: path.stat().st_mtime_ns for path in own.glob("*.png")}

    Image.new("RGB", (19, 19)).save(lora / "sheet.png")
    shown(home)

    assert [f'src="spyke/{name}"' in page for name in ("loss.png", "sheet.png", "dataset.png")] == (
        [True] * 3
    )
    after = {path.name: path.stat().st_mtime_ns for path in own.glob("*.png")}
    assert {name for name in after if after[name] != before[name]} == {"sheet.png"}


def test_earlier_trainings_and_failures_are_told(home: Home) -> None:
    """What is chosen stays so when the next one fails."""
    lora = trained(home, result={"state": "failed", "steps": 975, "epochs": 5})
    (lora / "manifest-20261101T120000-spyke.toml").write_text(
        dumps({"result": {"steps": 500, "loss": 0.11}})
    )

    page = shown(home)

    assert "5 epochs, 975 steps, failed" in page
    assert "<li>500 steps, loss 0.11</li>" in page


def test_nothing_becomes_markup(home: Home) -> None:
    """Names, requests, recipes, what the trainer said."""
    trained(home, chosen={"epoch": 1, "installed": "x"}, recipe={"a": "b"})
    plain = Tags(shown(home))
    bad: dict[str, Any] = {
        "chosen": {"epoch": BAD, "installed": BAD},
        "recipe": {"a": BAD},
        "trigger": BAD,
    }
    trained(home, **bad)

    assert Tags(shown(home)).tags == plain.tags

    running(home, [], why=BAD)
    live = Tags(shown(home))
    assert "script" not in live.tags[live.tags.index("main") : live.tags.index("noscript")]
    assert BAD in live.texts


def test_what_a_person_wrote_breaks_nothing(home: Home) -> None:
    """Values of any kind."""
    odd = dict.fromkeys(["result", "chosen", "versions", "recipe", "daemon"], "odd")
    trained(home, **odd)
    assert "<h1>spyke</h1>" in shown(home)

    trained(home, versions=["odd", {"epoch": "x", "loss": "y"}], result={"steps": "x"})
    assert "<h1>spyke</h1>" in shown(home)
    running(home, [{"footprint": "x", "swap": 1}, {"step": True}], progress="x", eta_seconds="y")
    assert "<h1>spyke</h1>" in shown(home)


def test_what_is_kept_is_not_read_again(home: Home) -> None:
    """A page more costs nothing for what was trained long ago; a newer history is read."""
    trained(home)
    (home.done / JOB).mkdir()
    history = home.done / JOB / FILE
    history.write_text("".join(json.dumps(row) + "\n" for row in rows(5)))
    os.utime(history, (1, 1))
    before = shown(home)

    history.write_text("")
    os.utime(history, (1, 1))
    assert shown(home) == before

    os.utime(history, (2**33, 2**33))
    assert "<svg" not in shown(home)


def test_a_folder_of_loras_may_be_missing(home: Home) -> None:
    """Before the first training."""
    assert list(stories(home, home.root / "nowhere", folder_of(home))) == []


def test_a_page_leads_back(home: Home) -> None:
    """Two folders up."""
    trained(home)
    (story,) = stories(home, home.root / "loras", folder_of(home) / "loras")

    page = lora_page(story)

    assert 'href="../gallery.css"' in page
    assert 'href="../../index.html"' in page
