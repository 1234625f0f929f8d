"""One run of the trainer, from its start to its end, watched all the while.

It raises what ends it early, and in every case nobody of the trainer's is left when it returns. It
decides nothing by itself: `guards` says what must not go on, `failures` what an end means.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.control import Control, SetAside
from plasma_watch.gate import probe
from plasma_watch.system import platform, processes
from plasma_watch.train import failures, guards
from plasma_watch.train.guards import Sample
from plasma_watch.train.history import History
from plasma_watch.train.progress import Course, Device, Fact, NoData, Step, read, thinned
from plasma_watch.train.telling import Teller
from plasma_watch.train.trainer import Heard, Process

TICK_SECONDS = 0.25
"""How often a quiet trainer is looked after."""
SAMPLE_SECONDS = 5.0
"""How often the machine's readings are taken."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run is held to."""

    required_device: str
    quiet_seconds: float
    epoch_bytes: int
    """What the next epoch will put on the disk."""
    request: Path
    """The request's file: when it is taken away, the trainer would make its folder anew."""
    output: Path
    yields: Callable[[], bool]
    """Whether it is to step aside at the end of an epoch."""
    on_epoch: Callable[[], None]
    """Called when an epoch is whole."""


class Run:
    """A running attempt. Its state: where it stands, what the machine showed, its last words."""

    def __init__(  # noqa: PLR0917 - a run's surroundings, none of which belong together
        self,
        process: Process,
        course: Course,
        rules: Rules,
        control: Control,
        history: History,
        teller: Teller,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.course = course
        self._process = process
        self._rules = rules
        self._control = control
        self._history = history
        self._teller = teller
        self._clock = clock
        self._last: list[str] = []
        self._found_no_data = False
        self._samples: tuple[Sample, ...] = ()
        self._first: Sample | None = None
        self._sampled_at = float("-inf")
        self._trouble, self._since = "", 0.0
        self._kills_before = platform.memory_kills()

    def follow(self) -> None:
        """Watch the run until it ends well.

        Raises PlasmaError when it ends badly or must not go on, FileNotFoundError when its request
        was taken away, Stopping, CancelAsked or SetAside.
        """
        try:
            while self._process.exit_code() is None:
                self._take(self._process.hear(TICK_SECONDS))
                self._control.check()
                self._watch(self._clock())
        finally:
            last_words = self._process.end()
        self._take(last_words)
        self._judge_end()

    def _take(self, heard: list[Heard]) -> None:
        now = self._clock()
        for _, segments in heard:
            self.course.heard(now)
            for segment in thinned(segments):
                self._keep(segment)
                for fact in read(segment):
                    self._fact(fact, now)

    def _keep(self, segment: str) -> None:
        self._last.append(segment)
        del self._last[: -failures.TAIL_LINES]

    def _fact(self, fact: Fact, now: float) -> None:
        self._found_no_data |= isinstance(fact, NoData)
        epochs, timed = self.course.whole_epochs, self.course.pace.count
        self.course.take(fact, now)
        self._write(fact, self.course.pace.late[-1:] if self.course.pace.count > timed else ())
        guards.check_fact(fact)
        guards.check_device(self.course, self._rules.required_device)
        guards.check_loss(self.course)
        if self.course.whole_epochs > epochs:
            self._epoch_is_whole()
        self._teller.tell(self.course, self._trouble)

    def _write(self, fact: Fact, took: tuple[float, ...]) -> None:
        """Put a fact into the history; a step is told twice, the second time with its own loss."""
        self._history.took(*took)
        match fact:
            case Device():
                self._history.device(fact.name)
            case Step() if fact.number:
                self._history.step(self.course.step, self.course.loss)
            case _:
                pass

    def _epoch_is_whole(self) -> None:
        """Between two epochs nothing is lost by stopping."""
        self._rules.on_epoch()
        free = min(probe.free_disk([self._rules.output]).values(), default=self._rules.epoch_bytes)
        guards.check_disk(self.course, free, self._rules.epoch_bytes)
        if self._rules.yields():
            raise SetAside

    def _watch(self, now: float) -> None:
        self._rules.request.lstat()
        guards.check_quiet(self.course, self._rules.quiet_seconds, now)
        if now - self._sampled_at < SAMPLE_SECONDS:
            return
        self._sampled_at = now
        last = self._sample(now)
        self._first = self._first or last
        guards.check_trouble(self._trouble, now - self._since, self._first, last)

    def _sample(self, now: float) -> Sample:
        reading = probe.memory()
        footprint = processes.footprint(self._process.pid)
        sample = Sample(now, reading.available, reading.pressure, probe.swap_used(), footprint)
        self._history.sample(sample)
        self._samples = guards.kept(self._samples, sample)
        seen = guards.trouble(self._samples, self.course.pace)
        if bool(seen) != bool(self._trouble):
            self._since = now
            self._teller.say(f"warning: {seen} ({sample})" if seen else f"all is well ({sample})")
        self._trouble = seen
        self._teller.tell(self.course, seen)
        return sample

    def _judge_end(self) -> None:
        code = self._process.exit_code() or 0
        ended = failures.Ended(
            exit_code=code,
            last=self._last,
            was_saved=self.course.was_saved,
            found_no_data=self._found_no_data,
            killed_for_memory=self._was_killed_for_memory() if failures.is_kill(code) else None,
            trouble=self._trouble,
        )
        if error := failures.problem(ended):
            raise error

    def _was_killed_for_memory(self) -> bool | None:
        return platform.was_killed_for_memory(self._process.pid, self._kills_before)
