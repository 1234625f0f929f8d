"""The templates of a home, read when they are used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate import library
from tests.fakes.blueprints import plain, with_lora


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two workflows."""
    plain().write(tmp_path, "txt2img")
    with_lora().write(tmp_path, "txt2img-lora")
    return tmp_path


def refused(folder: Path, name: str) -> PlasmaError:
    """Return the error that a name is refused with."""
    with pytest.raises(PlasmaError) as caught:
        library.load(folder, name)
    return caught.value


def test_template_is_loaded_by_its_name(folder: Path) -> None:
    """With the slot map beside it."""
    template = library.load(folder, "txt2img-lora")

    assert (template.name, template.has("lora")) == ("txt2img-lora", True)


def test_names_are_those_of_the_workflows(folder: Path) -> None:
    """Hidden files, as a Mac leaves them on other volumes, are none."""
    (folder / "._txt2img.json").touch()
    (folder / "readme.txt").touch()

    assert library.names(folder) == ["txt2img", "txt2img-lora"]


def test_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    """Neither does a file in its place, nor what no disk can hold."""
    (tmp_path / "file").touch()

    assert library.names(tmp_path / "gone") == []
    assert library.names(tmp_path / "file") == []
    assert library.names(tmp_path / ("long" * 100)) == []


def test_unknown_name_is_refused_with_the_nearest(folder: Path) -> None:
    """The usual mistake is a typo."""
    error = refused(folder, "text2img")

    assert error.code is Code.WORKFLOW_UNKNOWN
    assert error.hint == "Did you mean `txt2img`?"


@pytest.mark.parametrize("name", ["xyz", "../txt2img", "._txt2img", "txt2img.json"])
def test_name_that_is_like_none_is_refused_with_all(folder: Path, name: str) -> None:
    """A name never leads out of the folder."""
    error = refused(folder, name)

    assert error.code is Code.WORKFLOW_UNKNOWN
    assert error.hint


def test_empty_folder_says_so(tmp_path: Path) -> None:
    """There is nothing to name."""
    assert refused(tmp_path, "txt2img").hint == "There are: none."


def test_workflow_without_a_slot_map_is_refused(folder: Path) -> None:
    """The file that is missing is named."""
    (folder / "txt2img.toml").unlink()

    error = refused(folder, "txt2img")

    assert error.code is Code.WORKFLOW_BROKEN
    assert str(folder / "txt2img.toml") in error.message


def test_workflow_that_cannot_be_read_is_refused(folder: Path) -> None:
    """A folder bears its name."""
    (folder / "txt2img.json").unlink()
    (folder / "txt2img.json").mkdir()

    error = refused(folder, "txt2img")

    assert error.code is Code.WORKFLOW_BROKEN
    assert "cannot be read: Is a directory" in error.message
    assert str(folder) in error.hint


def test_bad_template_refuses_its_own_requests_alone(folder: Path) -> None:
    """The other one is loaded all the same."""
    (folder / "txt2img.json").write_text("{}")

    assert refused(folder, "txt2img").code is Code.WORKFLOW_BROKEN
    assert library.load(folder, "txt2img-lora").name == "txt2img-lora"


def test_template_is_read_anew_each_time(folder: Path) -> None:
    """Who mends it needs no restart."""
    shutil.move(folder / "txt2img.toml", folder / "away.toml")
    refused(folder, "txt2img")
    shutil.move(folder / "away.toml", folder / "txt2img.toml")

    assert library.load(folder, "txt2img").name == "txt2img"
