"""What is claimed of the rules that no single value can break alone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import Limits
from plasma_watch.errors import Code
from plasma_watch.rules import (
    MAX_SEED,
    generate_rules,
    is_output_name,
    is_single_line,
    stays_below,
    train_rules,
)

LIMITS = Limits()


def told(values: dict[str, Any], limits: Limits = LIMITS) -> list[str]:
    """Return what the rules for pictures say."""
    return [f"{problem}" for problem in generate_rules(values, limits)]


def told_of_training(values: dict[str, Any]) -> list[str]:
    """Return what the rules for trainings say."""
    return [f"{problem}" for problem in train_rules(values, LIMITS)]


@pytest.mark.parametrize(
    ("width", "height"),
    [(512, 768), (768, 512), (512, 512), (16, 768), (None, 768), (768, None), (None, None)],
)
def test_a_picture_inside_the_frame_is_allowed(width: int | None, height: int | None) -> None:
    """Either way round, and also while the other side is not known yet."""
    assert told({"width": width, "height": height}) == []


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (520, 768, "height makes the picture 520x768"),
        (768, 520, "width makes the picture 768x520"),
        (768, 768, "width makes the picture 768x768"),
        (776, 512, "width makes the picture 776x512"),
        (776, None, "width makes the picture 776x?"),
        (None, 776, "height makes the picture ?x776"),
    ],
)
def test_a_picture_outside_the_frame_is_refused(
    width: int | None, height: int | None, said: str
) -> None:
    """The longer side is named; nothing is ever made smaller silently."""
    whole = f"{said}; at most 512x768, either way round"

    assert told({"width": width, "height": height}) == [whole]


@given(st.integers(16, 2000), st.integers(16, 2000), st.integers(16, 2000), st.integers(16, 2000))
def test_turning_a_picture_or_its_frame_changes_nothing(
    width: int, height: int, max_width: int, max_height: int
) -> None:
    """Either way round means either way round, of both."""
    frame = Limits(max_width=max_width, max_height=max_height)
    turned = Limits(max_width=max_height, max_height=max_width)

    refused = bool(told({"width": width, "height": height}, frame))

    assert refused == bool(told({"width": height, "height": width}, frame))
    assert refused == bool(told({"width": width, "height": height}, turned))
    assert refused == (not fits(width, height, frame))


def fits(width: int, height: int, frame: Limits) -> bool:
    """Tell the same in other words: it fits upright, or it fits lying."""
    upright = width <= frame.max_width and height <= frame.max_height
    return upright or (height <= frame.max_width and width <= frame.max_height)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"steps": 151}, "steps is 151; at most 150"),
        ({"count": 201}, "count is 201; at most 200"),
        ({"steps": 150, "count": 200}, None),
        ({"steps": None, "count": None}, None),
    ],
)
def test_a_limit_is_the_largest_value_that_passes(values: dict[str, Any], said: str | None) -> None:
    """When there is none, or none that could be compared, nothing is said."""
    assert told(values) == ([said] if said else [])


def test_the_hint_of_a_limit_names_its_key() -> None:
    """Who may raise it finds it at once."""
    (problem,) = generate_rules({"steps": 31}, Limits(max_steps=30))

    assert problem.code is Code.REQUEST_OVER_LIMIT
    assert problem.hint == "The limit is limits.max_steps in config.toml."


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"seed": MAX_SEED}, False),
        ({"seed": MAX_SEED, "count": 1}, False),
        ({"seed": MAX_SEED, "count": 2}, True),
        ({"seed": MAX_SEED - 199, "count": 200}, False),
        ({"seed": MAX_SEED - 198, "count": 200}, True),
        ({"seed": None, "count": 200}, False),
        ({"seed": MAX_SEED, "count": None}, False),
        ({"count": 200}, False),
    ],
)
def test_the_seed_of_the_last_picture_is_one_that_the_engine_takes(
    *, values: dict[str, Any], refused: bool
) -> None:
    """When seeds count up from the first picture to the last."""
    assert bool(told(values)) is refused


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, []),
        ({"chapter": 1, "page": 3}, []),
        ({"output": "a"}, []),
        ({"chapter": 1}, ["chapter"]),
        ({"page": 3}, ["page"]),
        ({"chapter": None, "page": 3}, []),
        ({"chapter": 1, "page": 3, "output": "a"}, ["output"]),
        ({"chapter": 1, "page": 3, "output": None}, ["output"]),
        ({"chapter": 1, "output": "../a"}, ["chapter", "output", "output"]),
        ({"output": None}, []),
    ],
)
def test_a_picture_goes_to_one_place(values: dict[str, Any], fields: list[str]) -> None:
    """Chapter with page, or output, or neither; a key that is there but wrong counts as there."""
    assert [problem.field for problem in generate_rules(values, LIMITS)] == fields


@pytest.mark.parametrize(
    "path", ["../a.png", "a/../b.png", "a/..", "/home/../etc/passwd", "a/b/../../../c"]
)
@pytest.mark.parametrize("field", ["controlnet.image", "input.image"])
def test_a_picture_that_is_named_may_not_climb(field: str, path: str) -> None:
    """Wherever the steps upwards stand."""
    (problem,) = generate_rules({field: path}, LIMITS)

    assert (problem.code, problem.field) == (Code.REQUEST_OUTSIDE, field)


@pytest.mark.parametrize("path", ["a.png", "/data/a.png", "a..b/c.png", "...", None])
@pytest.mark.parametrize("field", ["controlnet.image", "input.image"])
def test_a_picture_that_is_named_may_lie_anywhere_else(field: str, path: str | None) -> None:
    """Whether an absolute one lies in an allowed root is asked where the roots are known."""
    assert told({field: path}) == []


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({"seed": [1, 2], "cfg": [5.0, 7.0]}, []),
        ({}, ["sweep names nothing to try"]),
        ({"seed": list(range(20)), "cfg": list(range(10))}, []),
        ({"seed": list(range(21)), "cfg": list(range(10))}, ["sweep makes 210 pictures; at most"]),
        ({"cfg": [7, 5, 7.0]}, ["sweep.cfg names 7.0 twice"]),
        ({"steps": [20, 151]}, ["sweep.steps is 151; at most 150"]),
        ({"lora_strength": [0.5]}, ["sweep.lora_strength needs a LoRA"]),
        ({"lora_strength": [0.5], "lora": ["spyke"]}, []),
        ({"steps": ["many"]}, []),
        ({"cfg": 7}, ["sweep names nothing to try"]),
        (None, []),
    ],
)
def test_a_sweep_is_held_to_what_it_makes(sweep: Any, said: list[str]) -> None:
    """One by one and all together; what is not well-formed is told elsewhere."""
    found = told({"sweep": sweep})

    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))


def test_a_sweep_and_a_count_exclude_each_other() -> None:
    """Both say how many; a count of one says nothing."""
    sweep = {"seed": [1, 2]}

    assert told({"sweep": sweep, "count": 1}) == []
    assert told({"sweep": sweep, "count": 2}) == [
        "count and sweep both say how many pictures are made"
    ]


def test_a_sweep_of_strengths_takes_the_lora_of_the_request() -> None:
    """It need not name one itself."""
    sweep = {"lora_strength": [0.4, 0.8]}

    assert told({"sweep": sweep, "lora": {"name": "spyke"}, "lora.name": "spyke"}) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"resolution": 512, "steps": 20_000}, []),
        ({"resolution": 576}, ["resolution is 576; at most 512"]),
        ({"steps": 20_001}, ["steps is 20001; at most 20000"]),
        ({"steps": 1000, "epochs": 10}, ["epochs and steps say the same thing"]),
        ({"steps": None, "epochs": 10}, ["epochs and steps say the same thing"]),
        ({"epochs": 10}, []),
        ({"dataset": "../x"}, ["dataset is '../x', which climbs out of its folder"]),
        ({"regularization": "a/.."}, ["regularization is 'a/..', which climbs out of its folder"]),
        ({"batch_size": 1, "optimizer": "AdamW", "mixed_precision": "no"}, []),
        ({"batch_size": 2}, ["batch_size is 2; only 1 works here"]),
        ({"optimizer": "Lion"}, ["optimizer is 'Lion'; only 'AdamW' works here"]),
        ({"mixed_precision": "bf16"}, ["mixed_precision is 'bf16'; only 'no' works here"]),
        ({"batch_size": None, "optimizer": None, "mixed_precision": None}, []),
    ],
)
def test_a_training_keeps_its_rules(values: dict[str, Any], said: list[str]) -> None:
    """Limits, paths, and the one family of settings that works on this kind of machine."""
    assert told_of_training(values) == said


@pytest.mark.parametrize(
    "text",
    ["a", "studies/spyke-cloak", "a b/ねこ", "a.b", "a..b", "a/b~", "x" * 200, "😀", "a/-b"],
)
def test_a_place_below_the_output_folder_may_be_called(text: str) -> None:
    """People name things as they like."""
    assert is_output_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        ".",
        "./a",
        "a/..",
        "a/../b",
        "../../x",
        "a//b",
        "a/",
        ".hidden",
        "a/.hidden",
        "~/a",
        "~root",
        "a/~b",
        "a\\b",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "x" * 201,
        "é" * 101,
        "a\ud800",
    ],
)
def test_nothing_else_is_a_place_below_the_output_folder(text: str) -> None:
    """Upwards, absolute, hidden, home-like, unprintable, empty or too long."""
    assert not is_output_name(text)


@given(st.lists(st.sampled_from(["a", "..", ".", "", "~", "b c"]), max_size=5).map("/".join))
def test_an_output_name_always_ends_below_its_folder(text: str) -> None:
    """Put together with the folder as the file system would do it, it never leaves it."""
    steps = 0
    for part in PurePosixPath(text).parts:
        steps += -1 if part == ".." else 1

    if is_output_name(text):
        assert steps > 0
        assert not text.startswith("/")
        assert ".." not in text.split("/")


@pytest.mark.parametrize(
    ("text", "is_below"),
    [
        ("a.safetensors", True),
        ("characters/a.safetensors", True),
        ("a..safetensors", True),
        (".hidden", True),
        ("", False),
        (".", False),
        ("/a", False),
        ("../a", False),
        ("a/../b", False),
        ("a\\b", False),
        ("a\nb", False),
        ("a\ud800", False),
    ],
)
def test_a_name_stays_below_its_folder(*, text: str, is_below: bool) -> None:
    """The same question for weights, which may be called more things than an output."""
    assert stays_below(text) is is_below


@pytest.mark.parametrize(
    ("text", "is_single"),
    [("", True), ("a ねこ 😀", True), ("a\nb", False), ("a\tb", False), ("\x85", False)],
)
def test_a_single_line_has_no_control_characters(*, text: str, is_single: bool) -> None:
    """When it goes into names, logs and messages."""
    assert is_single_line(text) is is_single
