"""What the outside may ask of a job that runs: to stop with the daemon, or to be cancelled.

Both are told by exceptions, as is a job's own wish to step aside, because they end its work from
wherever it stands.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass


class Stopping(Exception):  # noqa: N818 - not an error: the daemon was asked to end
    """The daemon ends; the job stays where it is and goes on with the next start."""


class CancelAsked(Exception):  # noqa: N818 - not an error: somebody changed their mind
    """The job is to be cancelled."""


class SetAside(Exception):  # noqa: N818 - not an error: the job lets others pass
    """The job lets others pass, and goes on after them from where it stands; the text says whom."""

    def __init__(self, why: str, *, lets_urgent_pass: bool = True) -> None:
        super().__init__(why)
        self.lets_urgent_pass = lets_urgent_pass
        """Whether what is urgent may begin meanwhile, or only what is begun goes on."""


@dataclass(frozen=True, slots=True)
class Running:
    """The job that is worked on now."""

    id: str
    name: str
    changed_ns: int = 0
    """When its file was last changed before it was claimed; 0 if that was before this start."""


class Control:
    """The two requests: the thread that looks after the inbox sets them, the working one reads."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.running: Running | None = None
        self._to_go_on: tuple[Running, ...] = ()
        self._cancelled: set[str] = set()

    def will_go_on(self, left: Iterable[Running]) -> None:
        """Say which jobs an earlier daemon left begun; each is worked on when its turn comes."""
        self._to_go_on = tuple(left)

    def begun(self) -> tuple[Running, ...]:
        """Return the jobs that are begun and not ended: the running one, and those left before."""
        return (*((self.running,) if self.running else ()), *self._to_go_on)

    def is_alone(self) -> bool:
        """Tell whether no job is begun beside the running one."""
        return not self._to_go_on

    def comes_next(self, running: Running) -> None:
        """Say that a job was begun behind the running one."""
        self._to_go_on = (*self._to_go_on, running)

    def begin(self, running: Running) -> None:
        """Say which job the questions are about from now on."""
        self.running = running
        self._to_go_on = tuple(left for left in self._to_go_on if left.id != running.id)

    def set_aside(self) -> None:
        """Say that the running job steps aside; a wish to cancel it is kept for its return."""
        if self.running:
            self._to_go_on = (*self._to_go_on, self.running)
        self.running = None

    def end(self) -> None:
        """Say that no job is worked on."""
        if self.running:
            self._cancelled.discard(self.running.id)
        self.running = None

    def cancel(self, job: str) -> None:
        """Ask for a begun job to be cancelled."""
        self._cancelled.add(job)

    def is_cancelled(self) -> bool:
        """Tell whether the running job is to be cancelled."""
        return self.running is not None and self.running.id in self._cancelled

    def check(self) -> None:
        """Raise Stopping or CancelAsked when one of them was asked for."""
        if self.stopping.is_set():
            raise Stopping
        if self.is_cancelled():
            raise CancelAsked

    def wait(self, seconds: float, *, heeds_cancel: bool = True) -> None:
        """Wait, but not past a request to stop; a request to cancel is seen at the end."""
        if heeds_cancel:
            self.check()
        self.stopping.wait(seconds)
        if heeds_cancel or self.stopping.is_set():
            self.check()
