"""What lies in the inbox at one moment: every entry of its two folders, and what it is."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    """Return what is there: the urgent first, in the order of the last change, then of the names.

    Raises OSError when the inbox cannot be read; `urgent/` need not be there.
    """
    entries: list[Entry] = []
    urgent = home.urgent
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        entries += _entries(urgent, urgent=True)
    entries += (entry for entry in _entries(home.inbox, urgent=False) if entry.path != urgent)
    together = itertools.groupby(sorted(entries, key=_order), _order)
    return [entry for _, group in together for entry in _by_name(list(group))]


def _entries(folder: Path, *, urgent: bool) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            with contextlib.suppress(OSError):
                stat = item.stat(follow_symlinks=False)
                sorted_ = settle.sort(item.name, stat.st_mode, urgent=urgent)
                yield Entry(Path(item.path), sorted_, stat, urgent)


def _order(entry: Entry) -> tuple[bool, int]:
    return not entry.urgent, entry.found.st_ctime_ns


def _by_name(together: list[Entry]) -> list[Entry]:
    if len(together) == 1:  # nearly always, and there may be thousands
        return together
    return sorted(together, key=lambda entry: natural(entry.path.name))
