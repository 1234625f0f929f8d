"""How much memory jobs really took here: learned from their own peaks, recipe by recipe.

What is learned lies in one file of `.plasma/` that can be thrown away; then what the config says
counts again. `learned` is the whole judgement.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.system import files

ENOUGH = 5
"""How many peaks make a need; before that, what the config says is the first guess."""
KEPT = 50
"""How many peaks are remembered of each recipe, the newest."""
SHARE = 0.95
MARGIN = 1.1
"""By how much a need is taken to be larger than the few peaks that were seen."""
LEAST_SHARE = 0.25
"""A page's need is never taken for less than this share of what the config says: peaks of a second
can be missed."""
_TRAINING = "training at "


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of one recipe."""

    need: int
    runs: int


def learned(peaks: Sequence[int], guess: int) -> int:
    """Return the need of a page: the 95th percentile of its peaks, once there are enough."""
    if len(peaks) < ENOUGH:
        return guess
    return max(percentile(peaks, SHARE), int(guess * LEAST_SHARE))


def learned_of_training(peaks: Sequence[int], guess: int) -> int:
    """Return the need of a training: it takes a night and is measured all through, so one counts.

    There is a margin on top until there are enough of them.
    """
    if not peaks:
        return guess
    return int(percentile(peaks, SHARE) * (1.0 if len(peaks) >= ENOUGH else MARGIN))


def training_at(resolution: int) -> str:
    """Return what the need of a training is remembered under."""
    return f"{_TRAINING}{resolution} px"


def percentile(values: Sequence[int], share: float) -> int:
    """Return the smallest value that a share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Needs:
    """The peaks of each recipe. Its state is the file; the lock is for the threads that learn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def of(self, recipe: str, otherwise: int) -> int:
        """Return the need of a recipe in bytes: learned, or else what the config says."""
        judge = learned_of_training if recipe.startswith(_TRAINING) else learned
        return judge(self._read().get(recipe, []), otherwise)

    def learn(self, recipe: str, peak: int) -> None:
        """Remember what a job took; nothing is learned from one that was not measured."""
        if peak <= 0:
            return
        with self._lock, contextlib.suppress(OSError):
            known = self._read()
            known[recipe] = [*known.get(recipe, []), peak][-KEPT:]
            files.write_whole(self._path, json.dumps(known).encode())

    def told(self) -> dict[str, Learned]:
        """Return what is known, recipe by recipe, as people are told it."""
        known = sorted(self._read().items())
        return {recipe: Learned(percentile(p, SHARE), len(p)) for recipe, p in known if p}

    def _read(self) -> dict[str, list[int]]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        items = known.items() if isinstance(known, dict) else ()
        return {recipe: _peaks(peaks) for recipe, peaks in items}


def _peaks(found: object) -> list[int]:
    values = found if isinstance(found, list) else [found]
    return [value for value in values if type(value) is int and value > 0]
