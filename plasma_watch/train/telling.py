"""What is told of a training while it runs: one plain sentence, progress, time to go."""

from __future__ import annotations

import time
from collections.abc import Callable

from plasma_watch.errors import Code
from plasma_watch.job import Job
from plasma_watch.report import durations
from plasma_watch.status import Board, of_running
from plasma_watch.train.progress import Course, Phase

LOG_SECONDS = 30.0
"""The log gets at most one line of progress in this time; the status file shows every step."""


class Teller:
    """Tells the status of one run. Its state: when it logged, and which phase and epoch."""

    def __init__(self, board: Board, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._job = job
        self._clock = clock
        self._logged = float("-inf")
        self._phase: Phase | None = None
        self._epochs = 0

    def tell(self, course: Course, trouble: str = "") -> None:
        """Tell where a run stands, and what is wrong with the machine meanwhile."""
        why = sentence(course) + (f"; {trouble}" if trouble else "")
        status = of_running(
            self._job,
            why,
            waiting_for=Code.MEMORY_SHORT if trouble else None,
            step=course.step or None,
            steps=course.steps,
            progress=min(course.step / max(course.steps, 1), 1.0),
            eta_seconds=course.pace.to_go(course.steps - course.step),
            seconds_per_step=course.pace.now(),
        )
        self._board.show(status)
        self._log(course)

    def say(self, text: str) -> None:
        """Add a line to the job's log."""
        self._board.say(self._job.name, self._job.id, text)

    def _log(self, course: Course) -> None:
        if course.whole_epochs > self._epochs and self._phase:
            loss = f", loss {course.loss:.4g}" if course.loss is not None else ""
            self.say(f"running epoch {course.whole_epochs} of {course.epochs} is whole{loss}")
        elif course.phase is not self._phase and course.phase is not Phase.TRAINING:
            self.say(f"running {course.phase}")
        elif course.run_step and self._clock() - self._logged >= LOG_SECONDS:
            self._logged = self._clock()
            self.say(line(course))
        self._phase, self._epochs = course.phase, course.whole_epochs


def sentence(course: Course) -> str:
    """Return where a run stands in one plain sentence."""
    if course.phase is not Phase.TRAINING:
        return f"{course.phase}{_behind(course)}"
    loss = f", loss {course.loss:.3g}" if course.loss is not None else ""
    epoch = min(course.step // max(course.steps_an_epoch, 1) + 1, course.epochs)
    return f"epoch {epoch} of {course.epochs}, step {course.step} of {course.steps}{loss}"


def _behind(course: Course) -> str:
    return f"; {course.whole_epochs} of {course.epochs} epochs are whole" if course.step else ""


def line(course: Course) -> str:
    """Return where a run stands as log lines show it."""
    done = f"running step {course.step}/{course.steps} {course.step / max(course.steps, 1):.0%}"
    pace, to_go = course.pace.now(), course.pace.to_go(course.steps - course.step)
    eta = ""
    if pace is not None and to_go is not None:
        eta = f" eta {to_go:.0f}s {durations.pace(pace)}s/step"
    loss = f" loss {course.loss:.3g}" if course.loss is not None else ""
    return f"{done}{eta}{loss}"


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
