"""What lies in the inbox at one moment: every entry of its two folders, and what it is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.home import Home
from plasma_watch.intake import settle
from plasma_watch.intake.settle import Sorted
from plasma_watch.line import natural
from plasma_watch.system.files import Fingerprint


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the inbox, as one look found it."""

    path: Path
    sorted: Sorted
    found: os.stat_result
    urgent: bool

    @property
    def fingerprint(self) -> Fingerprint:
        """What tells this state of the file from another."""
        return Fingerprint.of(self.found)

    @property
    def subject(self) -> str:
        """How the tripwire knows this state of the file."""
        found = self.fingerprint
        return f"{self.path.name}:{found.inode}:{found.size}:{found.mtime_ns}"

    @property
    def shown(self) -> str:
        """Its name as text that can be written, whatever bytes it is made of."""
        return os.fsencode(self.path.name).decode(errors="backslashreplace")


def survey(home: Home) -> list[Entry]:
    """Return what is there, in the order of the last change, then of the names.

    Raises OSError when the inbox cannot be read; `urgent/` need not be there.
    """
    entries: list[Entry] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        entries += _entries(home.urgent, urgent=True)
    entries += (entry for entry in _entries(home.inbox, urgent=False) if entry.path != home.urgent)
    return sorted(entries, key=_order)


def _entries(folder: Path, *, urgent: bool) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            with contextlib.suppress(OSError):
                stat = item.stat(follow_symlinks=False)
                sorted_ = settle.sort(item.name, stat.st_mode, urgent=urgent)
                yield Entry(Path(item.path), sorted_, stat, urgent)


def _order(entry: Entry) -> tuple[int, list[Any]]:
    return entry.found.st_ctime_ns, natural(entry.path.name)
