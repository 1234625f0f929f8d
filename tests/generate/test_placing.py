"""What the engine made comes to its place: judged, described, whole, and in the journal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.asking import Answer
from plasma_watch.generate.order import InputPicture
from plasma_watch.generate.piece import Piece
from plasma_watch.generate.placing import draft_of, place_all, settle
from plasma_watch.job import JOURNAL, Job, Made
from plasma_watch.outputs import picture as pictures
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.request import GenerateRequest
from tests.fakes.drawings import drawn, one_colour, png
from tests.fakes.studio import Studio

GRAPH: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
}
GOOD = png(drawn(64, 64))


def answer(*contents: bytes) -> Answer:
    """Return what an engine made."""
    return Answer(contents or (GOOD,), GRAPH)


@pytest.fixture
def piece(faked: Studio) -> Piece:
    """A picture whose third attempt the engine was asked for."""
    piece = faked.piece(faked.claim(), workflow="txt2img", seed=7, note="a note")
    piece.keep(replace(piece.picture, attempt=3))
    return piece


# Placing.


def test_picture_comes_to_its_place_with_its_manifest(faked: Studio, piece: Piece) -> None:
    """And nothing else is left there."""
    place_all(piece, answer(), 1.5)

    assert faked.outputs() == ["p003_v1.png", "p003_v1.toml"]
    assert (faked.output / "p003_v1.png").read_bytes() != GOOD
    assert piece.picture.is_whole
    assert piece.picture.placing == ""


def test_picture_says_what_made_it(faked: Studio, piece: Piece) -> None:
    """So it can be dropped itself; not one pixel is another."""
    place_all(piece, answer(), 1.5)

    content = (faked.output / "p003_v1.png").read_bytes()
    request = pictures.request_in(content, "p003_v1.png")
    assert GenerateRequest.model_validate(request).seed == 7
    assert request.pop("models") == piece.order.models_of(GRAPH)
    assert request == piece.request()
    assert pictures.decode(content, "it").tobytes() == drawn(64, 64).tobytes()


def test_manifest_says_what_made_it(faked: Studio, piece: Piece) -> None:
    """The request first; then what it was made of, by whom, and how it came out."""
    models = tuple(
        {"name": name, "folder": "checkpoints", "sha256": "1" * 64}
        for name in ("a.safetensors", "of-another-picture.safetensors")
    )
    named = InputPicture("image", "poses/a.png", b"", "2" * 64, (64, 64), "2.png")
    order = replace(piece.order, models=models, inputs=(named,))

    place_all(replace(piece, order=order), answer(), 1.504)

    content = (faked.output / "p003_v1.png").read_bytes()
    found = faked.manifest()
    assert found.request == piece.request()
    assert {key: found.result[key] for key in ("file", "width", "height", "seconds")} == {
        "file": "p003_v1.png",
        "width": 64,
        "height": 64,
        "seconds": 1.5,
    }
    assert found.result["sha256"] == hashlib.sha256(content).hexdigest()
    assert (found.result["attempts"], found.result["sandbox"]) == (3, False)
    assert found.engine["prompt_id"] == piece.prompt_of(3)
    assert (found.engine["version"], found.engine["arguments"]) == ("0.3.64", ["main.py"])
    assert found.models == [models[0]]
    assert found.inputs == [{"name": "poses/a.png", "sha256": "2" * 64}]
    assert (found.daemon["job"], found.daemon["picture"]) == (piece.job.id, 1)
    assert found.graph == GRAPH
    assert found.template_sha256 == piece.order.template.sha256


def test_bench_is_told_of_what_was_placed(faked: Studio, piece: Piece) -> None:
    """Before the journal is: the pipeline's list may hold it twice, and never misses it."""
    place_all(piece, answer(), 1.5)

    assert faked.placed == [("p003_v1.png", piece.request())]
    (made,) = piece.picture.made
    content = (faked.output / "p003_v1.png").read_bytes()
    assert made == Made("output/p003_v1.png", hashlib.sha256(content).hexdigest())


def test_success_forgets_the_failures_before(piece: Piece) -> None:
    """The next picture has all its attempts."""
    piece.ongoing.keep(replace(piece.job, failures=2))

    place_all(piece, answer(), 1.5)

    assert piece.job.failures == 0


def test_name_is_in_the_journal_before_anything_appears_under_it(
    faked: Studio, piece: Piece
) -> None:
    """After a crash it is known where to look."""
    (faked.output / "p003_v1.toml").write_text("somebody else's")
    heard: list[str] = []

    def look(job: Job, final: Path, _: object) -> None:
        journal = Job.from_toml((piece.ongoing.folder / JOURNAL).read_text("utf-8"))
        assert journal.id == job.id
        heard.append(journal.pictures[0].placing)
        assert final.exists()

    place_all(replace(piece, bench=replace(piece.bench, placed=look)), answer(), 1.5)

    assert heard == [str(faked.output / "p003_v2.png")]


def test_several_files_of_a_prompt_are_versions(piece: Piece) -> None:
    """In their order."""
    other = png(drawn(64, 64, shift=9))

    place_all(piece, answer(GOOD, other), 1.5)

    assert [made.path for made in piece.picture.made] == [
        "output/p003_v1.png",
        "output/p003_v2.png",
    ]
    assert piece.picture.images == 2


