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

from benchmarks.results import Goal, Result, tell
from plasma_watch.train.progress import Course, Framer, read, thinned

MEGABYTES = 100
CHUNK = 65_536
GOAL = Goal(least=50)
BOUNDED = Goal(most=10)
"""Of memory: what a tenth of the log would take, however long it is."""
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


def measure(megabytes: int = MEGABYTES) -> list[Result]:
    """Measure the bare pass, then ours over the same bytes."""
    chunks = list(output(megabytes * 1_000_000))
    bare = floor(chunks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, step = parsed(chunks)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert step > 0, "nothing was understood"
    return [
        Result("trainer output", megabytes / seconds, "MB/s", megabytes / bare, GOAL),
        Result("trainer output: memory above the floor's", more, "MB", None, BOUNDED),
    ]


def main(megabytes: int) -> int:
    """Measure, and print the speed with its ratio to the floor; return 1 if a goal was missed."""
    return tell(measure(megabytes))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES))
