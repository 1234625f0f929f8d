"""When time jumped, and when the machine was only busy."""

from __future__ import annotations

import pytest

from plasma_watch.system.clock import JUMP_SECONDS, Instant, jump

BEFORE = Instant(wall=1_000_000.0, awake=500.0)


@pytest.mark.parametrize(
    ("wall", "awake", "seconds"),
    [
        (15, 15, 0),
        (3600, 3600, 0),
        (JUMP_SECONDS, 0, 0),
        (JUMP_SECONDS + 1, 0, JUMP_SECONDS + 1),
        (3600, 10, 3590),
        (-3600, 10, -3610),
    ],
    ids=["a round", "a busy machine", "a correction", "a nap", "a night", "set back"],
)
def test_a_jump_is_what_one_clock_saw_and_the_other_did_not(
    wall: float, awake: float, seconds: float
) -> None:
    """The one that counts only while the machine is awake does not know of its sleep."""
    now = Instant(BEFORE.wall + wall, BEFORE.awake + awake)

    assert jump(BEFORE, now) == seconds
