"""A page that is made again knows which one it was, and how far it is from it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.again import Original, carried, original_of
from plasma_watch.job import State
from plasma_watch.outputs import picture as pictures
from plasma_watch.outputs.picture import phash
from plasma_watch.request import GenerateRequest
from tests.fakes.drawings import drawn, png
from tests.fakes.studio import Studio

OLD = png(drawn())
DIGEST = hashlib.sha256(OLD).hexdigest()
LIMIT = 1_000_000
RESULT = {"file": "p003_v1.png", "sha256": DIGEST, "phash": phash(drawn())}


def asked(**keys: Any) -> GenerateRequest:
    """Return the request of a manifest."""
    return GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)


def original(folder: Path, file: str = "p003.toml", **keys: Any) -> Original | None:
    """Return the picture that a request makes again."""
    return original_of(asked(**keys), folder / file, folder, LIMIT)


# Which one it was.


def test_manifest_names_its_picture(tmp_path: Path) -> None:
    """Which lies where the new one will lie."""
    (tmp_path / "p003_v1.png").write_bytes(OLD)

    found = original(tmp_path, result=RESULT, graph={"template_sha256": "ef"})

    assert found
    assert (found.name, found.sha256, found.template_sha256) == ("p003_v1.png", DIGEST, "ef")
    assert found.image
    assert found.image.size == (64, 96)


def test_picture_is_its_own_original(tmp_path: Path) -> None:
    """Whatever it is called."""
    (tmp_path / "dropped.PNG").write_bytes(OLD)

    found = original(tmp_path, "dropped.PNG")

    assert found
    assert (found.name, found.sha256, found.phash) == ("dropped.PNG", DIGEST, phash(drawn()))


@pytest.mark.parametrize(
    ("file", "content"), [("p003_v1.png", b"painted over"), ("elsewhere.png", OLD)]
)
def test_picture_that_is_gone_is_known_by_its_hash(
    tmp_path: Path, file: str, content: bytes
) -> None:
    """Or was changed since."""
    (tmp_path / file).write_bytes(content)

    found = original(tmp_path, result=RESULT)

    assert found
    assert found.image is None
    assert found.compared(drawn(shift=3), "ef") == {
        "of": "p003_v1.png",
        "sha256": DIGEST,
        "perceptual": found.compared(drawn(shift=3), "ef")["perceptual"],
    }


@pytest.mark.parametrize("name", ["../p003_v1.png", "/etc/passwd", "a/b.png", "a\0b", ""])
def test_manifest_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """It may have been written by anybody."""
    (tmp_path / "p003_v1.png").write_bytes(OLD)

    found = original(tmp_path / "sub", result=RESULT | {"file": name})

    assert found
    assert found.image is None


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"result": {}},
        {"result": {"file": 3, "sha256": "x"}},
        {"result": RESULT, "count": 2},
        {"result": RESULT, "sweep": {"seed": [1, 2]}},
    ],
)
def test_request_that_makes_nothing_again_has_no_original(
    tmp_path: Path, keys: dict[str, Any]
) -> None:
    """It was written by hand, or makes several."""
    assert original(tmp_path, **keys) is None


def test_picture_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """It was taken out of the job's folder."""
    (tmp_path / "bad.png").write_bytes(b"no picture")

    assert original(tmp_path, "bad.png") is None
    assert original(tmp_path, "gone.png") is None


# How far it is.


def test_distance_is_told_in_numbers_and_a_word() -> None:
    """As `compare` says it."""
    found = Original("a.png", DIGEST, "", "ef", drawn())

    assert found.compared(drawn(), "ef") == {
        "of": "a.png",
        "sha256": DIGEST,
        "verdict": "identical",
        "perceptual": 0,
        "structure": 1.0,
        "difference": 0.0,
    }


def test_workflow_that_changed_is_told() -> None:
    """Then a difference has a reason."""
    found = Original("a.png", DIGEST, "", "ef", drawn())

    assert found.compared(drawn(), "another")["workflow_changed"] is True


def test_hash_that_is_none_is_not_compared() -> None:
    """Somebody wrote it by hand."""
    assert "perceptual" not in Original("a.png", DIGEST, "zz", "", None).compared(drawn(), "ef")


def test_picture_carries_what_it_was_made_of() -> None:
    """Without empty lists."""
    model = {"name": "a", "sha256": "1"}

    assert carried({"seed": 1}, [model], []) == {"seed": 1, "models": [model]}


# All the way.


def test_dropped_manifest_makes_the_identical_picture(studio: Studio) -> None:
    """As the next version, which says so."""
    studio.make(seed=301)
    ongoing = studio.claim("p003_v1")
    text = (studio.output / "p003_v1.toml").read_text()
    ongoing.request.write_text(text)

    studio.kind.run(ongoing, _read(text))

    again = studio.manifest("p003_v2").result["again"]
    assert (again["of"], again["verdict"]) == ("p003_v1.png", "identical")
    assert "workflow_changed" not in again


def _read(text: str) -> GenerateRequest:
    return GenerateRequest.model_validate(tomllib.loads(text))


def test_dropped_picture_makes_the_identical_picture(studio: Studio) -> None:
    """It is compared with itself."""
    studio.make(seed=302)
    content = (studio.output / "p003_v1.png").read_bytes()
    ongoing = studio.claim("p003_v1")
    ongoing.request.unlink()
    (ongoing.folder / "mine.png").write_bytes(content)
    ongoing.job = replace(ongoing.job, file="mine.png")

    request = GenerateRequest.model_validate(pictures.request_in(content, "mine.png"))
    studio.kind.run(ongoing, request)

    again = studio.manifest("p003_v2").result["again"]
    assert (again["of"], again["verdict"]) == ("mine.png", "identical")


def test_dropped_picture_is_refused_when_a_model_has_changed(studio: Studio) -> None:
    """It carries their hashes; unless that is allowed."""
    studio.make(seed=303)
    content = (studio.output / "p003_v1.png").read_bytes()
    carried = pictures.request_in(content, "p003_v1.png")
    assert carried["models"][0]["name"] == "anything-v5-PrtRE.safetensors"
    carried["models"][0]["sha256"] = "9" * 64

    with pytest.raises(PlasmaError) as caught:
        studio.kind.run(studio.claim("a"), GenerateRequest.model_validate(carried))
    allowed = GenerateRequest.model_validate(carried | {"allow_changed_models": True})

    assert caught.value.code is Code.REQUEST_CHANGED_MODELS
    assert studio.kind.run(studio.claim("b"), allowed).state is State.DONE


def test_edited_manifest_tells_how_far_it_went(studio: Studio) -> None:
    """What was changed by hand makes another picture."""
    studio.make(seed=304)
    ongoing = studio.claim("p003_v1")
    request = _read((studio.output / "p003_v1.toml").read_text())

    studio.kind.run(ongoing, request.model_copy(update={"seed": 305}))

    assert studio.manifest("p003_v2").result["again"]["verdict"] == "different"


def test_page_made_for_the_first_time_says_nothing_of_it(studio: Studio) -> None:
    """There is nothing to compare with."""
    studio.make(seed=306)

    assert "again" not in studio.manifest().result
    assert json.loads(pictures.texts((studio.output / "p003_v1.png").read_bytes())["prompt"])
