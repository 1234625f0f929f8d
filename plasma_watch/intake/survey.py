"""What lies in the inbox at one moment: every entry of its two folders, or some, and what it is.

A hundred thousand requests may wait there. Of one that is known, and as it was, nothing is made.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from plasma_watch.home import Home
from plasma_watch.intake import settle
from plasma_watch.intake.settle import Sort, Sorted
from plasma_watch.line import Spot, natural
from plasma_watch.system import finder
from plasma_watch.system.files import Fingerprint
from plasma_watch.system.finder import Mark

MOST_TAKEN = 1000
"""How many files one look takes a step further; so that a burst of thousands delays nobody."""
REQUESTS = frozenset({Sort.REQUEST, Sort.PICTURE, Sort.IMPOSTOR})
"""What is taken into the line, or refused."""
_Found = TypeVar("_Found", "Entry", "Arrival")
IsKnown = Callable[[Spot, Fingerprint], bool]
"""Tells whether a file waits in the line already, as it is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the inbox, as one look found it."""

    spot: Spot
    sorted: Sorted
    fingerprint: Fingerprint
    """What tells this state of the file from another."""
    changed_ns: int
    urgent: bool
    mark: Mark | None = None
    """What Finder or iCloud still do with it."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.spot.path

    @property
    def subject(self) -> str:
        """How the tripwire knows this state of the file."""
        found = self.fingerprint
        return f"{self.spot.file}:{found.inode}:{found.size}:{found.mtime_ns}"

    @property
    def shown(self) -> str:
        """Its name as text that can be written, whatever bytes it is made of."""
        return os.fsencode(self.spot.file).decode(errors="backslashreplace")


class Arrival(NamedTuple):
    """Something new: all that is held of it until its turn comes, as there may be so many."""

    spot: Spot
    changed_ns: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class View:
    """What one look saw that waits not yet, and what it missed."""

    entries: list[Entry]
    """The urgent first, in the order of the last change, then of the names."""
    gone: frozenset[Spot] = frozenset()
    """Where something was before that is not there any more."""
    left: Sequence[Spot] = ()
    """Where more lies that was never seen, in the same order."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was known before a look."""

    spots: Iterable[Spot] = ()
    """Where anything was."""
    is_known: IsKnown = lambda *_: False
    arriving: Collection[Spot] = ()
    """What was seen and not taken yet."""


def survey(home: Home, before: Before = Before()) -> View:
    """Look at all that is there, and at whether what was there before still is.

    Of what was never seen, at most `MOST_TAKEN` are looked at closely. Raises OSError when the
    inbox cannot be read; `urgent/` need not be there.
    """
    gone = dict.fromkeys(before.spots)  # of so many, half as large as a set
    entries: list[Entry] = []
    new: list[Arrival] = []
    for spot, found, urgent in _all(home):
        gone.pop(spot, None)
        if before.is_known(spot, Fingerprint.of(found)):
            continue
        entry = _entry(spot, found, urgent=urgent)
        if entry.sorted.sort in REQUESTS and spot not in before.arriving:
            new.append(Arrival(spot, entry.changed_ns, urgent))
        else:
            entries.append(entry)
    spots = [arrival.spot for arrival in _in_order(new)]
    entries += _seen_at(home, spots[:MOST_TAKEN])
    return View(_in_order(entries), frozenset(gone), spots[MOST_TAKEN:])


def glance(home: Home, spots: Iterable[Spot]) -> View:
    """Look at some spots of the inbox alone; raises OSError when the inbox cannot be read."""
    looked_at = frozenset(spots) - {Spot.of(home.urgent)}
    entries = _in_order(_seen_at(home, looked_at))
    home.inbox.stat()  # where it is gone itself, nothing in it was found missing
    return View(entries, looked_at - {entry.spot for entry in entries})


def _all(home: Home) -> Iterator[tuple[Spot, os.stat_result, bool]]:
    """Yield everything that lies in the two folders, and whether it is urgent."""
    itself = Spot.of(home.urgent)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from ((spot, found, True) for spot, found in _in_folder(home.urgent))
    yield from ((*each, False) for each in _in_folder(home.inbox) if each[0] != itself)


def _in_folder(folder: Path) -> Iterator[tuple[Spot, os.stat_result]]:
    with os.scandir(folder) as items:
        for item in items:
            with contextlib.suppress(OSError):
                yield Spot(folder, item.name), item.stat(follow_symlinks=False)


def _seen_at(home: Home, spots: Iterable[Spot]) -> list[Entry]:
    entries = []
    for spot in spots:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            entries.append(_entry(spot, spot.path.lstat(), urgent=spot.folder == home.urgent))
    return entries


def _entry(spot: Spot, found: os.stat_result, *, urgent: bool) -> Entry:
    return Entry(
        spot,
        settle.sort(spot.file, found.st_mode, urgent=urgent),
        Fingerprint.of(found),
        found.st_ctime_ns,
        urgent,
        finder.mark_of(found),
    )


def _in_order(found: Iterable[_Found]) -> list[_Found]:
    by_change = sorted(found, key=lambda each: each.changed_ns)  # of so many, no pair as a key
    together = itertools.groupby(sorted(by_change, key=lambda each: not each.urgent), _order)
    return [each for _, group in together for each in _by_name(list(group))]


def _order(found: Entry | Arrival) -> tuple[bool, int]:
    return not found.urgent, found.changed_ns


def _by_name(together: list[_Found]) -> list[_Found]:
    if len(together) == 1:  # nearly always, and there may be thousands
        return together
    return sorted(together, key=lambda found: natural(found.spot.file))
