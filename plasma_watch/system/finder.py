"""What Finder and iCloud leave on a file: still copied, locked, not on this disk, an alias. Pure.

It is read from what `stat` says, so that nothing has to be opened: opening a file that is only in
iCloud waits for its download.
"""

from __future__ import annotations

import os
import re
from enum import Enum, auto

COPY_SECONDS = 600.0
"""How long a file that stands still is believed to be still copied; then the mark is litter."""

_UF_IMMUTABLE = 0x2
_SF_DATALESS = 0x40000000
_BUSY_BEFORE = 473_385_600
"""1985. Finder dates what it copies 1904, 1946 or 1984 until it is done."""
_UNKNOWN_BIRTHS = frozenset({0.0, -1.0})
"""What volumes say that know of no birth."""
_ALIAS = b"book\0\0\0\0mark"
_STUB = re.compile(r"\.(.+)\.icloud", re.DOTALL)


class Mark(Enum):
    """Why a file cannot be taken now."""

    COPYING = auto()
    LOCKED = auto()
    IN_CLOUD = auto()


def mark_of(found: os.stat_result) -> Mark | None:
    """Return the mark of a file; elsewhere than on a Mac there is none."""
    return mark(getattr(found, "st_birthtime", None), getattr(found, "st_flags", 0))


def mark(born: float | None, flags: int) -> Mark | None:
    """Return the mark by the time of its birth and its flags."""
    if flags & _SF_DATALESS:
        return Mark.IN_CLOUD
    if flags & _UF_IMMUTABLE:
        return Mark.LOCKED
    is_known = born is not None and born not in _UNKNOWN_BIRTHS
    return Mark.COPYING if is_known and born is not None and born < _BUSY_BEFORE else None


def is_alias(content: bytes) -> bool:
    """Tell whether a file's bytes are those of a Finder alias, which is no link but a file."""
    return content.startswith(_ALIAS)


def stands_for(name: str) -> str:
    """Return the name of the file for which a stub of iCloud's stands, or an empty string."""
    found = _STUB.fullmatch(name)
    return found[1] if found else ""
