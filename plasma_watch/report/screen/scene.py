"""What a home shows at one moment, read from its files alone: no daemon is asked.

A file that is not there, or is no TOML just now, tells nothing; whoever draws makes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plasma_watch.holder import last_told
from plasma_watch.home import Home
from plasma_watch.job import State, is_job_id
from plasma_watch.report.ends import End, Ends
from plasma_watch.report.history import FILE, History, losses
from plasma_watch.status import read_status

ENDS_SHOWN = 10
_TAIL_BYTES = 16_384

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is shown, at one moment."""

    now: datetime
    root: Path
    is_up: bool
    daemon: Told
    """What the daemon tells of itself; of a home without one, what the last one told."""
    job: Told
    """The status of the running job, or of the one that is asked for; empty when there is none."""
    line: Sequence[Told]
    ends: Sequence[End]
    """The last that ended, the newest last."""
    is_one: bool = False
    """Whether only this job is looked at."""
    losses: Sequence[tuple[int, float]] = ()
    """Step and loss of the running training."""
    log: Sequence[str] = ()
    """The last lines of the log of the job that is asked for."""


class Eye:
    """Looks at one home. Its state: what need not be read again, and the training it follows."""

    def __init__(self, home: Home, name: str | None = None) -> None:
        """Take the home, and the name of the one job that is looked at, if it is only one."""
        self._home = home
        self._name = name
        self._ends = Ends(home)
        self._history = History(home.running)

    def look(self) -> Scene:
        """Read everything once."""
        is_up, daemon = last_told(self._home)
        job = self._told(self._name or str(daemon.get("running", "")))
        is_one = self._name is not None
        return Scene(
            now=datetime.now(UTC),
            root=self._home.root,
            is_up=is_up,
            daemon=daemon,
            job=job,
            line=() if is_one else self._line(daemon),
            ends=() if is_one else self._ends.newest(ENDS_SHOWN),
            is_one=is_one,
            losses=self._losses(job),
            log=_tail(self._home.status / f"{self._name}.log") if is_one else (),
        )

    def _told(self, name: str) -> dict[str, Any]:
        return read_status(self._home.status / f"{name}.toml") if name else {}

    def _line(self, daemon: Told) -> list[Told]:
        line = daemon.get("line")
        names = line.get("first", []) if isinstance(line, dict) else []
        told = [self._told(str(name)) for name in names]
        return [each for each in told if each.get("state") == State.WAITING]

    def _losses(self, job: Told) -> list[tuple[int, float]]:
        if job.get("kind") != "train" or job.get("state") != State.RUNNING:
            return []
        name = str(job.get("job", ""))
        if not is_job_id(name):
            return []
        path = self._home.running / name / FILE
        if path != self._history.path:
            self._history = History(path)
        return losses(self._history.rows())


def _tail(log: Path) -> list[str]:
    """Return the last lines of a log; the first of them may be cut and is left out."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return lines[1:] if size > _TAIL_BYTES else lines
