"""A report says what the gate will say, and what else is worth a word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFilter

from plasma_watch import toml_text
from plasma_watch.config import Config, Limits
from plasma_watch.dataset.record import RECORD, Record
from plasma_watch.dataset.report import (
    OTHERS_PACE,
    Asked,
    Pace,
    Report,
    buckets_of,
    measured_pace,
    report,
)
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.request import TrainRequest
from plasma_watch.train.dataset import problems
from plasma_watch.train.reading import Folder, survey
from tests.dataset.test_keeping import member
from tests.fakes.datasets import fill, scene


def asked(**changes: Any) -> Asked:
    """Return a request to train, and whether it names a trigger."""
    table = {"kind": "train", "lora": "spyke", "dataset": "d", "trigger": "spyke"}
    return Asked(TrainRequest.model_validate(table | changes))


def folder(path: Path) -> Folder:
    """Return a folder as the gate reads it."""
    return Folder(str(path), (path,), 10**8)


def told(path: Path, asked_: Asked | None = None, pace: Pace | None = None) -> Report:
    """Return the report of a folder."""
    return report(folder(path), asked_ or asked(), Config(), pace or Pace())


def notes(found: Report, name: str) -> tuple[str, ...]:
    """Return what is said of a picture."""
    return next(look.notes for look in found.looks if look.shot.name == name)


def test_a_good_dataset_has_no_problems(tmp_path: Path) -> None:
    """Its buckets are counted, and how long a training is."""
    found = told(fill(tmp_path, 20))

    assert found.problems == ()
    assert found.buckets() == {"448x576": 20}
    assert found.framings() == {"unknown": 20}
    assert found.length is not None
    assert found.length.plan.steps == 1000
    assert found.length.seconds() == (1000 * OTHERS_PACE[0], 1000 * OTHERS_PACE[1])


def bad(path: Path) -> Path:
    """Fill a folder with everything that a gate refuses."""
    fill(path, 14)
    (path / "p1.txt").unlink()
    (path / "p2.txt").write_bytes(b"")
    (path / "p3.txt").write_bytes("スパイク".encode("cp932"))
    (path / "p4.txt").write_text("somebody else")
    (path / "p5.png").write_bytes(b"no picture")
    (path / "p6.gif").write_bytes(b"GIF89a")
    (path / "lonely.txt").write_text("spyke")
    return path


def test_the_problems_are_the_gates(tmp_path: Path) -> None:
    """F54: word for word what a request would be refused with, when its turn comes."""
    path = bad(tmp_path)

    found = told(path)

    gate = list(problems(survey(folder(path)), asked().want(Config())))
    assert {problem.code for problem in found.problems} == {
        Code.DATASET_BAD_PICTURE,
        Code.DATASET_NO_CAPTION,
        Code.DATASET_BAD_CAPTION,
        Code.DATASET_NO_TRIGGER,
        Code.DATASET_TOO_FEW,
    }
    assert [problem.message for problem in found.problems] == [each.message for each in gate]
    assert "captions without a picture: lonely.txt" in found.warnings


def test_every_picture_carries_its_own(tmp_path: Path) -> None:
    """In a few words each."""
    found = told(bad(tmp_path))

    assert notes(found, "p1.png") == ("no caption",)
    assert notes(found, "p2.png") == ("caption empty or not UTF-8",)
    assert notes(found, "p3.png") == ("caption empty or not UTF-8",)
    assert notes(found, "p4.png") == ("caption without the trigger",)
    assert "no picture" not in notes(found, "p5.png")[0]
    assert "p5.png" in notes(found, "p5.png")[0]
    assert notes(found, "p7.png") == ()


def test_a_byte_order_mark_is_told(tmp_path: Path) -> None:
    """It stops nothing."""
    fill(tmp_path, 15)
    (tmp_path / "p1.txt").write_text("\ufeffspyke, pose", "utf-8")

    found = told(tmp_path)

    assert found.problems == ()
    assert notes(found, "p1.png") == ("caption begins with a byte order mark",)


def test_blurred_and_nearly_equal_pictures_are_told(tmp_path: Path) -> None:
    """Two by two, and among the others."""
    fill(tmp_path, 16)
    scene(3).save(tmp_path / "p1.png")
    scene(2).filter(ImageFilter.GaussianBlur(9)).save(tmp_path / "p2.png")

    found = told(tmp_path)

    assert notes(found, "p1.png") == ("nearly the same as p3.png",)
    assert notes(found, "p3.png") == ("nearly the same as p1.png",)
    assert "blurred" in notes(found, "p2.png")
    assert any(warning.startswith("blurred beside the others: p2") for warning in found.warnings)


def test_a_picture_like_many_names_one_of_them(tmp_path: Path) -> None:
    """And how many more: a sheet of like figures would fill the screen."""
    fill(tmp_path, 15)
    for number in (1, 2, 3):
        scene(4).save(tmp_path / f"p{number}.png")

    assert notes(told(tmp_path), "p1.png") == ("nearly the same as p2.png and 2 more",)


def test_what_the_stand_in_drew_is_told_once(tmp_path: Path) -> None:
    """With how many there are; a manifest said so when they were taken."""
    fill(tmp_path, 15)
    members = [member(f"p{n}.png", made={"sandbox": True}) for n in (1, 2)]
    (tmp_path / RECORD).write_text(Record().with_members(members, "spyke").to_toml())

    warnings = told(tmp_path).warnings

    assert [said[:30] for said in warnings if "stand-in" in said] == [
        "2 pictures drawn by the stand-"
    ]


def test_captions_that_repeat_are_told(tmp_path: Path) -> None:
    """With how often."""
    fill(tmp_path, 15)
    for number in (1, 2, 3):
        (tmp_path / f"p{number}.txt").write_text("spyke, portrait")

    found = told(tmp_path)

    assert found.repeated == {"spyke, portrait": ("p1.png", "p2.png", "p3.png")}
    assert "3 pictures have one caption, 'spyke, portrait': say what differs" in found.warnings


def test_framings_come_from_captions_and_the_record(tmp_path: Path) -> None:
    """The caption wins: a person wrote it; a framing that few pictures have is named."""
    fill(tmp_path, 15)
    for number in range(1, 13):
        (tmp_path / f"p{number}.txt").write_text(f"spyke, full body, pose {number}")
    members = [member("p13.png", caption="spyke, pose 13"), member("p1.png", caption="x")]
    text = Record().with_members(members, "spyke").to_toml()
    (tmp_path / RECORD).write_text(text)

    found = told(tmp_path)

    assert found.framings() == {"face": 1, "full": 12, "unknown": 2}
    assert "few pictures show the bust: 0 of 13" in found.warnings
    assert [look.shot.name for look in found.looks if look.is_guessed] == ["p13.png"]


def test_what_its_bucket_cuts_off_is_told(tmp_path: Path) -> None:
    """From a twelfth on."""
    fill(tmp_path, 15)
    scene(1, 300, 200).save(tmp_path / "p1.png")

    assert notes(told(tmp_path), "p1.png") == ("10% cut off by its bucket",)


def test_without_a_trigger_it_is_judged_as_regularization(tmp_path: Path) -> None:
    """One picture is enough, and no caption must hold any word."""
    fill(tmp_path, 1, trigger="somebody")

    found = told(tmp_path, Asked(asked().request, has_trigger=False))

    assert found.problems == ()
    assert found.trigger == ""


def test_a_training_that_is_too_long_is_told(tmp_path: Path) -> None:
    """As the gate tells it."""
    found = told(fill(tmp_path, 15), asked(epochs=500))

    assert [problem.code for problem in found.problems] == [Code.REQUEST_OVER_LIMIT]


def test_regularization_doubles_the_steps_of_an_epoch(tmp_path: Path) -> None:
    """As the trainer shows one of its pictures for each of the dataset's."""
    fill(tmp_path, 20)

    plain, doubled = told(tmp_path), told(tmp_path, asked(regularization="datasets/reg"))

    assert plain.length is not None
    assert doubled.length is not None
    assert plain.length.plan.repeats == 2 * doubled.length.plan.repeats


