"""The readings of this very machine, whatever it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plasma_watch.gate import probe
from plasma_watch.system.pressure import Pressure


def test_memory_is_read_in_bytes() -> None:
    """Both signals are there, or the second is left out."""
    reading = probe.memory()

    assert 0 < reading.available <= reading.total
    assert reading.pressure in (None, *Pressure)
    assert reading.holders == ()


def test_who_holds_the_most_comes_first() -> None:
    """A few processes with name, pid and bytes."""
    holders = probe.memory(with_holders=True).holders

    assert 0 < len(holders) <= probe.HOLDERS
    assert list(holders) == sorted(holders, key=lambda holder: -holder.size)
    assert all(holder.name and holder.pid > 0 for holder in holders)


def test_processes_that_end_meanwhile_do_not_disturb() -> None:
    """A child that is dead and not yet waited for tells nothing of itself."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})

    try:
        assert probe.biggest_holders()
    finally:
        os.waitpid(child, 0)


def test_free_disk_is_read_around_every_folder_that_is_there(tmp_path: Path) -> None:
    """A volume that is not mounted is left out."""
    free = probe.free_disk([tmp_path, tmp_path / "not mounted"])

    assert list(free) == [str(tmp_path)]
    assert free[str(tmp_path)] > 0


def test_swap_is_read_in_bytes() -> None:
    """What is in use; a machine may have none."""
    assert probe.swap_used() >= 0
