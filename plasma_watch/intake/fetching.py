"""Asks iCloud for files that are not on this disk, in the background: nobody waits for the answer.

Whether a file has come is seen by its mark, the next time the inbox is looked at.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from plasma_watch.system import platform, tools

AGAIN_SECONDS = 60.0
_DOWNLOAD_SECONDS = 600.0


class Fetching:
    """Who was asked for, and when. Opening a file is what fetches it, if nothing else does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[Path, float] = {}

    def ask(self, path: Path) -> None:
        """Ask for a file, at most once a minute."""
        now = self._clock()
        if now - self._asked.get(path, float("-inf")) < AGAIN_SECONDS:
            return
        self._asked[path] = now
        threading.Thread(target=fetch, args=(path,), name=f"fetch {path}", daemon=True).start()


def fetch(path: Path) -> None:
    """Ask the platform for a file, and read of it what there is; this may take for ever."""
    if command := platform.download(path):
        tools.ask(command, _DOWNLOAD_SECONDS)
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.read(1)
