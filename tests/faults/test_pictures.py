"""What the engine calls a success and is none: never done, tried again, then told."""

from __future__ import annotations

import hashlib

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.job import State
from tests.fakes.studio import Studio
from tests.sandbox.process import Sandbox

SPOILED = {
    "no-outputs": Code.ENGINE_NO_OUTPUT,
    "output-gone": Code.ENGINE_NO_OUTPUT,
    "black": Code.IMAGE_BLANK,
    "nan": Code.IMAGE_BLANK,
    "one-colour": Code.IMAGE_BLANK,
    "one-colour=ffffff": Code.IMAGE_BLANK,
    "truncated": Code.IMAGE_UNREADABLE,
    "wrong-size": Code.IMAGE_WRONG_SIZE,
}


@pytest.mark.parametrize("fault", SPOILED)
def test_what_is_no_picture_is_tried_again(engine: Sandbox, studio: Studio, fault: str) -> None:
    """F25, F34: the second is good, and the only one that is placed."""
    engine.give(fault)
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 2
    assert studio.outputs() == ["generation-log.json", "p003_v1.png", "p003_v1.toml"]
    assert studio.manifest().result["attempts"] == 2


@pytest.mark.parametrize(("fault", "code"), SPOILED.items())
def test_what_is_never_a_picture_is_told(
    engine: Sandbox, studio: Studio, fault: str, code: Code
) -> None:
    """F25, F34, F71: nothing of it is placed, and it is not done."""
    name, _, value = fault.partition("=")
    engine.give(f"{name}x*" + (f"={value}" if value else ""))

    with pytest.raises(PlasmaError) as caught:
        studio.make()

    assert caught.value.code is code
    assert studio.outputs() == []


def test_two_files_of_one_name_are_both_placed(engine: Sandbox, studio: Studio) -> None:
    """F35: they lay in two subfolders of the engine's output."""
    engine.give("same-names")
    studio.make()

    first, second = (studio.output / f"p003_v{n}.png" for n in (1, 2))

    assert _digest(first.read_bytes()) != _digest(second.read_bytes())
    assert [studio.manifest(f"p003_v{n}").result["sha256"] for n in (1, 2)] == [
        _digest(first.read_bytes()),
        _digest(second.read_bytes()),
    ]


def test_full_disk_of_the_engine_is_told_as_it_says_it(engine: Sandbox, studio: Studio) -> None:
    """Half a picture lies there under its final name; it is not taken."""
    engine.give("disk-full")

    with pytest.raises(PlasmaError, match="No space left") as caught:
        studio.make()

    assert caught.value.code is Code.ENGINE_NODE_ERROR
    assert studio.outputs() == []


def test_full_memory_of_the_engine_is_tried_again(engine: Sandbox, studio: Studio) -> None:
    """After it was asked to free it."""
    engine.give("out-of-memory")

    assert studio.make().state is State.DONE
    assert "attempt 1 of 3 failed" in studio.log()[0]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
