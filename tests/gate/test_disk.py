"""Is there disk enough: the free bytes of each volume in, a verdict out."""

from __future__ import annotations

import pytest

from plasma_watch.config import GB, Disk
from plasma_watch.errors import Code
from plasma_watch.gate import disk
from plasma_watch.gate.memory import Start, Wait

DISK = Disk(reserve_gb=15)


@pytest.mark.parametrize(
    "free", [{}, {"/home": 15 * GB}, {"/home": 16 * GB, "/Volumes/manga": 900 * GB}]
)
def test_a_job_starts_while_every_volume_keeps_its_reserve(free: dict[str, int]) -> None:
    """A volume that cannot be read is left out, and does not speak against it."""
    assert disk.verdict(DISK, free) == Start()


def test_a_job_waits_for_the_fullest_volume() -> None:
    """The sentence names the need, what there is, and where."""
    free = {"/home": 14 * GB, "/Volumes/manga": 3 * GB, "/Volumes/other": 900 * GB}

    found = disk.verdict(DISK, free)

    assert found == Wait(
        Code.DISK_SHORT, "needs 15.0 GB of free disk at /Volumes/manga, there is 3.0 GB"
    )


def test_without_a_reserve_the_last_byte_may_be_used() -> None:
    """The sandbox sets it to 0, so that it runs anywhere."""
    assert disk.verdict(Disk(reserve_gb=0), {"/home": 0}) == Start()


def test_what_a_job_will_fill_comes_on_top() -> None:
    """A training's checkpoints and states."""
    free = {"/home": 20 * GB}

    assert disk.verdict(DISK, free, 5 * GB) == Start()
    assert disk.verdict(DISK, free, 6 * GB) == Wait(
        Code.DISK_SHORT, "needs 21.0 GB of free disk at /home, there is 20.0 GB"
    )
