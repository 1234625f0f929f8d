"""A kind of job that does what it is told, and an event that nobody has to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from plasma_watch.gate.memory import Start, Verdict
from plasma_watch.job import Ending, Job, State
from plasma_watch.line import Ongoing

BLINK_SECONDS = 0.002
DONE = Ending(State.DONE, "output/p003_v1.png")


def done(_: Ongoing) -> Ending:
    """Do nothing, well."""
    return DONE


class FakeKind:
    """A kind without an engine. Its state: what it was told to do, and what it was asked."""

    def __init__(self) -> None:
        self.verdict: Verdict = Start(is_heavy=False)
        """What the gate says."""
        self.heavy = False
        """Whether its work takes the machine."""
        self.work: dict[str, Callable[[Ongoing], Ending]] = {}
        """What to do for a job of a name; else it is done at once."""
        self.gates: list[bool] = []
        """Whether something waited already, each time that the gate was asked."""
        self.recipes: list[str] = []
        """For which recipe, each time."""
        self.rests = 0
        self.ran: list[str] = []
        self.abandoned: list[str] = []
        self.on_abandon: Callable[[], None] = lambda: None

    def gate(self, *, is_waiting: bool, recipe: str = "") -> Verdict:
        """Say what was told."""
        self.gates.append(is_waiting)
        self.recipes.append(recipe)
        return self.verdict

    def rest(self) -> None:
        """Hear that there is nothing to do."""
        self.rests += 1

    def is_heavy(self) -> bool:
        """Say what was told."""
        return self.heavy

    def run(self, ongoing: Ongoing, request: object) -> Ending:  # noqa: ARG002 - a kind's shape
        """Do what was told for this name."""
        self.ran.append(ongoing.job.name)
        return self.work.get(ongoing.job.name, done)(ongoing)

    def abandon(self, job: Job) -> None:
        """Remember that it was asked."""
        self.abandoned.append(job.name)
        self.on_abandon()


class PatientEvent(threading.Event):
    """An event whose wait is over in a blink. Its state: for how long each wait would have been.

    The blink leaves the machine to others, where somebody waits for an engine again and again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self.on_wait: Callable[[], None] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        """Remember the wait, and let something happen in it."""
        self.waits.append(timeout)
        self.on_wait()
        return super().wait(BLINK_SECONDS)
