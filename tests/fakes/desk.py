"""An inbox on a real disk with everything around it, driven by chosen clock readings."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plasma_watch.config import Config, Intake
from plasma_watch.control import Control
from plasma_watch.home import Home
from plasma_watch.intake.inbox import Inbox, Moment
from plasma_watch.job import State
from plasma_watch.line import Line, Waiting
from plasma_watch.request import Request
from plasma_watch.status import Board, JobStatus
from plasma_watch.system.files import Fingerprint
from plasma_watch.toml_check import KeyPath
from plasma_watch.tripwire import Tripwire

CONFIG = Config(intake=Intake(settle_seconds=1.0, max_request_kb=1))
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class HeardBoard(Board):
    """A board that remembers every state that it was given to show."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heard: list[tuple[str, State]] = []

    def show(self, status: JobStatus) -> None:
        """Remember, then show."""
        self.heard.append((status.name, status.state))
        super().show(status)


def _state(path: Path) -> tuple[int, ...]:
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Desk:
    """What looks after one home's inbox. Its state: the objections of the kind's own check."""

    def __init__(
        self, home: Home, control: Control | None = None, *, is_hinted: bool = False
    ) -> None:
        self.home = home
        self._is_hinted = is_hinted
        """Whether each look is told which paths changed since the last, as events tell it."""
        self._before: dict[Path, tuple[int, ...]] | None = None
        self.line = Line(home)
        self.board = HeardBoard(home.status)
        self.control = control or Control()
        self.objections: dict[str, Exception] = {}
        """What the check raises, by the file's name."""
        self.checked: list[str] = []
        self.on_check: Callable[[], object] = lambda: None
        """Called in the middle of every check."""
        tripwire = Tripwire(home.private / "tripwire-inbox.json")
        weakref.finalize(self, tripwire.close)
        self.inbox = Inbox(
            home=home,
            config=CONFIG,
            line=self.line,
            board=self.board,
            control=self.control,
            tripwire=tripwire,
            check=self._check,
        )

    def _check(self, request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:  # noqa: ARG002 - a check's shape
        self.checked.append(subject)
        self.on_check()
        if subject in self.objections:
            raise self.objections[subject]

    def look(
        self, now: float, *moved_whole: Path, touched: frozenset[Path] | None = None
    ) -> float | None:
        """Look at so many seconds after the start; some files were moved there whole."""
        moved = frozenset(Fingerprint.of(path.lstat()) for path in moved_whole)
        when = START + timedelta(seconds=now)
        return self.inbox.look(
            Moment(now, when, moved, self._touched() if touched is None else touched)
        )

    def _touched(self) -> frozenset[Path] | None:
        """Return what changed in the inbox since the last look, if that is to be told."""
        if not self._is_hinted:
            return None
        before = self._before
        now = {path: _state(path) for path in self.home.inbox.rglob("*")}
        self._before = now
        if before is None:
            return None
        paths = before.keys() | now.keys()
        return frozenset(path for path in paths if before.get(path) != now.get(path))

    def settle(self, now: float) -> None:
        """Look, and look again when everything has stood still for long enough."""
        self.look(now)
        self.look(now + 1)

    def waiting(self) -> list[str]:
        """Return the paths of what waits, in order."""
        return [str(item.path.relative_to(self.home.inbox)) for item in self.line.waiting()]

    def the_only(self) -> Waiting:
        """Return the one thing that waits."""
        (item,) = self.line.waiting()
        return item

    def told(self, name: str = "p003") -> dict[str, Any]:
        """Return the status of a name."""
        return self.board.read(name)

    def logged(self, name: str = "p003") -> list[str]:
        """Return what the log of a name says, without times and jobs."""
        lines = (self.home.status / f"{name}.log").read_text().splitlines()
        return [line.split(" ", 2)[2] for line in lines]

    def ended(self, state: State) -> list[str]:
        """Return the names of the requests that ended so."""
        folder = self.home.root / state.value
        return sorted(path.name for path in folder.rglob("*.toml") if path.name != "job.toml")
