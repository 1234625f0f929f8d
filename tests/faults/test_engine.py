"""An engine that dies, stops, forgets or works for others."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from plasma_watch.comfyui.patience import Patience
from plasma_watch.comfyui.protocol import Hung, Interrupted, Lost, Succeeded
from plasma_watch.control import Stopping
from plasma_watch.errors import Code
from plasma_watch.job import State
from plasma_watch.status import JobStatus
from tests.fakes.ports import lasting_port
from tests.fakes.studio import Studio
from tests.faults.conftest import QUICK
from tests.faults.following import Follower
from tests.sandbox.graphs import text_to_image
from tests.sandbox.process import Sandbox, running


class Phoenix:
    """An engine that is started again where it was, as soon as somebody misses it."""

    def __init__(self, base: Path, studio_root: Path) -> None:
        self._started = running(base, *QUICK, "--port", str(lasting_port()))
        self.engine = self._started.__enter__()
        self._port = self.engine.url.rpartition(":")[2]
        self._base = base
        self.studio = Studio(studio_root, self.engine.url, base)
        self.studio.board.on_show = self._missed

    def _missed(self, status: JobStatus) -> None:
        if status.waiting_for == Code.ENGINE_UNREACHABLE and self.engine.process.poll() is not None:
            self._started.__exit__(None, None, None)
            self._started = running(self._base, *QUICK, "--port", self._port)
            self.engine = self._started.__enter__()

    def close(self) -> None:
        """End it."""
        self._started.__exit__(None, None, None)


@pytest.fixture
def phoenix(tmp_path: Path) -> Iterator[Phoenix]:
    """An engine that comes back, and a home that works with it."""
    phoenix = Phoenix(tmp_path / "base", tmp_path)
    yield phoenix
    phoenix.close()


@pytest.mark.parametrize(
    ("fault", "asked"), [("die@2", 2), ("die-before-save", 2), ("die-after-save", 1)]
)
def test_engine_that_is_killed_makes_the_picture_once(
    phoenix: Phoenix, fault: str, asked: int
) -> None:
    """F26, F27: it has forgotten the prompt; a picture that it had written whole is taken."""
    phoenix.engine.give(fault)
    ongoing = phoenix.studio.claim()

    assert phoenix.studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == asked
    assert len(phoenix.engine.json("/history")) == asked - 1
    assert [name for name in phoenix.studio.outputs() if name.endswith(".png")] == ["p003_v1.png"]


def test_engine_that_forgets_is_asked_again(engine: Sandbox, studio: Studio) -> None:
    """F27: it was restarted so fast that nobody missed it."""
    engine.give("forget")
    ongoing = studio.claim()

    assert studio.run(ongoing).state is State.DONE
    assert ongoing.job.pictures[0].asked == 2
    assert any("engine.lost-job" in line for line in studio.log())


def test_engine_that_stops_and_wakes_is_waited_for(tmp_path: Path) -> None:
    """F23: its sockets stay open, and nobody says that it is not there."""
    with running(tmp_path / "base", *QUICK, "--fault", "half-open@2=2.7") as engine:
        me = Follower(engine, read_seconds=0.3)
        me.send()

        assert isinstance(me.follow(), Succeeded)
        assert set(me.codes) == {Code.ENGINE_UNREACHABLE}


def test_engine_that_loads_for_long_is_not_stuck(engine: Sandbox) -> None:
    """F74: no frame comes meanwhile, and it is not sent again."""
    engine.post("/free", {"free_memory": True})
    engine.give("slow-load=2.5")
    me = Follower(engine)
    me.send()

    assert isinstance(me.follow(), Succeeded)
    assert me.codes == []


# An engine that does nothing any more.


def impatient(**seconds: float) -> Patience:
    """Return what finds it too long soon, once a step was made."""
    return Patience(0.2, time.monotonic(), **seconds)


def test_prompt_that_stands_still_is_interrupted(engine: Sandbox) -> None:
    """F29: by its own id; somebody else's behind it goes on."""
    engine.give("stall@3")
    me, other = Follower(engine), Follower(engine)
    me.send(steps=5)
    other.send()
    me.patience = impatient()

    assert me.follow() == Hung(has_stopped=True)
    assert isinstance(other.follow(), Succeeded)


def test_prompt_that_heeds_no_interrupt_hangs(mortal: Sandbox) -> None:
    """F29: it is interrupted once, and given its time; then nobody waits any longer."""
    mortal.give("never-ending@3")
    me = Follower(mortal)
    me.send(steps=5)
    me.patience = impatient(obey_seconds=0.2)

    assert me.follow() == Hung(has_stopped=False)


@pytest.mark.parametrize("fault", ["zombie-running", "zombie-idle"])
def test_engine_whose_worker_died_is_found_out(mortal: Sandbox, fault: str) -> None:
    """F29: by its log, whether its queue says that something runs or not; its socket is open."""
    mortal.give(fault)
    first, me = Follower(mortal), Follower(mortal)
    first.send()
    first.close()
    me.send()
    me.patience = impatient(log_seconds=0.1)
    me.on_stuck = me.control.stopping.set

    with pytest.raises(Stopping):
        me.follow()

    assert mortal.json(f"/history/{me.prompt}") == {}


# Other people's prompts.


def test_cancel_of_a_prompt_behind_another_leaves_that_one_alone(engine: Sandbox) -> None:
    """F30: ours waits behind it and is taken out of the queue."""
    engine.give("foreign-prompt=1500")
    me = Follower(engine)
    me.send()
    me.cancel()

    assert me.follow() == Lost()
    engine.wait_until_idle()
    (theirs,) = engine.json("/history", max_items=1).values()
    assert (theirs["status"]["status_str"], theirs["prompt"][2]["4"]["inputs"]["steps"]) == (
        "success",
        1500,
    )
    assert engine.json(f"/history/{me.prompt}") == {}


def test_cancel_that_comes_too_late_leaves_the_next_one_alone(engine: Sandbox) -> None:
    """F75: ours ended between the look and the interrupt, which names it; another one runs."""
    engine.give("late-interrupt=0.5")
    me, other = Follower(engine), str(uuid.uuid4())
    me.send(steps=100)
    graph = text_to_image(text=other, steps=600, prefix=f"{other}/img")
    engine.post("/prompt", {"prompt": graph, "prompt_id": other})
    me.on_step = me.cancel

    assert isinstance(me.follow(), Succeeded | Interrupted)
    engine.wait_until_idle()
    assert engine.json(f"/history/{other}")[other]["status"]["status_str"] == "success"


def test_interrupt_that_gets_lost_is_asked_for_again(engine: Sandbox) -> None:
    """F75: the engine forgets one that comes between two prompts."""
    engine.give("stall@2", "lost-interruptx2")
    me = Follower(engine)
    me.on_step = me.cancel
    me.send()

    assert me.follow() == Interrupted()
