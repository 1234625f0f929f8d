"""The jobs that ended, the newest last: what lies in `done/`, `failed/` and `cancelled/`.

The folders are the index. They are listed again only when one of them has changed. A job ended when
its journal was written last; that its picture was approved later, or its request taken out, does
not make it newer.

A failure is settled when somebody took it up: its request was moved back, or its name dropped anew.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from plasma_watch.home import Home
from plasma_watch.job import JOURNAL, State, is_job_id
from plasma_watch.status import read_status

_RECENT_NS = 2_000_000_000
"""A folder that changed so lately may change again in one tick of its clock: it is read anew."""
FAILURES_LOOKED_AT = 100
"""So many of the newest drops that failed are looked at for what failed of late."""


@dataclass(frozen=True, slots=True)
class End:
    """One job that ended, as far as its journal tells: people edit files, disks lose them."""

    folder: Path
    ended: datetime
    journal: Mapping[str, Any]

    @property
    def state(self) -> str:
        """How it ended: the folder says it."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """How people refer to it."""
        return str(self.journal.get("name", self.folder.name))

    @property
    def why(self) -> str:
        """What came of it, in one sentence."""
        return str(self._ending().get("why", ""))

    @property
    def code(self) -> str:
        """The code of what went wrong; empty when nothing did."""
        return str(self._ending().get("code", ""))

    @property
    def hint(self) -> str:
        """What to do about it."""
        return str(self._ending().get("hint", ""))

    @property
    def problems(self) -> list[str]:
        """Everything that was wrong with its file."""
        found = self._ending().get("problems")
        return [str(each) for each in found] if isinstance(found, list) else []

    def _ending(self) -> Mapping[str, Any]:
        found = self.journal.get("ending")
        return found if isinstance(found, dict) else {}


class Ends:
    """What ended in a home. Its state: what was there when the folders last changed."""

    def __init__(self, home: Home) -> None:
        self._folders = (home.done, home.failed, home.cancelled)
        self._seen: tuple[int, ...] = ()
        self._order: list[tuple[float, Path]] = []

    def newest(self, most: int) -> list[End]:
        """Return those that ended last, the newest last."""
        return [_read(folder, ended) for ended, folder in self._sorted()[-most:]]

    def __len__(self) -> int:
        return len(self._sorted())

    def since(self, oldest: float) -> list[End]:
        """Return those that ended after an instant, the newest last."""
        return [_read(folder, ended) for ended, folder in self._sorted() if ended >= oldest]

    def _sorted(self) -> list[tuple[float, Path]]:
        seen = tuple(_mtime(folder) for folder in self._folders)
        if seen != self._seen:
            self._order = sorted(each for folder in self._folders for each in _ended(folder))
            is_settled = time.time_ns() - max(seen) > _RECENT_NS
            self._seen = seen if is_settled else ()
        return self._order


def failed_since(home: Home, oldest: float, most: int) -> list[End]:
    """Return the last that failed after an instant and that nobody took up, the newest last.

    It costs the same however many failed before: a job's folder is named by the time of its drop.
    """
    lately = sorted(_dated(home.failed / name for name in _names(home.failed)))
    unsettled = (
        end
        for ended, folder in reversed(lately)
        if ended >= oldest and not is_taken_up(home, end := _read(folder, ended))
    )
    return list(islice(unsettled, most))[::-1]


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        newest = sorted((entry.name for entry in entries), reverse=True)
        return list(islice(filter(is_job_id, newest), FAILURES_LOOKED_AT))
    return []


def is_taken_up(home: Home, end: End) -> bool:
    """Tell whether the request of a failure was moved back, or its name dropped anew."""
    file = end.journal.get("file")
    if isinstance(file, str) and not os.path.lexists(end.folder / Path(file).name):
        return True
    return str(newest_drop(home, end.name).get("job", "")) > end.folder.name


def is_made_good(home: Home, end: End) -> bool:
    """Tell whether a later drop of a failure's name is done."""
    newest = newest_drop(home, end.name)
    return str(newest.get("job", "")) > end.folder.name and newest.get("state") == State.DONE


def newest_drop(home: Home, name: str) -> Mapping[str, Any]:
    """Return what is told of the newest drop of a name; nothing of a name that is no file's."""
    return read_status(home.status / f"{name}.toml") if Path(name).name == name else {}


def _mtime(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime_ns
    return 0


def _ended(folder: Path) -> Iterator[tuple[float, Path]]:
    """Yield when each job of a folder ended, and where it lies."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from _dated(
            Path(entry.path)
            for entry in entries
            if is_job_id(entry.name) and entry.is_dir(follow_symlinks=False)
        )


def _dated(folders: Iterable[Path]) -> Iterator[tuple[float, Path]]:
    for folder in folders:
        with contextlib.suppress(OSError):
            yield (folder / JOURNAL).stat().st_mtime, folder


def _read(folder: Path, ended: float) -> End:
    return End(folder, datetime.fromtimestamp(ended, UTC), read_status(folder / JOURNAL))
