"""What a benchmark means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plasma_watch.benchmark.verdict import GPU_ACTIVE_PERCENT, Again, Mark, Run, verdicts
from plasma_watch.benchmark.watching import Seen
from plasma_watch.config import GB
from plasma_watch.outputs.likeness import Alike, Likeness

SEEN = Seen(8 * GB, 4 * GB, 6 * GB, 0, "normal", GB, 5 * GB, 97)
COLD = Run(
    "cold",
    "done",
    "output/a.png",
    "2026-11-22T12:00:00Z",
    "2026-11-22T12:00:50Z",
    50.0,
    44.0,
    1.1,
    "/home/output/a.png",
    is_blank=False,
    seen=SEEN,
)
WARM = replace(COLD, name="warm", seconds=20.0)
METAL = {"device": "mps", "is_sandbox": False}


def marks(*runs: Run, engine: dict[str, Any] = METAL) -> list[Mark]:
    """Return what every claim came to: fast, device, GPU, not blank, whole."""
    return [verdict.mark for verdict in verdicts(runs, engine)]


def test_a_good_run_keeps_every_claim() -> None:
    """And the whole is good."""
    assert marks(COLD, WARM) == [Mark.PASS] * 5


@pytest.mark.parametrize(
    ("runs", "engine", "broken"),
    [
        ((replace(COLD, seconds=120.0), WARM), METAL, 0),
        ((replace(COLD, seconds=None, is_blank=False), WARM), METAL, 0),
        ((COLD, WARM), METAL | {"device": "cpu"}, 1),
        ((COLD, replace(WARM, is_blank=True)), METAL, 3),
    ],
)
def test_a_broken_claim_breaks_the_whole(
    runs: tuple[Run, ...], engine: dict[str, Any], broken: int
) -> None:
    """Each by itself; the whole names it."""
    found = verdicts(runs, engine)

    assert [v.claim for v in found if v.mark is Mark.FAIL] == [found[broken].claim, "the whole"]
    assert found[broken].claim in found[-1].why


def test_an_idle_gpu_is_a_broken_claim() -> None:
    """Something else made the picture."""
    idle = replace(SEEN, gpu_most=GPU_ACTIVE_PERCENT - 1)

    assert marks(replace(COLD, seen=idle), replace(WARM, seen=idle))[2] is Mark.FAIL


def test_what_nobody_can_tell_is_unknown() -> None:
    """And no reason for a good word on the whole."""
    blind = replace(SEEN, gpu_most=None)
    runs = replace(COLD, seen=blind), replace(WARM, seen=blind, is_blank=None)

    assert marks(*runs, engine={"device": "unknown"}) == [
        Mark.PASS,
        Mark.UNKNOWN,
        Mark.UNKNOWN,
        Mark.UNKNOWN,
        Mark.UNKNOWN,
    ]


def test_the_sandbox_proves_nothing_of_a_gpu() -> None:
    """It draws."""
    assert (
        marks(COLD, WARM, engine={"device": "cpu", "is_sandbox": True})[1:3] == [Mark.UNKNOWN] * 2
    )


def like(verdict: Alike) -> Again:
    """Return a picture that is so alike to the first."""
    return Again("output/a.png", "", Likeness(0, 1.0, 0.0, verdict))


@pytest.mark.parametrize(
    ("again", "mark"),
    [
        ([like(Alike.IDENTICAL)] * 3, Mark.PASS),
        ([like(Alike.IDENTICAL), like(Alike.CONSISTENT)], Mark.PASS),
        ([like(Alike.IDENTICAL), like(Alike.DIFFERENT)], Mark.FAIL),
        ([like(Alike.IDENTICAL), Again("", "it failed", None)], Mark.UNKNOWN),
    ],
)
def test_one_seed_makes_one_picture(again: list[Again], mark: Mark) -> None:
    """To the eye: not every bit has to be the same."""
    found = verdicts([COLD, WARM], METAL, again)

    assert found[4].mark is found[-1].mark is mark
    assert f"{len(again)} times" in found[4].claim


def test_the_worst_claim_names_the_whole() -> None:
    """Broken is worse than unknown."""
    found = verdicts((replace(COLD, is_blank=None), WARM), METAL | {"device": "cpu"})

    assert found[-1].mark is Mark.FAIL
    assert found[-1].why == found[1].claim