def test_files_that_are_placed_already_are_left_alone(faked: Studio, piece: Piece) -> None:
    """A crash came between the first and the second."""
    piece.keep(replace(piece.picture, images=2, made=(Made("output/p003_v1.png", "1"),)))

    place_all(piece, answer(GOOD, png(drawn(64, 64, shift=9))), 1.5)

    assert faked.outputs() == ["p003_v1.png", "p003_v1.toml"]
    assert len(piece.picture.made) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no picture", Code.IMAGE_UNREADABLE),
        (GOOD[:-50], Code.IMAGE_UNREADABLE),
        (png(drawn(64, 72)), Code.IMAGE_WRONG_SIZE),
        (png(one_colour((0, 0, 0), 64, 64)), Code.IMAGE_BLANK),
        (png(one_colour((9, 90, 200), 64, 64)), Code.IMAGE_BLANK),
    ],
    ids=["no picture", "cut short", "wrong size", "black", "one colour"],
)
def test_bad_picture_is_not_placed(faked: Studio, piece: Piece, content: bytes, code: Code) -> None:
    """Whatever the engine called it."""
    with pytest.raises(PlasmaError) as caught:
        place_all(piece, answer(content), 1.5)

    assert caught.value.code is code
    assert faked.outputs() == []
    assert not piece.picture.is_whole


def test_picture_without_a_size_of_its_own_may_have_any(faked: Studio) -> None:
    """That of the picture it was made from."""
    piece = faked.piece(faked.claim(), workflow="img2img", input={"image": "a.png"})

    place_all(piece, answer(png(drawn(72, 40))), 1.5)

    assert faked.manifest().result["width"] == 72


def test_drafts_of_two_jobs_and_pictures_differ(piece: Piece, tmp_path: Path) -> None:
    """None takes the other's for its own."""
    other = replace(piece.job, id="20261122T120000-p004")

    drafts = {draft_of(job, n, tmp_path).picture for job in (piece.job, other) for n in (1, 2)}

    assert len(drafts) == 4


# Settling, after a crash while placing.


def crashed(piece: Piece, version: int = 1) -> Path:
    """Say in the journal that the picture is being placed, and return its name."""
    final = piece.bench.output / f"p003_v{version}.png"
    piece.keep(replace(piece.picture, images=1, placing=str(final)))
    return final


def test_picture_that_was_placed_is_in_the_journal_then(faked: Studio, piece: Piece) -> None:
    """The crash came before the journal heard of it; the pipeline's list is made good too."""
    place_all(piece, answer(), 1.5)
    made = piece.picture.made
    piece.keep(replace(piece.picture, made=()))
    crashed(piece)
    faked.placed.clear()

    settle(piece)

    assert piece.picture.made == made
    assert piece.picture.is_whole
    assert piece.picture.placing == ""
    assert [name for name, _ in faked.placed] == ["p003_v1.png"]


def test_the_last_picture_waits_for_the_ending_to_be_written(piece: Piece) -> None:
    """Until then the journal has the name under which it lies, and a crash settles it again."""
    place_all(piece, answer(), 1.5)

    written = Job.from_toml((piece.ongoing.folder / JOURNAL).read_text("utf-8"))
    (picture,) = written.pictures

    assert piece.picture.is_whole
    assert (picture.placing, picture.made) == (str(piece.bench.output / "p003_v1.png"), ())


def test_the_last_picture_of_a_sweep_is_written_down_before_its_sheet(piece: Piece) -> None:
    """To draw one takes a while, on a full disk for ever; nobody must look for a picture then."""
    sweep = (piece.job.request or {}) | {"sweep": {"cfg": [4.0]}}
    piece.ongoing.keep(replace(piece.job, request=sweep))

    place_all(piece, answer(), 1.5)

    written = Job.from_toml((piece.ongoing.folder / JOURNAL).read_text("utf-8"))
    assert written == piece.job


def test_manifest_without_its_picture_is_taken_back(faked: Studio, piece: Piece) -> None:
    """The crash came between the two."""
    place_all(piece, answer(), 1.5)
    piece.keep(replace(piece.picture, made=()))
    crashed(piece).unlink()

    settle(piece)

    assert faked.outputs() == []
    assert (piece.picture.placing, piece.picture.made) == ("", ())


def test_drafts_that_a_crash_left_are_cleared_away(faked: Studio, piece: Piece) -> None:
    """Nothing had its name yet."""
    crashed(piece)
    draft = draft_of(piece.job, 1, faked.output)
    draft.picture.write_bytes(GOOD)
    draft.manifest.write_text("half a man")

    settle(piece)

    assert faked.outputs() == []
    assert not piece.picture.is_whole


@pytest.mark.parametrize("change", ["job", "picture", "text"])
def test_manifest_of_another_is_not_ours(piece: Piece, change: str) -> None:
    """Somebody took the name that we were about to take: it is left alone."""
    place_all(piece, answer(), 1.5)
    final = crashed(piece)
    piece.keep(replace(piece.picture, made=()))
    manifest = final.with_suffix(".toml")
    if change == "text":
        manifest.write_text("somebody else's")
    else:
        found = Manifest.from_toml(manifest.read_text("utf-8"))
        other = {"job": "20261122T120000-p004", "picture": 2}[change]
        daemon = {**found.daemon, change: other}
        manifest.write_text(replace(found, daemon=daemon).to_toml())
    before = manifest.read_text("utf-8")

    settle(piece)

    assert manifest.read_text("utf-8") == before
    assert final.exists()
    assert (piece.picture.placing, piece.picture.made) == ("", ())


def test_request_in_a_picture_is_json_for_everybody(faked: Studio) -> None:
    """Other alphabets are escaped: a PNG's text knows Latin alone."""
    piece = faked.piece(faked.claim(), workflow="txt2img", note="スパイク")

    place_all(piece, answer(), 1.5)

    content = (faked.output / "p003_v1.png").read_bytes()
    text = pictures.texts(content)[pictures.TEXT_KEY]
    assert text.isascii()
    assert json.loads(text)["note"] == "スパイク"
