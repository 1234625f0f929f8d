"""A worker with a real line on a real disk, whose kinds do what they are told."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from plasma_watch.control import Control
from plasma_watch.line import Ongoing
from plasma_watch.request import GenerateRequest, Request
from plasma_watch.system.locks import Lock
from plasma_watch.tripwire import Tripwire
from plasma_watch.worker import Worker
from tests.fakes.desk import Desk
from tests.fakes.home import REQUEST, a_home, drop, whereabouts
from tests.fakes.kind import FakeKind, PatientEvent


class Floor:
    """A worker with a real line, and nothing that takes time. Its state: how often it told."""

    def __init__(
        self,
        root: Path,
        name: str = "",
        *,
        wait_minutes: float = 0,
        control: Control | None = None,
        awake: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.desk = Desk(a_home(root / name), control)
        self.stopping = self.desk.control.stopping = PatientEvent()
        self.pages, self.trainings = FakeKind(), FakeKind()
        self.heavy = Lock(root / "heavy.lock")
        self.tripwire = Tripwire(self.desk.home.private / "tripwire-work.json")
        weakref.finalize(self, self.tripwire.close)
        self.changes = 0
        self.now = 0.0
        self.once_asked: Callable[[], object] = lambda: None
        """What happens just when the worker has asked whether the line is paused."""
        self.worker = Worker(
            line=self.desk.line,
            left=self.desk.line.unfinished,
            board=self.desk.board,
            control=self.desk.control,
            tripwire=self.tripwire,
            kinds={"generate": self.pages, "train": self.trainings},
            heavy=self.heavy,
            asked=_asked,
            announce=self.desk.inbox.announce,
            is_paused=self._is_paused,
            changed=self._changed,
            wait_minutes=wait_minutes,
            awake=awake,
        )
        self.worker.wake = PatientEvent()

    def _changed(self) -> None:
        self.changes += 1

    def _is_paused(self) -> bool:
        is_paused, happens = self.desk.inbox.is_paused, self.once_asked
        self.once_asked = lambda: None
        happens()
        return is_paused

    def admit(self, *files: str, content: bytes = REQUEST) -> None:
        """Drop files and see each of them whole, one after another."""
        for file in files:
            drop(self.desk.home, file, content)
            self.look()

    def look(self) -> None:
        """Look after the inbox until everything in it has stood still."""
        self.now += 10
        self.desk.settle(self.now)

    def step(self) -> bool:
        """Start and carry the next job, if there is one that may start."""
        return self.worker._stepped()

    def run_until_idle(self) -> None:
        """Work until there is nothing left to do."""
        self.worker.wake.on_wait = self.stop  # type: ignore[attr-defined]
        self.worker.run()

    def stop(self) -> None:
        """Ask the worker to stop, as the daemon does."""
        self.stopping.set()
        self.worker.wake.set()

    def leave(self, file: str = "p003.toml", kind: str = "", **journal: object) -> Ongoing:
        """Leave a job in running/, as a crash does."""
        self.admit(file)
        ongoing = self.desk.line.claim(self.desk.line.named(file.removesuffix(".toml"))[0])
        assert ongoing
        job = replace(ongoing.job, kind=kind or ongoing.job.kind)
        ongoing.keep(replace(job, **journal))  # type: ignore[arg-type]
        return ongoing

    def where(self) -> dict[str, list[str]]:
        """Return the names of the requests in each folder that is not empty."""
        found = whereabouts(self.desk.home)
        return {k: [Path(path).name for path in paths] for k, paths in found.items() if paths}


def _asked(ongoing: Ongoing) -> Request:
    ongoing.request.read_bytes()
    return GenerateRequest(kind="generate", prompt="spyke")
