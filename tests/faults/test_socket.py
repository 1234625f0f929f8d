"""A socket that is cut, silent or full of nonsense: the picture is made, by one prompt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plasma_watch.job import State, prompt_id
from plasma_watch.line import Ongoing
from tests.fakes.studio import Studio
from tests.sandbox.process import FAULTS, Sandbox

AT_ONCE = 24
"""How many are cut at the same time: each waits for clocks, hardly one for the engine."""


def is_made_once(studio: Studio, engine: Sandbox, ongoing: Ongoing, *faults: str) -> bool:
    """Run a job while faults strike its socket; tell whether one prompt made one picture."""
    engine.give_too(*(f"{fault}={studio.client_id}" for fault in faults))
    ending = studio.run(ongoing)
    (picture,) = ongoing.job.pictures
    return (
        ending.state is State.DONE
        and (picture.asked, len(picture.made)) == (1, 1)
        and list(engine.json(f"/history/{prompt_id(ongoing.job, 1, 1)}")) != []
        and studio.outputs() == ["generation-log.json", "p003_v1.png", "p003_v1.toml"]
    )


def frames_of_a_picture(studio: Studio, engine: Sandbox) -> int:
    """Count the frames on the socket of a job that nothing befalls."""
    ongoing = studio.claim("counted")
    fault = f"cut-socket-before@9999={studio.client_id}"
    engine.give(fault)
    studio.run(ongoing)
    (occasions,) = engine.json(FAULTS).values()
    return int(occasions)


def test_socket_may_be_cut_at_any_frame(tmp_path: Path, engine: Sandbox, studio: Studio) -> None:
    """F21: before and after every single one; the job ends while nobody listens."""
    count = frames_of_a_picture(studio, engine)
    cuts = [
        f"{cut}@{n}"
        for cut in ("cut-socket-before", "cut-socket-after")
        for n in range(1, count + 1)
    ]

    def made(cut: str) -> bool:
        own = Studio(tmp_path / cut, engine.url)
        return is_made_once(own, engine, own.claim(), cut)

    for cut in cuts:
        (tmp_path / cut).mkdir()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = dict(zip(cuts, pool.map(made, cuts), strict=True))

    assert count > 20
    assert [cut for cut, is_good in outcomes.items() if not is_good] == []


def test_socket_may_be_cut_again_and_again(engine: Sandbox, studio: Studio) -> None:
    """F21: at its first frame, however often it is opened."""
    assert is_made_once(studio, engine, studio.claim(), "cut-socket-beforex*")


@pytest.mark.parametrize("at", [1, 9])
def test_silent_socket_costs_time_and_nothing_else(
    engine: Sandbox, studio: Studio, at: int
) -> None:
    """F22: it stays open and tells nothing more; that is counted."""
    assert is_made_once(studio, engine, studio.claim(), f"go-silent@{at}")
    assert studio.engine.seen().deaf_sockets == 1
