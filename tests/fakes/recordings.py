"""What the real trainer said, as it was recorded: two streams, and the code that it ended with."""

from __future__ import annotations

from pathlib import Path

from plasma_watch.train.progress import Fact, Framer, read

FOLDER = Path(__file__).parents[1] / "recordings" / "kohya"


def stream(name: str, which: str) -> bytes:
    """Return the bytes of one stream of a run."""
    return (FOLDER / f"{name}.{which}.txt").read_bytes()


def segments(name: str, chunk: int = 4096) -> list[str]:
    """Return the segments of a run, what it printed first; the chunks are of any size."""
    found = []
    for which in ("stdout", "stderr"):
        framer, raw = Framer(), stream(name, which)
        for at in range(0, len(raw), chunk):
            found += framer.feed(raw[at : at + chunk])
        found += framer.close()
    return found


def facts(name: str, chunk: int = 4096) -> list[Fact]:
    """Return everything that a run says."""
    return [fact for segment in segments(name, chunk) for fact in read(segment)]
