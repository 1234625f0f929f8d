"""What is seen of the machine while a picture is made."""

from __future__ import annotations

import threading
from itertools import chain, repeat

from plasma_watch.benchmark.watching import Seen, Watching
from plasma_watch.config import GB
from plasma_watch.gate.memory import Reading
from plasma_watch.system.pressure import Pressure

READINGS = [
    Reading(16 * GB, 8 * GB, Pressure.NORMAL, swap_used=GB),
    Reading(16 * GB, 3 * GB, Pressure.WARN, swap_used=2 * GB),
    Reading(16 * GB, 6 * GB, Pressure.NORMAL, swap_used=GB),
]


def test_peaks_are_kept_with_what_was_before_and_after() -> None:
    """Memory, swap, pressure, the engine, the GPU."""
    readings, held, used = iter(READINGS), iter([GB, 5 * GB, 4 * GB]), iter([0, 97, None])
    watching = Watching(7, lambda: next(readings), lambda _: next(held), lambda: next(used))
    for _ in READINGS:
        watching.look()

    assert watching.seen() == Seen(
        8 * GB, 3 * GB, 6 * GB, GB, "warn", engine_before=GB, engine_peak=5 * GB, gpu_most=97
    )


def test_what_cannot_be_read_is_unknown() -> None:
    """No process, no pressure, no GPU."""
    watching = Watching(None, lambda: Reading(16 * GB, 8 * GB), lambda _: None, lambda: None)
    watching.look()

    seen = watching.seen()

    assert (seen.pressure_most, seen.engine_peak, seen.gpu_most) == ("unknown", None, None)


def test_it_looks_until_it_is_over() -> None:
    """Once a second."""
    stopping = threading.Event()
    steps = chain([False, False], repeat(1))
    stopping.wait = lambda timeout=None: bool(next(steps))  # type: ignore[method-assign]  # noqa: ARG005 - the library's
    watching = Watching(None, lambda: READINGS[0], lambda _: None, lambda: 3)

    watching.run(stopping)

    assert watching.used == [3, 3]
