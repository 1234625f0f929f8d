"""What is this thing in the inbox, and is it whole? Pure: names, modes and clock readings in.

It knows Finder's litter and the half-written files of other programs. It opens nothing.
"""

from __future__ import annotations

import functools
import re
import stat
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.job import same_name
from plasma_watch.system import finder
from plasma_watch.system.files import Fingerprint

MAX_NAME_BYTES = 120
"""A longer name would not fit a job id into one folder name on every volume."""

_JUNK = re.compile(
    r"""
      \..*                                   # dot files: .DS_Store, ._x, .x.tmp, .x.icloud, .\#x
    | Icon\r
    | .*\.(tmp|part|crdownload|download)     # other programs are still writing these
    | .*~
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_REQUEST, _PICTURE, _CANCEL, _PAUSE = ".toml", ".png", ".cancel", "pause"
_RESERVED = same_name("daemon")


class Sort(Enum):
    """What a thing in the inbox is."""

    REQUEST = auto()
    PICTURE = auto()
    """A picture made here, dropped to be made again."""
    IMPOSTOR = auto()
    """Named like a request and not a file: refused."""
    CANCEL = auto()
    PAUSE = auto()
    JUNK = auto()
    """Left alone without a word."""
    MISTAKE = auto()
    """Left alone, and named with the reason."""
    STUB = auto()
    """Stands for a request that is only in iCloud; named with the reason."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a thing is, the name it stands for, and why it is left alone if it is."""

    sort: Sort
    name: str = ""
    reason: str = ""


@functools.lru_cache(maxsize=2_000)  # every look asks the same of every name again
def sort(file: str, mode: int, *, urgent: bool = False) -> Sorted:
    """Tell what a directory entry is from its name and mode."""
    if (real := finder.stands_for(file)).lower().endswith((_REQUEST, _PICTURE)):
        return Sorted(Sort.STUB, real, "only in iCloud so far; it was asked for")
    if _JUNK.fullmatch(file):
        return Sorted(Sort.JUNK)
    if reason := unspeakable(file):
        return Sorted(Sort.MISTAKE, reason=reason)
    stem, dot, suffix = file.rpartition(".")
    name, suffix = unicodedata.normalize("NFC", stem), (dot + suffix).lower()
    return (None if urgent else _control(file, name, suffix)) or _request(file, name, suffix, mode)


def _request(file: str, name: str, suffix: str, mode: int) -> Sorted:
    if stat.S_ISDIR(mode):
        reason = "a folder; requests lie in inbox/ or inbox/urgent/ itself"
        return Sorted(Sort.MISTAKE, reason=reason)
    if suffix not in (_REQUEST, _PICTURE):
        return Sorted(Sort.MISTAKE, reason=_not_a_request(file))
    if not stat.S_ISREG(mode):
        return Sorted(Sort.IMPOSTOR, name)
    return Sorted(Sort.REQUEST if suffix == _REQUEST else Sort.PICTURE, name)


def _control(file: str, name: str, suffix: str) -> Sorted | None:
    if file.casefold() == _PAUSE:
        return Sorted(Sort.PAUSE)
    return Sorted(Sort.CANCEL, name) if suffix == _CANCEL and name else None


def unspeakable(file: str) -> str:
    """Return why a name cannot be a request's, or an empty string."""
    stem = file.rpartition(".")[0]
    try:  # a name is used in NFC, in which a few letters are longer
        size = max(len(form.encode()) for form in (stem, unicodedata.normalize("NFC", stem)))
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(unicodedata.category(char) == "Cc" for char in file):
        return "its name holds control characters"
    if size > MAX_NAME_BYTES:
        return f"its name is over {MAX_NAME_BYTES} bytes of UTF-8"
    return ""


def _not_a_request(file: str) -> str:
    if ".toml" in file.lower():
        return "its name does not end in .toml"
    return "not a request; requests are .toml files"


def is_reserved(name: str) -> bool:
    """Tell whether a request may not have this name, because a file of ours in `status/` has it."""
    return same_name(name) == _RESERVED


def refuse_reserved(file: str) -> None:
    """Raise PlasmaError `request.name-taken` for a name whose files in `status/` are ours."""
    if is_reserved(file.rpartition(".")[0]):
        raise PlasmaError(
            Code.REQUEST_NAME_TAKEN,
            f"{file}: no request may be called 'daemon'; status/daemon.toml is ours",
            "Give it another name.",
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it was first seen in its present state; `since` is a monotonic time."""

    fingerprint: Fingerprint
    since: float


def sighted(before: Sighting | None, fingerprint: Fingerprint, now: float) -> Sighting:
    """Return the sighting to keep: the old one while nothing changed, else a new one."""
    unchanged = before is not None and before.fingerprint == fingerprint
    return before if unchanged and before is not None else Sighting(fingerprint, now)


def is_whole(
    sighting: Sighting, now: float, settle_seconds: float, moved_whole: frozenset[Fingerprint]
) -> bool:
    """Tell whether a file can be taken: moved there whole, or seen still for long enough."""
    still = now - sighting.since >= settle_seconds
    return still or sighting.fingerprint in moved_whole
