"""What a request comes to, told before it begins: how many pictures and steps, about how long.

How long a step takes is learned from the pictures made here, by their size; until one was made,
nobody guesses.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.job import Picture

_MINUTE, _HOUR = 60, 3600
_NEWEST_WEIGHS = 0.5
"""How much the newest picture counts beside all before it."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is ahead; no seconds where no picture was made yet."""

    pictures: int
    steps: int
    seconds: float | None = None

    def told(self) -> str:
        """Return it in words: `8 pictures, 160 steps, about 4 min`."""
        pictures = f"{self.pictures} picture{'s' if self.pictures > 1 else ''}"
        steps = f", {self.steps} steps" if self.steps else ""
        return pictures + steps + (f", about {spoken(self.seconds)}" if self.seconds else "")


def spoken(seconds: float) -> str:
    """Return a time as one would say it."""
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"


def outlook(
    resolved: Mapping[str, Any], pictures: Sequence[Picture], pace: float | None
) -> Outlook:
    """Return what the pictures of a resolved request come to."""
    steps = sum(steps_of(resolved, picture) for picture in pictures)
    return Outlook(len(pictures), steps, pace * steps if pace else None)


def steps_of(resolved: Mapping[str, Any], picture: Picture) -> int:
    """Return how many steps a picture takes; 0 where its workflow decides."""
    return int(picture.changes.get("steps", resolved.get("steps", 0)))


class Paces:
    """Seconds a step by picture size, in one file of `.plasma/` that can be thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, request: Mapping[str, Any]) -> float | None:
        """Return how long a step of a request takes, from pictures of its size or, else, of any."""
        known, size = self._read(), _pixels(_key(request))
        if not known or not size:
            return None
        near = min(known, key=lambda key: abs(_pixels(key) - size))
        return known[near] * size / _pixels(near)

    def learn(self, request: Mapping[str, Any], seconds: float) -> None:
        """Take in how long a picture took."""
        key, steps = _key(request), int(request.get("steps", 0))
        if not steps or not _pixels(key):
            return
        known = self._read()
        before = known.get(key, seconds / steps)
        known[key] = before + _NEWEST_WEIGHS * (seconds / steps - before)
        with contextlib.suppress(OSError):  # one that is cut short costs only what was learned
            self._path.write_text(json.dumps(known), encoding="utf-8")

    def _read(self) -> dict[str, float]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        found = known.items() if isinstance(known, dict) else ()
        return {k: float(v) for k, v in found if _pixels(k) and isinstance(v, int | float)}


def _key(request: Mapping[str, Any]) -> str:
    return f"{request.get('width', 0)}x{request.get('height', 0)}"


def _pixels(key: str) -> int:
    width, _, height = key.partition("x")
    return int(width) * int(height) if width.isdecimal() and height.isdecimal() else 0
