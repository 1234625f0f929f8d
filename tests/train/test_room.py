"""What is claimed of the room that a training needs."""

from __future__ import annotations

from pathlib import Path

from plasma_watch.comfyui.engine import FREE_PAUSE_SECONDS
from plasma_watch.config import GB, Disk, Kohya, Memory
from plasma_watch.errors import Code
from plasma_watch.gate.memory import Start, Wait
from plasma_watch.gate.needs import training_at
from plasma_watch.train import room
from tests.fakes.engine import fake_engine
from tests.fakes.forge import Forge
from tests.fakes.kind import PatientEvent

REAL = Kohya(script="/x/train_network.py", python="/x/python")


def test_a_comfyui_that_is_not_there_is_not_missed(tmp_path: Path) -> None:
    """A training needs none that answers."""
    forge = Forge(tmp_path, kohya=REAL)

    assert room.verdict(forge.shop, training_at(512), 0, is_waiting=False) == Start()
    room.empty(forge.shop)


def test_the_disk_must_hold_what_the_training_fills(tmp_path: Path) -> None:
    """On top of what is left alone."""
    forge = Forge(tmp_path, disk=Disk(reserve_gb=0))

    verdict = room.verdict(forge.shop, training_at(512), 10**18, is_waiting=False)

    assert isinstance(verdict, Wait)
    assert verdict.code is Code.DISK_SHORT


def test_an_idle_comfyui_lets_go_before_a_wait_begins(tmp_path: Path) -> None:
    """Once; while it waits it is left alone."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url, kohya=REAL)
        forge.needs.learn(
            training_at(512), 10**15
        )  # more than there is: learned, so it may come true
        forge.shop.engine.checkpoint = "anything"
        total = Memory(train_gb=0, reserve_gb=0)
        assert forge.config.memory == total

        first = room.verdict(forge.shop, training_at(512), 0, is_waiting=False)
        again = room.verdict(forge.shop, training_at(512), 0, is_waiting=True)

        assert not isinstance(first, Start)
        assert not isinstance(again, Start)


def test_comfyui_is_given_a_moment_to_let_go(tmp_path: Path) -> None:
    """It does so when it is idle, not when it is asked."""
    with fake_engine() as engine:
        forge = Forge(tmp_path, engine.url, kohya=REAL)
        forge.shop.engine.checkpoint = "anything"

        room.empty(forge.shop)

        assert isinstance(forge.patience, PatientEvent)
        assert forge.patience.waits == [FREE_PAUSE_SECONDS, room.FREE_SECONDS]
        assert forge.shop.engine.checkpoint == ""


def test_what_was_learned_counts(tmp_path: Path) -> None:
    """Less than the config says, when less was enough."""
    forge = Forge(tmp_path, kohya=REAL, memory=Memory(train_gb=100_000, reserve_gb=0))
    assert not isinstance(room.verdict(forge.shop, training_at(512), 0, is_waiting=False), Start)

    forge.needs.learn(training_at(512), GB // 10)

    assert room.verdict(forge.shop, training_at(512), 0, is_waiting=False) == Start()
