"""A picture that the same request made before, for `once = true`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.job import Made
from plasma_watch.outputs.earlier import Wanted, find
from plasma_watch.outputs.manifest import Manifest

REQUEST: dict[str, Any] = {"kind": "generate", "prompt": "spyke", "seed": 7, "count": 1}
MODEL = {"name": "a.safetensors", "folder": "checkpoints", "sha256": "1" * 64}
POSE = {"name": "poses/a.png", "sha256": "2" * 64}
WANTED = Wanted(REQUEST, frozenset(), [MODEL, POSE], "ef", is_sandbox=False)
NONE: frozenset[str] = frozenset()
PICTURE = b"picture"
DIGEST = hashlib.sha256(PICTURE).hexdigest()


def make(folder: Path, version: int, **request: Any) -> Made:
    """Put a picture and its manifest into a folder."""
    stem = f"p003_v{version}"
    manifest = Manifest(
        request=REQUEST | request,
        result={"sha256": DIGEST},
        engine={"version": "0.3.64"},
        models=[MODEL],
        inputs=[POSE],
        daemon={"version": "0.1.0"},
        graph={"3": {}},
        template_sha256="ef",
    )
    (folder / f"{stem}.toml").write_text(manifest.to_toml())
    (folder / f"{stem}.png").write_bytes(PICTURE)
    return Made(str(folder / f"{stem}.png"), DIGEST)


def asking(**request: Any) -> Wanted:
    """Return what is wanted with other keys in its request."""
    return replace(WANTED, request=REQUEST | request)


def test_the_newest_picture_of_the_same_request_answers(tmp_path: Path) -> None:
    """Versions are counted, not sorted as text: 10 is newer than 9."""
    made = [make(tmp_path, version) for version in (1, 9, 10)]

    assert find(tmp_path, "p003", WANTED, NONE) == made[-1]


@pytest.mark.parametrize("difference", [{"seed": 8}, {"prompt": "spykes"}, {"cfg": 7.0}])
def test_another_request_is_not_answered(tmp_path: Path, difference: dict[str, Any]) -> None:
    """One key that differs, or that only one of them has, makes another picture."""
    make(tmp_path, 1, **difference)

    assert find(tmp_path, "p003", WANTED, NONE) is None


def test_an_older_picture_answers_when_the_newer_ones_differ(tmp_path: Path) -> None:
    """The search goes back through the versions."""
    made = make(tmp_path, 1)
    make(tmp_path, 2, seed=8)

    assert find(tmp_path, "p003", WANTED, NONE) == made


def test_a_note_does_not_make_another_picture(tmp_path: Path) -> None:
    """It is free text for people."""
    made = make(tmp_path, 1, note="first try")

    assert find(tmp_path, "p003", asking(note="again"), NONE) == made


def test_a_seed_that_was_drawn_is_not_compared(tmp_path: Path) -> None:
    """Who left the seed to us asked for any picture of it."""
    made = make(tmp_path, 1, seed=8)

    assert find(tmp_path, "p003", replace(WANTED, ignored=frozenset({"seed"})), NONE) == made


def test_a_picture_answers_once_in_a_job(tmp_path: Path) -> None:
    """Four pictures of one request are answered by four, not by the same one four times."""
    older, newer = make(tmp_path, 1), make(tmp_path, 2)

    assert find(tmp_path, "p003", WANTED, frozenset({newer.path})) == older
    assert find(tmp_path, "p003", WANTED, frozenset({newer.path, older.path})) is None


def test_a_manifest_whose_picture_was_removed_does_not_answer(tmp_path: Path) -> None:
    """Somebody threw the picture away, because it was not good for instance."""
    Path(make(tmp_path, 1).path).unlink()

    assert find(tmp_path, "p003", WANTED, NONE) is None


@pytest.mark.parametrize("content", [b"", b"not toml", b"\xff\xfe", b"result = 5\n", b"\0" * 50])
def test_what_is_no_manifest_is_passed_over(tmp_path: Path, content: bytes) -> None:
    """Other files of the same name do not hide the picture that is there."""
    made = make(tmp_path, 1)
    (tmp_path / "p003_v2.toml").write_bytes(content)
    (tmp_path / "p003_v2.png").write_bytes(PICTURE)
    (tmp_path / "p003_v3.toml").mkdir()

    assert find(tmp_path, "p003", WANTED, NONE) == made


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """The first page of a chapter finds no folder."""
    assert find(tmp_path / "ch-01", "p003", WANTED, NONE) is None


# What must be the same besides the request.


@pytest.mark.parametrize(
    "wanted",
    [
        replace(WANTED, template_sha256="another"),
        replace(WANTED, is_sandbox=True),
        replace(WANTED, used=[MODEL | {"sha256": "9" * 64}, POSE]),
        replace(WANTED, used=[MODEL, POSE | {"sha256": "9" * 64}]),
    ],
)
def test_what_was_made_otherwise_does_not_answer(tmp_path: Path, wanted: Wanted) -> None:
    """By another workflow, by the stand-in, with another model or pose of the same name."""
    make(tmp_path, 1)

    assert find(tmp_path, "p003", wanted, NONE) is None


def test_what_is_not_known_is_no_difference(tmp_path: Path) -> None:
    """Where ComfyUI's folder is not known no model can be hashed."""
    made = make(tmp_path, 1)

    unknown = replace(WANTED, used=[MODEL | {"sha256": "unknown"}, POSE])
    assert find(tmp_path, "p003", unknown, NONE) == made


@pytest.mark.parametrize("content", [b"", b"pict", b"another picture"])
def test_picture_that_is_not_what_was_made_does_not_answer(tmp_path: Path, content: bytes) -> None:
    """It was cut short, or painted over."""
    Path(make(tmp_path, 1).path).write_bytes(content)

    assert find(tmp_path, "p003", WANTED, NONE) is None
