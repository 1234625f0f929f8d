"""What request, config and template prove together, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Config, Defaults
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.generate.checking import check, template_of
from plasma_watch.request import GenerateRequest
from tests.fakes.blueprints import POSE, Blueprint, from_picture, guided, plain, with_lora

CONFIG = Config()
LINES = {("workflow",): 2, ("steps",): 4, ("controlnet",): 8, ("controlnet", "image"): 10}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with workflows, below a home."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    plain().write(folder, "txt2img")
    with_lora().write(folder, "txt2img-lora")
    guided().write(folder, "guided")
    from_picture().write(folder, "img2img")
    return folder


def asked(**keys: Any) -> GenerateRequest:
    """Return a request with a prompt and the keys given."""
    return GenerateRequest.model_validate({"kind": "generate", "prompt": "spyke"} | keys)


def checked(folder: Path, config: Config = CONFIG, *roots: Path, **keys: Any) -> None:
    """Check a request of a home around the folder."""
    roots = (folder.parent, *roots)
    check(asked(**keys), LINES, "p003.toml", config, folder, roots)


def refused(folder: Path, config: Config = CONFIG, **keys: Any) -> list[Problem]:
    """Return everything that is wrong with a request."""
    with pytest.raises(PlasmaError) as caught:
        checked(folder, config, **keys)
    assert caught.value.code is caught.value.problems[0].code
    assert caught.value.message.startswith("p003.toml: ")
    return list(caught.value.problems)


def told(problems: list[Problem]) -> list[tuple[Code, str, int]]:
    """Return code, field and line of problems."""
    return [(problem.code, problem.field, problem.line) for problem in problems]


def with_defaults(blueprint: Blueprint, **defaults: Any) -> Blueprint:
    """Return a blueprint whose slot map has defaults."""
    return blueprint.changed(lambda made: made.map.update(defaults=defaults))


def test_good_requests_are_good(folder: Path) -> None:
    """Also with pictures that are not there yet: they are looked for when their turn comes."""
    checked(folder)
    checked(folder, workflow="txt2img", steps=20)
    checked(folder, workflow="guided", controlnet={"name": POSE, "image": "poses/p.png"})
    checked(folder, workflow="img2img", input={"image": "output/p003_v1.png"})


def test_request_without_a_workflow_means_that_of_the_config(folder: Path) -> None:
    """Its own comes first."""
    config = Config(defaults=Defaults(workflow="guided"))

    assert template_of(asked(), config, folder).name == "guided"
    assert template_of(asked(workflow="txt2img"), config, folder).name == "txt2img"


def test_unknown_workflow_is_told_with_its_line(folder: Path) -> None:
    """And nothing is said of slots that nobody knows."""
    found = refused(folder, workflow="text2img", steps=20)

    assert told(found) == [(Code.WORKFLOW_UNKNOWN, "", 2)]
    assert found[0].hint == "Did you mean `txt2img`?"


def test_broken_workflow_refuses_the_request(folder: Path) -> None:
    """With what is wrong with it."""
    (folder / "txt2img.toml").write_text("output = ")

    assert told(refused(folder, workflow="txt2img")) == [(Code.WORKFLOW_BROKEN, "", 2)]


def test_key_without_a_slot_is_refused(folder: Path) -> None:
    """The template of the request decides."""
    found = refused(folder, workflow="txt2img", lora={"name": "spyke"})

    assert told(found) == [(Code.WORKFLOW_NO_SLOT, "lora.name", 0)]


def test_picture_that_the_template_needs_is_missed(folder: Path) -> None:
    """It cannot be left out."""
    found = refused(folder, workflow="img2img")

    assert told(found) == [(Code.WORKFLOW_SLOT_EMPTY, "input", 0)]


@pytest.mark.parametrize("image", ["/etc/passwd", "/elsewhere/p.png", "../p.png"])
def test_picture_outside_is_refused_with_its_line(folder: Path, image: str) -> None:
    """Whether or not there is such a file."""
    found = refused(folder, workflow="guided", controlnet={"name": POSE, "image": image})

    assert (Code.REQUEST_OUTSIDE, "controlnet.image", 10) in told(found)


def test_picture_in_an_allowed_root_is_good(folder: Path) -> None:
    """By its absolute path."""
    root = Path("/elsewhere")
    image = {"name": POSE, "image": "/elsewhere/p.png"}

    checked(folder, CONFIG, root, workflow="guided", controlnet=image)


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    """Paths, workflow and slots alike."""
    found = refused(folder, workflow="gone", controlnet={"name": POSE, "image": "/etc/passwd"})

    assert {problem.code for problem in found} == {Code.WORKFLOW_UNKNOWN, Code.REQUEST_OUTSIDE}


# What is filled in is held to the limits too.


def test_default_over_a_limit_is_refused(folder: Path) -> None:
    """Nobody asked for it, and nobody may."""
    config = Config(defaults=Defaults(steps=151))

    found = refused(folder, config)

    assert [(p.code, p.field) for p in found] == [(Code.REQUEST_OVER_LIMIT, "steps")]


def test_what_was_asked_over_a_limit_is_not_told_twice(folder: Path) -> None:
    """It was told when the file was read."""
    checked(folder, steps=151)


def test_default_of_a_template_that_no_request_may_have_is_refused(folder: Path) -> None:
    """It would make a manifest that could not be dropped again."""
    with_defaults(plain(), width=500).write(folder, "odd")

    (found,) = refused(folder, workflow="odd")

    assert (found.code, found.field, found.line) == (Code.WORKFLOW_BROKEN, "width", 2)
    assert found.message == "of the workflow 'odd' has a default that no request may have"
    assert found.hint == "Set width in the request, or mend workflows/odd."


@pytest.mark.parametrize("default", ["20", [20], {"steps": 20}, 20.5])
def test_default_of_another_type_is_refused(folder: Path, default: object) -> None:
    """And the daemon lives."""
    with_defaults(plain(), steps=default).write(folder, "odd")

    found = refused(folder, workflow="odd")

    assert {(p.code, p.field) for p in found} == {(Code.WORKFLOW_BROKEN, "steps")}


def test_default_that_is_not_used_does_no_harm(folder: Path) -> None:
    """The request says it otherwise."""
    with_defaults(plain(), width=500).write(folder, "odd")

    checked(folder, workflow="odd", width=512)
