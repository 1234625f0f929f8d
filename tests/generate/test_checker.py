"""`plasma-watch check` says what the daemon would say of the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plasma_watch.checker import check_file, look_ahead
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.system.locks import Lock
from tests.fakes.blueprints import POSE, guided, plain
from tests.fakes.datasets import fill
from tests.fakes.home import a_home
from tests.fakes.weights import packed, weights

PAGE = 'kind = "generate"\nworkflow = "txt2img"\nprompt = "spyke"\n'
GUIDED = 'kind = "generate"\nworkflow = "guided"\nprompt = "spyke"\n[controlnet]\n'
TRAIN = 'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with two workflows."""
    home = a_home(tmp_path)
    home.config.touch()
    plain().write(home.root / "workflows", "txt2img")
    guided().write(home.root / "workflows", "guided")
    return home


def checked(home: Home, text: str, file: str = "p003.toml") -> PlasmaError | None:
    """Check a file with a text in it, which lies anywhere."""
    path = home.root.parent / file
    path.write_text(text)
    return check_file(home, path, {})


def code(error: PlasmaError | None) -> Code | None:
    """Return the code of an error."""
    return error.code if error else None


def test_good_page_is_good(home: Home) -> None:
    """And stays where it is."""
    assert checked(home, PAGE) is None


def test_problem_of_the_text_is_told(home: Home) -> None:
    """With its line."""
    error = checked(home, PAGE + "stepz = 3\n")

    assert error
    assert error.code is Code.REQUEST_UNKNOWN_KEY
    assert error.message.startswith("p003.toml: line 4: stepz")


def test_problem_of_the_template_is_told(home: Home) -> None:
    """As when it is dropped."""
    error = checked(home, PAGE + '[lora]\nname = "spyke"\n')

    assert error
    assert (error.code, error.problems[0].line) == (Code.WORKFLOW_NO_SLOT, 5)


def test_training_is_checked_too(home: Home) -> None:
    """As when it is dropped: without a trainer it is refused."""
    assert code(checked(home, TRAIN)) is Code.TRAINER_NOT_CONFIGURED


def test_training_is_checked_as_the_daemon_with_the_stand_ins_does(home: Home) -> None:
    """It has a trainer, though the config names none."""
    base = home.sandbox / "models" / "checkpoints" / "anything-v5-PrtRE.safetensors"
    base.parent.mkdir(parents=True)
    base.write_bytes(weights({"model.diffusion_model.out.2.bias": ("F16", packed("F16", 1.0))}))
    fill(home.root / "datasets" / "spyke", 15)
    lock = Lock(home.lock)
    lock.acquire()
    told = f"state = 'idle'\npid = {os.getpid()}\nsandbox = true\n"
    (home.status / "daemon.toml").write_text(told, "utf-8")

    found = checked(home, TRAIN)

    lock.release()
    assert found is None


def test_file_that_is_not_there_is_told(home: Home) -> None:
    """It may have been taken already."""
    error = check_file(home, home.inbox / "gone.toml", {})

    assert code(error) is Code.REQUEST_MISSING_FILE


def test_limits_are_those_of_the_home(home: Home) -> None:
    """Its config is read for it."""
    home.config.write_text("[limits]\nmax_steps = 10\n")

    assert code(checked(home, PAGE + "steps = 11\n")) is Code.REQUEST_OVER_LIMIT


def test_allowed_roots_are_those_of_the_home(home: Home) -> None:
    """A picture may lie in the pipeline's own tree."""
    text = f'{GUIDED}name = "{POSE}"\nimage = "/elsewhere/pose.png"\n'

    assert code(checked(home, text)) is Code.REQUEST_OUTSIDE

    home.config.write_text('[paths]\nallowed_roots = ["/elsewhere"]\n')

    assert checked(home, text) is None


def test_broken_config_is_no_problem_of_the_file(home: Home) -> None:
    """It is told as what it is."""
    home.config.write_text("limits = 3\n")

    with pytest.raises(PlasmaError) as caught:
        checked(home, PAGE)

    assert caught.value.code is Code.CONFIG_BROKEN


def test_what_a_request_comes_to_is_known_before(home: Home, tmp_path: Path) -> None:
    """As far as pictures were made here before."""
    page = tmp_path / "page.toml"
    page.write_text(PAGE + "steps = 10\n[sweep]\ncfg = [5.0, 7.0]\nseed = [1, 2]\n")
    (home.private / "paces.json").write_text('{"512x768": 3.0}')

    assert look_ahead(home, page, {}) == "4 pictures, 40 steps, about 2 min"
    page.write_text(PAGE)
    assert look_ahead(home, page, {}) == "1 picture, 20 steps, about 1 min"
