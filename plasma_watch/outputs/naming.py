"""Which name an output gets: its place, and the highest version there plus one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from plasma_watch.job import same_name

_VERSION = re.compile(r"(?P<stem>.+)_v(?P<number>\d{1,9})\.(?:png|toml)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the versions of a picture lie: a folder below the output folder, and their stem."""

    folder: PurePosixPath
    stem: str

    def version(self, number: int) -> str:
        """Return the stem of one version's files."""
        return f"{self.stem}_v{number}"


def place_of(request: Mapping[str, Any], name: str) -> Place:
    """Return where the pictures of a resolved request go."""
    if "chapter" in request:
        chapter, page = int(request["chapter"]), int(request["page"])
        folder = PurePosixPath(f"ch-{chapter:02d}") / "raw"
        return Place(folder, f"ch{chapter:02d}_p{page:03d}")
    path = PurePosixPath(str(request.get("output") or without_version(name)))
    return Place(path.parent, path.name)


def without_version(name: str) -> str:
    """Return a name without its version: a manifest dropped again makes the next, not `_v1_v1`."""
    return split_version(f"{name}.toml")[0]


def split_version(file: str) -> tuple[str, int]:
    """Return stem and version of a picture's or a manifest's file name; 0 where it has none."""
    found = _VERSION.fullmatch(file)
    return (found["stem"], int(found["number"])) if found else (file.rpartition(".")[0], 0)


def next_version(stem: str, there: Iterable[str]) -> int:
    """Return the highest version among the file names there, plus one.

    Names that differ only in case or Unicode form count as the same: on a Mac they are.
    """
    return max((number for number in versions(stem, there)), default=0) + 1


def versions(stem: str, there: Iterable[str]) -> Iterable[int]:
    """Return the versions of a stem among file names, in no order."""
    wanted = same_name(stem)
    names = same_name("\0".join(there)).split("\0")  # at once: a chapter holds hundreds
    found = (_VERSION.fullmatch(name) for name in names if name.startswith(wanted))
    return (int(f["number"]) for f in found if f and f["stem"] == wanted)
