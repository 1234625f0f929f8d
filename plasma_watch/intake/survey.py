"""What lies in the inbox at one moment: every entry of its two folders, or some, and what it is."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True, slots=True)
class View:
    """What one look saw: the urgent first, in the order of the last change, then of the names."""

    entries: list[Entry]
    looked_at: frozenset[Path] | None = None
    """The paths that were looked at; None: all that there are."""

    def missing(self, known: Iterable[Path]) -> list[Path]:
        """Return the paths of what was known, was looked for, and is not there."""
        there = {entry.path for entry in self.entries}
        if self.looked_at is None:
            return [path for path in known if path not in there]
        return [path for path in known if path in self.looked_at and path not in there]


def survey(home: Home) -> View:
    """Look at all that is there.

    Raises OSError when the inbox cannot be read; `urgent/` need not be there.
    """
    entries: list[Entry] = []
    urgent = home.urgent
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        entries += _entries(urgent, urgent=True)
    entries += (entry for entry in _entries(home.inbox, urgent=False) if entry.path != urgent)
    return View(_in_order(entries))


def glance(home: Home, paths: Iterable[Path]) -> View:
    """Look at some paths of the inbox alone; raises OSError when the inbox cannot be read."""
    looked_at = frozenset(paths) - {home.urgent}
    entries: list[Entry] = []
    for path in looked_at:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            entries.append(_entry(path, path.lstat(), urgent=path.parent == home.urgent))
    home.inbox.stat()  # where it is gone itself, nothing in it was found missing
    return View(_in_order(entries), looked_at)


def _in_order(entries: list[Entry]) -> list[Entry]:
    together = itertools.groupby(sorted(entries, key=_order), _order)
    return [entry for _, group in together for entry in _by_name(list(group))]


def _entries(folder: Path, *, urgent: bool) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            with contextlib.suppress(OSError):
                yield _entry(Path(item.path), item.stat(follow_symlinks=False), urgent=urgent)


def _entry(path: Path, found: os.stat_result, *, urgent: bool) -> Entry:
    return Entry(path, settle.sort(path.name, found.st_mode, urgent=urgent), found, urgent)


def _order(entry: Entry) -> tuple[bool, int]:
    return not entry.urgent, entry.found.st_ctime_ns


def _by_name(together: list[Entry]) -> list[Entry]:
    if len(together) == 1:  # nearly always, and there may be thousands
        return together
    return sorted(together, key=lambda entry: natural(entry.path.name))
