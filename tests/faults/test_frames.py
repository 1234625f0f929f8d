"""Frames that make no sense, are of others, or are far too large."""

from __future__ import annotations

import resource

import pytest

from plasma_watch.job import State
from tests.fakes.studio import Studio
from tests.sandbox.process import Sandbox

LARGE_KB = 100_000


@pytest.mark.parametrize("fault", ["garbage-framesx*", "garbage-frames@7", "wrong-ids"])
def test_frames_that_make_no_sense_disturb_nothing(
    engine: Sandbox, studio: Studio, fault: str
) -> None:
    """F32: before every frame, in the middle, or as if all were of another prompt."""
    engine.give(fault)
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 1


def test_frame_of_two_hundred_megabytes_does_not_fill_the_memory(
    engine: Sandbox, studio: Studio
) -> None:
    """F32: it is not read to its end, and the picture is made."""
    studio.make("before")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine.give("huge-frames@9")
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < LARGE_KB
