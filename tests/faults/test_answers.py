"""Answers that come late, wrong, or not at all: nothing is asked for twice."""

from __future__ import annotations

import pytest

from plasma_watch.comfyui.protocol import Succeeded
from plasma_watch.errors import Code
from plasma_watch.job import State
from tests.fakes.studio import Studio
from tests.faults.following import Follower
from tests.sandbox.process import Sandbox


@pytest.mark.parametrize("fault", ["drop-reply", "fail-500-queued"])
def test_prompt_that_was_taken_is_not_sent_again(
    engine: Sandbox, studio: Studio, fault: str
) -> None:
    """F31: the answer was lost, or said that it failed; the queue has it."""
    engine.give(fault)
    before = len(engine.json("/history"))
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 1
    assert len(engine.json("/history")) == before + 1


def test_prompt_that_never_came_is_sent_again(engine: Sandbox, studio: Studio) -> None:
    """F31: the connection was cut before; neither queue nor history knows of it, twice."""
    engine.give("drop-request")
    before = len(engine.json("/history"))
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 2
    assert len(engine.json("/history")) == before + 1


def test_engine_that_is_slow_is_not_dead(engine: Sandbox) -> None:
    """F28: its history takes longer than anybody waits for one answer."""
    engine.give("slow-historyx3=1")
    me = Follower(engine, read_seconds=0.2)
    me.send()

    assert isinstance(me.follow(), Succeeded)
    assert set(me.codes) == {Code.ENGINE_UNREACHABLE}


def test_engine_that_refuses_for_a_while_is_not_dead(engine: Sandbox) -> None:
    """F28: a gateway says 503 while it loads a model."""
    me = Follower(engine)
    me.send()
    engine.give("refuse-503@2x3")

    assert isinstance(me.follow(), Succeeded)
    assert set(me.codes) <= {Code.ENGINE_UNREACHABLE}


@pytest.mark.parametrize("value", ["seconds", "negative", "text"])
def test_clock_of_the_engine_does_not_matter(engine: Sandbox, studio: Studio, value: str) -> None:
    """F33: durations are measured here, whatever its messages tell."""
    engine.give(f"wrong-timestamps={value}")

    assert studio.make().state is State.DONE
    assert 0 < studio.manifest().result["seconds"] < 60
