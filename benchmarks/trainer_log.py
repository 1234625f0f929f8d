"""How fast is a trainer's output read? `python -m benchmarks.trainer_log [MEGABYTES]`.

Bars without an end of line, as tqdm writes them, between lines of the log. The floor is a bare pass
over the same bytes that splits them at the same places and keeps nothing.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator

from plasma_watch.train.progress import Course, Framer, read, thinned

CHUNK = 65_536
GOAL_MB_A_SECOND = 50.0
_BAR = "\rsteps:  {:3d}%|{:10}| {}/{} [{:02d}:{:02d}<00:30,  3.09s/it, avr_loss=0.0{}]"


def output(size: int) -> Iterator[bytes]:
    """Yield as many bytes of a trainer's standard error, in chunks as a pipe brings them."""
    total, number, made, waiting = 1_000_000, 0, 0, bytearray()
    while made < size:
        number += 1
        percent = number * 100 // total
        bar = _BAR.format(
            percent, "█" * (percent // 10), number, total, number // 60, number % 60, 9
        )
        waiting += bar.encode() * 2
        if number % 500 == 0:
            waiting += b"2026-11-22 04:24:02 INFO epoch is incremented.    train_network.py:1402\n"
        while len(waiting) >= CHUNK:
            made += CHUNK
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]


def floor(chunks: list[bytes]) -> float:
    """Return the seconds of a bare pass."""
    began = time.perf_counter()
    for chunk in chunks:
        re.split(r"[\r\n]+", chunk.decode(errors="replace"))
    return time.perf_counter() - began


def parsed(chunks: list[bytes]) -> tuple[float, int]:
    """Return the seconds that it takes to frame and understand everything, and the last step."""
    framer, course = Framer(), Course(time.perf_counter(), steps_an_epoch=1_000_000, epochs=1)
    began = time.perf_counter()
    for chunk in chunks:
        for segment in thinned(framer.feed(chunk)):
            for fact in read(segment):
                course.take(fact, time.perf_counter())
    return time.perf_counter() - began, course.step


def main(megabytes: int) -> int:
    """Measure; return 1 if the goal was missed."""
    chunks = list(output(megabytes * 1_000_000))
    bare = floor(chunks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, step = parsed(chunks)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    speed = megabytes / seconds
    is_kept = speed >= GOAL_MB_A_SECOND
    print(
        f"trainer output: {speed:.1f} MB/s to step {step}, {seconds / bare:.1f} x the floor, "
        f"{more:.1f} MB more memory{'' if is_kept else '  OVER'}"
    )
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
