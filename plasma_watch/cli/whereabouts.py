"""Where requests lie, by their names: what nobody has told of too. The files are the truth.

It reads names alone, for a hundred thousand may lie there: no file is opened, none is judged.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.home import Home
from plasma_watch.words import counted

_ENDINGS = (".toml", ".png")
_JOURNAL = "job.toml"


@dataclass(frozen=True, slots=True)
class Lying:
    """How much lies in a home that has not ended, and whether its line is paused."""

    waiting: int
    begun: int
    is_paused: bool

    def words(self) -> str:
        """Return what lies there, and what takes it up; empty where nothing does."""
        said = []
        if self.waiting:
            lie = "lies" if self.waiting == 1 else "lie"
            said.append(f"{counted(self.waiting, 'request')} {lie} in the inbox")
        if self.begun:
            said.append(f"{self.begun} {'was' if self.begun == 1 else 'were'} begun")
        them = "it" if self.waiting + self.begun == 1 else "them"
        return f"{', '.join(said)}; `plasma-watch run` takes {them} up" if said else ""

    def told(self) -> dict[str, int]:
        """Return how much lies in which folder, for programs."""
        return {"inbox": self.waiting, "running": self.begun}


def lying(home: Home) -> Lying:
    """Count what lies in a home."""
    waiting, is_paused = sum(map(_is_request, _entries(home.urgent))), False
    for entry in _entries(home.inbox):
        waiting += _is_request(entry)
        is_paused = is_paused or entry.name.casefold() == "pause"
    return Lying(waiting, sum(map(_is_job, _entries(home.running))), is_paused)


def unfinished(home: Home, name: str, state: str = "running") -> Path | None:
    """Return the file of a request that waits or was begun; of several the one in that state."""
    waiting, begun = (home.urgent, home.inbox), jobs_in(home.running)
    folders = (*begun, *waiting) if state == "running" else (*waiting, *begun)
    return next(named(name, folders), None)


def ended(home: Home, state: str, job: str, name: str) -> Path | None:
    """Return the request of a job that ended, unless it was taken up since."""
    is_one = Path(job).name == job  # people edit files
    return next(named(name, (home.root / state / job,)), None) if is_one else None


def jobs_in(folder: Path) -> tuple[Path, ...]:
    """Return the folders of the jobs in a folder of the home."""
    return tuple(Path(entry.path) for entry in _entries(folder) if _is_job(entry))


def named(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the requests of a name that lie in folders."""
    from plasma_watch.job import same_name  # noqa: PLC0415 - start-up time

    wanted = same_name(name)
    for folder in folders:
        for entry in _entries(folder):
            if _is_request(entry) and same_name(entry.name.rpartition(".")[0]) == wanted:
                yield Path(entry.path)


def _is_request(entry: os.DirEntry[str]) -> bool:
    file = entry.name
    is_one = file.lower().endswith(_ENDINGS) and not file.startswith(".") and file != _JOURNAL
    return is_one and not entry.is_dir(follow_symlinks=False)


def _is_job(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in a folder; nothing of one that is not there."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from entries
