"""What is claimed of requests to train, when they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Comfyui, Config, Kohya, Limits
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.request import TrainRequest
from plasma_watch.toml_check import KeyPath
from plasma_watch.train import checking
from tests.fakes.datasets import fill
from tests.fakes.forge import SMALL
from tests.fakes.home import a_home

CONFIG = Config(
    kohya=Kohya(script="/x/train_network.py", python="/x/python"),
    comfyui=Comfyui(dir="/x/comfyui"),
    limits=Limits(min_images=2),
)
LINES: dict[KeyPath, int] = {("dataset",): 3, ("regularization",): 9, ("epochs",): 5}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a dataset."""
    home = a_home(tmp_path)
    fill(home.root / "datasets" / "spyke", 4)
    return home


def refused(home: Home, config: Config = CONFIG, /, **keys: Any) -> list[tuple[str, Code, int]]:
    """Return field, code and line of every problem."""
    asked = TrainRequest.model_validate({k: v for k, v in (SMALL | keys).items() if v is not None})
    try:
        checking.check(asked, LINES, "spyke.toml", config, home)
    except PlasmaError as exc:
        return [(problem.field, problem.code, problem.line) for problem in exc.problems]
    return []


def test_a_good_request_is_let_in(home: Home) -> None:
    """Also before its dataset is there, which may come with its turn."""
    assert refused(home) == []
    assert refused(home, dataset="datasets/later", regularization="datasets/later-too") == []


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (Config(limits=Limits(min_images=2)), ["comfyui.dir", "kohya.python", "kohya.script"]),
        (CONFIG.model_copy(update={"kohya": Kohya(script="/x")}), ["kohya.python"]),
        (CONFIG.model_copy(update={"comfyui": Comfyui()}), ["comfyui.dir"]),
    ],
)
def test_what_is_not_set_is_told_with_its_key(
    home: Home, config: Config, fields: list[str]
) -> None:
    """And the variable that sets it."""
    asked = TrainRequest.model_validate(SMALL)

    with pytest.raises(PlasmaError) as caught:
        checking.check(asked, {}, "spyke.toml", config, home)

    assert [problem.field for problem in caught.value.problems] == fields
    assert caught.value.code is Code.TRAINER_NOT_CONFIGURED
    for problem in caught.value.problems:
        variable = problem.field.upper().replace(".", "_")
        assert variable in problem.hint


def test_a_bad_dataset_is_told_on_arrival(home: Home) -> None:
    """At the line that names it; its pictures' headers are enough."""
    folder = home.root / "datasets" / "spyke"
    (folder / "p1.txt").unlink()
    (folder / "p2.png").write_bytes(b"x")

    assert refused(home) == [
        ("dataset", Code.DATASET_BAD_PICTURE, 3),
        ("dataset", Code.DATASET_NO_CAPTION, 3),
    ]


def test_regularization_is_looked_at_too(home: Home) -> None:
    """At its own line."""
    (home.root / "datasets" / "girls").mkdir()

    assert refused(home, regularization="datasets/girls") == [
        ("regularization", Code.DATASET_TOO_FEW, 9)
    ]


@pytest.mark.parametrize("key", ["dataset", "regularization"])
def test_what_lies_outside_is_refused(home: Home, key: str) -> None:
    """An absolute path must lie below an allowed root."""
    assert refused(home, **{key: "/etc"}) == [(key, Code.REQUEST_OUTSIDE, LINES[(key,)])]


def test_epochs_that_make_too_many_steps_are_refused(home: Home) -> None:
    """As soon as the pictures can be counted."""
    config = CONFIG.model_copy(update={"limits": Limits(min_images=2, max_train_steps=11)})

    assert refused(home, config, steps=None, epochs=3) == [("epochs", Code.REQUEST_OVER_LIMIT, 5)]
    assert refused(home, config, steps=None, epochs=2) == []


def test_everything_wrong_is_told_at_once(home: Home) -> None:
    """One report, however many things."""
    (home.root / "datasets" / "spyke" / "p1.txt").write_text("a girl")
    config = Config(limits=Limits(min_images=9))

    codes = [code for _, code, _ in refused(home, config)]

    assert sorted(set(codes)) == [
        Code.DATASET_NO_TRIGGER,
        Code.DATASET_TOO_FEW,
        Code.TRAINER_NOT_CONFIGURED,
    ]
