"""What a training went through, step by step: one line each, kept over every restart.

`history.jsonl` in the job's folder holds starts, steps and what the machine showed. It is added to
and never rewritten, so a crash costs a line at most. The loss curve is drawn from it, and the
manifest tells of it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from plasma_watch.train.guards import Sample

FILE = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Summary:
    """A training's history in a few numbers."""

    seconds_per_step: float | None
    loss: float | None
    losses: dict[int, float]
    """Step to loss, each step once."""
    peak_bytes: int
    least_available_bytes: int
    most_swap_bytes: int
    devices: tuple[str, ...]


class History:
    """The file of one job. It is opened for each line, so that nothing is held back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, attempt: int, done_epochs: int) -> None:
        """Tell that an attempt starts."""
        self._add({"attempt": attempt, "done_epochs": done_epochs})

    def step(self, step: int, loss: float | None) -> None:
        """Tell of a step and the loss after it; what is told last of a step is true."""
        self._add({"step": step, "loss": loss})

    def took(self, *seconds: float) -> None:
        """Tell how long the steps took that are worth timing."""
        for each in seconds:
            self._add({"seconds": each})

    def device(self, name: str) -> None:
        """Tell on which device it works."""
        self._add({"device": name})

    def sample(self, sample: Sample) -> None:
        """Tell what the machine showed."""
        told = {"available": sample.available, "swap": sample.swap_used}
        self._add({"footprint": sample.footprint, **told, "pressure": sample.pressure})

    def _add(self, row: dict[str, Any]) -> None:
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def summary(self) -> Summary:
        """Return what it says in all."""
        return summed(list(rows(self._path)))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a history; one that a crash cut is left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def summed(rows: Sequence[dict[str, Any]]) -> Summary:
    """Return the rows of a history in a few numbers."""
    steps = [row for row in rows if "step" in row]
    losses = {int(row["step"]): float(row["loss"]) for row in steps if row["loss"] is not None}
    took = [float(row["seconds"]) for row in rows if "seconds" in row]
    samples = [row for row in rows if "footprint" in row]
    return Summary(
        seconds_per_step=median(took) if took else None,
        loss=losses[max(losses)] if losses else None,
        losses=dict(sorted(losses.items())),
        peak_bytes=max((row["footprint"] for row in samples), default=0),
        least_available_bytes=min((row["available"] for row in samples), default=0),
        most_swap_bytes=max((row["swap"] for row in samples), default=0),
        devices=tuple(dict.fromkeys(row["device"] for row in rows if "device" in row)),
    )