def test_the_buckets_are_the_recipes() -> None:
    """At every resolution that may be asked for."""
    assert (512, 512) in buckets_of(asked().request).sizes()
    assert buckets_of(asked(resolution=64).request).sizes() == [(64, 64)]


def manifests(loras: Path) -> Iterator[Path]:
    """Yield the manifests of trainings, the newest last."""
    for number, (name, result) in enumerate(
        (
            ("old", {"seconds_per_step": 9.0, "sandbox": False}),
            ("spyke", {"seconds_per_step": 3.5, "sandbox": False, "device": "mps"}),
            ("toy", {"seconds_per_step": 0.01, "sandbox": True}),
            ("short", {"sandbox": False}),
        )
    ):
        path = loras / name / "manifest.toml"
        path.parent.mkdir(parents=True)
        path.write_text(toml_text.dumps({"resolution": 512, "result": result}))
        os.utime(path, (number, number))
        yield path


def test_the_pace_is_what_was_measured_here(tmp_path: Path) -> None:
    """By the newest real training at that resolution; else what others report."""
    list(manifests(tmp_path))

    assert measured_pace(tmp_path, 512) == Pace(3.5, 3.5, "spyke on mps")
    assert measured_pace(tmp_path, 384) == Pace()
    assert measured_pace(tmp_path / "none", 512) == Pace()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By the gate's own code."""
    with pytest.raises(PlasmaError) as caught:
        told(tmp_path / "no")

    assert caught.value.code is Code.DATASET_MISSING


def test_a_broken_record_is_told(tmp_path: Path) -> None:
    """It is ours, and somebody edited it."""
    fill(tmp_path, 15)
    (tmp_path / RECORD).write_text("trigger = ")

    with pytest.raises(PlasmaError) as caught:
        told(tmp_path)

    assert caught.value.code is Code.DATASET_BAD_FILE
    assert Limits().min_images == 15
