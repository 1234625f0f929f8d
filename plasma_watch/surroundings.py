"""What a daemon stands on: its home in its place, folders that let it in, time that goes on.

None of it is in the daemon's hands: volumes go, people rename, rights change, machines sleep. What
changed is told here; what follows from it is the daemon's to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from enum import Enum, auto
from pathlib import Path

from plasma_watch.home import Home
from plasma_watch.system import access
from plasma_watch.system.clock import Instant, jump

log = logging.getLogger(__name__)

LOST_SECONDS = 1.0
"""How often a home that is gone is looked for; no event tells that it is back."""
ACCESS_SECONDS = 60.0
"""How often the folders are tried."""


class Place(Enum):
    """Where the home is, and whether that has just changed."""

    HERE = auto()
    BACK = auto()
    LOST = auto()
    STILL_LOST = auto()


class Surroundings:
    """Their state: the clocks at the last look, why the home is lost, which folders refuse."""

    def __init__(self, home: Home, worked: Iterable[Path]) -> None:
        self._home = home
        self._worked = tuple(worked)
        self._instant = now()
        self._tried_at = float("-inf")
        self.lost = ""
        """Why the home is not where it was; empty while it is."""
        self.refused: dict[str, str] = {}
        """Folders in which this process may not work, and why."""

    def slept(self) -> float:
        """Return for how long the machine slept since the last look, or its clock was set."""
        before, self._instant = self._instant, now()
        seconds = jump(before, self._instant)
        if seconds:
            log.info("the machine slept, or its clock was set: %+.0f s", seconds)
        return seconds

    def place(self) -> Place:
        """Look where the home is; whose it is when it is back, the lock knows."""
        before, self.lost = self.lost, _lost(self._home)
        if self.lost:
            if before:
                return Place.STILL_LOST
            log.warning("%s; nothing is done until it is back", self.lost)
            return Place.LOST
        if before:
            log.info("%s is back", self._home.root)
        return Place.BACK if before else Place.HERE

    def try_folders(self) -> None:
        """Once a minute, try whether this very process may still work in every folder."""
        if time.monotonic() - self._tried_at < ACCESS_SECONDS:
            return
        self._tried_at = time.monotonic()
        tried = {str(folder): access.refusal(folder) for folder in self._worked}
        refused = {folder: why for folder, why in tried.items() if why}
        for folder in refused.keys() - self.refused.keys():
            log.warning("%s: %s", folder, refused[folder])
        self.refused = refused

    def trouble(self) -> str:
        """Return the worst of it in one sentence, or an empty string."""
        return self.lost or next((f"{folder}: {why}" for folder, why in self.refused.items()), "")


def now() -> Instant:
    """Return both clocks."""
    return Instant(time.time(), time.monotonic())


def _lost(home: Home) -> str:
    if not home.root.is_dir():
        return f"{home.root} is not there: it was moved or renamed, or its volume is gone"
    return ""
