"""Carries jobs, one at a time: what a crash left in `running/` first, then the line.

It knows the shape of a job's life and not the kinds: gate -> claim -> run -> file away.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from plasma_watch.control import CancelAsked, Control, Running, SetAside, Stopping
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.gate.memory import Never, Start, Verdict, Wait
from plasma_watch.job import TAKEN_OUT, Ending, Job, State, ended_by, ended_by_bug, poisoned
from plasma_watch.line import Line, Ongoing, Waiting
from plasma_watch.request import Request
from plasma_watch.status import Board, of_running, utc_now
from plasma_watch.system.locks import Lock
from plasma_watch.tripwire import Tripwire
from plasma_watch.words import counted

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often what holds the line up is looked at again."""


class Kind(Protocol):
    """What the worker needs of a kind of job."""

    def gate(self, *, is_waiting: bool, recipe: str = "") -> Verdict:
        """Ask the machine whether a job may start now; its need is known by the recipe."""

    def is_heavy(self) -> bool:
        """Tell whether a job takes the machine, so that only one a user may run."""

    def rest(self) -> None:
        """Hear that there is nothing to do for now."""

    def run(self, ongoing: Ongoing, request: Any) -> Ending:  # noqa: ANN401 - the kind's own
        """Do the job from wherever its journal stands."""

    def abandon(self, job: Job) -> None:
        """Remove what a job that did not end well left lying about."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the first job of a kind does not start, and since when that is so."""

    wait: Wait
    since: datetime
    """The time of day, for people."""
    job: str = ""
    began: float = field(default_factory=time.monotonic)
    """What the wait is measured from; a clock that is set changes nothing."""

    def is_of(self, job: str, code: Code) -> bool:
        """Tell whether it is the same job that waits, for the same thing."""
        return (self.job, self.wait.code) == (job, code)


class Worker:
    """The thread that works. Its state: what holds each kind up, and whether there is work."""

    def __init__(
        self,
        *,
        line: Line,
        left: Callable[[], Sequence[Ongoing]],
        board: Board,
        control: Control,
        tripwire: Tripwire,
        kinds: Mapping[str, Kind],
        heavy: Lock,
        asked: Callable[[Ongoing], Request],
        announce: Callable[[Job], None],
        is_paused: Callable[[], bool],
        changed: Callable[[], None],
        wait_minutes: float,
        awake: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._line = line
        self._left = left
        """Returns the jobs that an earlier daemon left begun."""
        self._board = board
        self._control = control
        self._tripwire = tripwire
        self._kinds = kinds
        self._heavy = heavy
        self._asked = asked
        self._announce = announce
        self._is_paused = is_paused
        self._changed = changed
        self._wait_minutes = wait_minutes
        self._awake = awake
        """Keeps the machine awake for the length of a block."""
        self.wake = threading.Event()
        self.holds: dict[str, Hold] = {}
        self.is_idle = False
        """Whether the last look found neither work nor a line."""
        self._was_held = False
        self._begun: list[Ongoing] = []
        """The jobs that are begun and wait for their turn: what was left, or sent ahead."""
        self._aside: list[Ongoing] = []
        """The jobs that let others pass."""
        self._closed: set[str] = set()
        """Those of them that let only what is begun pass."""
        self._new: set[str] = set()
        """The jobs that were begun behind the running one, and were not carried yet."""
        self._passed_in_vain: set[str] = set()
        """The urgent jobs that could not start though one stepped aside for them."""
        self.is_up = False
        """Whether it has come as far as to carry a job, or to rest."""

    def run(self) -> None:
        """Work until the daemon stops."""
        try:
            self._begun.extend(self._left())
            while True:
                self.wake.clear()  # before the check: a stop in between wakes us again
                self._control.check()
                if not self._stepped():
                    self._rest()
        except Stopping:
            log.info("the worker stops")

    def lets_pass(self, kind: str) -> bool:
        """Tell whether an urgent job waits for which one of this kind may step aside."""
        return any(
            waiting.urgent and waiting.kind != kind and waiting.id not in self._passed_in_vain
            for waiting in self._first_of_each_kind()
        )

    def _go_on(self, ongoing: Ongoing) -> None:
        """Carry a job that was begun before."""
        self._control.begin(Running(ongoing.job.id, ongoing.job.name, ongoing.changed_ns))
        self._carry(ongoing)

    def _rest(self) -> None:
        """Wait for work; while something is held, look again soon."""
        self.is_up = True
        for kind in self._kinds.values():
            kind.rest()
        is_idle, held = not len(self._line), bool(self.holds)
        if is_idle:
            self.holds.clear()
        if (is_idle, held) != (self.is_idle, self._was_held):
            self.is_idle, self._was_held = is_idle, held
            self._changed()
        self.wake.wait(None if is_idle else LOOK_SECONDS)

    def _stepped(self) -> bool:
        try:
            return self._step()
        except OSError as exc:
            log.warning("the disk refused to move a job: %s (%s)", exc.strerror, exc.filename)
            return False

    def _step(self) -> bool:
        """Start and carry the next job that may start; tell whether there was one."""
        if self._begun:
            self.is_idle = False
            self._go_on(self._begun.pop(0))
            return True
        if self._aside:
            self.is_idle = False
            return self._step_aside()
        for waiting in self._first_of_each_kind():
            if ongoing := self._started(waiting):
                self.is_idle = False
                self._carry(ongoing)
                return True
        return False

    def _first_of_each_kind(self) -> list[Waiting]:
        """Return what may be next; nothing while the line is paused.

        The line first: what comes into it after a pause finds the pause told already.
        """
        first = self._line.first_of_each_kind()
        return [] if self._is_paused() else first

    def _step_aside(self) -> bool:
        """Carry an urgent job for which another stepped aside, or go on with that one."""
        kind = self._aside[-1].job.kind
        while self._aside[-1].job.id not in self._closed and self.lets_pass(kind):
            waiting = next(
                w for w in self._line.first_of_each_kind() if w.urgent and w.kind != kind
            )
            if ongoing := self._started(waiting):
                self._carry(ongoing)
                return True
            self._passed_in_vain.add(waiting.id)
        self._go_on(self._aside.pop())
        return True

    # The one behind the running one.

    def first(self) -> Waiting | None:
        """Return the head of the line, if no other job is begun and it may be the next."""
        head = next(iter(self._line.first(1)), None)  # before a pause is asked for, as above
        if not self._control.is_alone() or self._control.stopping.is_set() or self._is_paused():
            return None
        return head

    def begin_next(self, waiting: Waiting, planned: Job) -> Ongoing | None:
        """Claim the head of the line, if it is that; it is carried after the running job.

        Its journal holds the plan from the start, and who begins it tells of it. Whether there is
        room for it was asked by its kind, which holds the machine already.
        """
        if self.first() != waiting:
            return None
        ongoing = self._claimed(waiting, planned, self._control.comes_next)
        if ongoing:
            self._begun.append(ongoing)
            self._new.add(waiting.id)
        return ongoing

    def others_are_out(self) -> bool:
        """Tell whether the engine may hold a prompt of a begun job that is not the running one."""
        return any(ongoing.job.is_out for ongoing in (*self._begun, *self._aside))

    # May it start?

    def _started(self, waiting: Waiting) -> Ongoing | None:
        """Ask the machine, then claim; what may not start is held, or ended if it never will."""
        match self._verdict(waiting):
            case Start():
                ongoing = self._claimed(waiting, None, self._control.begin)
                if ongoing:
                    self._board.show(of_running(ongoing.job, "begun"))
                return ongoing
            case Wait() as wait:
                self._hold(waiting, wait)
            case Never() as never:
                error = PlasmaError(never.code, f"{waiting.name} {never.why}", never.hint)
                self._line.refuse(waiting, ended_by(error), self._announce)
        return None

    def _verdict(self, waiting: Waiting) -> Verdict:
        verdict = self._kinds[waiting.kind].gate(
            is_waiting=waiting.kind in self.holds, recipe=waiting.recipe
        )
        if isinstance(verdict, Start) and verdict.is_heavy and not self._heavy.acquire():
            why = f"a job of another home is at work (pid {self._heavy.holder()})"
            return Wait(Code.ENGINE_BUSY, why)
        return verdict

    def _hold(self, waiting: Waiting, wait: Wait) -> None:
        before = self.holds.get(waiting.kind)
        if before and before.is_of(waiting.id, wait.code):
            hold = replace(before, wait=wait)
        else:
            hold = Hold(wait, utc_now(), waiting.id)
            log.info("%s waits: %s (%s)", waiting.id, wait.why, wait.code)
            self._board.say(waiting.name, waiting.id, f"waiting: {wait.why} ({wait.code})")
        self.holds[waiting.kind] = hold
        minutes = (time.monotonic() - hold.began) / 60
        if wait.code == Code.MEMORY_SHORT and 0 < self._wait_minutes <= minutes:
            error = PlasmaError(
                Code.MEMORY_WAITED,
                f"{waiting.name} waited {counted(round(minutes), 'minute')}: it {wait.why}",
                "Close other programs, or set memory.wait_minutes higher.",
            )
            del self.holds[waiting.kind]
            self._line.refuse(waiting, ended_by(error), self._announce)

    def _claimed(
        self, waiting: Waiting, planned: Job | None, begin: Callable[[Running], None]
    ) -> Ongoing | None:
        """Claim a job that may start; when that fails, nothing is held in vain."""
        with self._line.lock:
            ongoing = None
            try:
                if self._line.at(waiting.spot) == waiting:
                    ongoing = self._line.claim(waiting, planned)
            except OSError as exc:
                why = f"cannot be moved out of the inbox: {exc.strerror}"
                self._hold(waiting, Wait(Code.DISK_ERROR, why))
            else:
                self.holds.pop(waiting.kind, None)
            if ongoing:
                begin(Running(waiting.id, waiting.name, waiting.changed_ns))
        if ongoing is None:
            if self._control.running is None:
                self._heavy.release()
            self._changed()
        return ongoing

    # Carrying it.

    def _carry(self, ongoing: Ongoing) -> None:
        """Run a job and file it away; when the daemon stops, leave it where it is."""
        self.is_up = True
        try:
            with self._awake():
                ending = ongoing.job.ending or self._ended(ongoing)
            if ending:
                self._file_away(ongoing, ending)
        except SetAside as exc:
            self._set_aside(ongoing, exc)
        finally:
            self._control.end()
            if not self._begun:
                self._heavy.release()
            self._changed()

    def _ended(self, ongoing: Ongoing) -> Ending | None:
        """Run a job to its ending; None when it went back into the line.

        The one place that catches everything a kind does: a bug of ours fails its job, not the
        daemon.
        """
        job = ongoing.job
        kind = self._kinds.get(job.kind)
        if kind is None:  # a crash cut its refusal short: the inbox looks at it again
            return self._put_back(ongoing)
        is_new = job.id in self._new or not job.was_begun
        self._new.discard(job.id)
        log.info("%s %s", job.id, "begins" if is_new else "goes on")
        self._board.say(job.name, job.id, "running")
        try:
            return self._run(kind, ongoing)
        except (Stopping, SetAside):
            raise
        except CancelAsked:
            return _cancelled(ongoing.job)
        except PlasmaError as exc:
            if exc.fate is not Fate.WAIT:
                return ended_by(exc)
            return self._stepped_back(ongoing, exc)
        except Exception as exc:  # the docstring says why
            log.exception("%s: a bug of ours", job.id)
            return ended_by_bug(job.name, exc)

    def _run(self, kind: Kind, ongoing: Ongoing) -> Ending:
        if found := self._tripwire.poisoned(ongoing.job.id):
            return poisoned(ongoing.job.name, found.step, found.deaths)
        while kind.is_heavy() and not self._heavy.acquire():
            why = f"a job of another home is at work (pid {self._heavy.holder()})"
            status = of_running(ongoing.job, why, waiting_for=Code.ENGINE_BUSY)
            self._board.show(status)
            self._control.wait(LOOK_SECONDS)
        try:
            request = self._asked(ongoing)
        except FileNotFoundError:
            return TAKEN_OUT
        return kind.run(ongoing, request)

    def _set_aside(self, ongoing: Ongoing, exc: SetAside) -> None:
        """Keep a job in `running/` that lets others pass."""
        why = str(exc)
        self._aside.append(ongoing)
        self._closed.discard(ongoing.job.id)
        if not exc.lets_urgent_pass:
            self._closed.add(ongoing.job.id)
        self._control.set_aside()
        self._board.say(ongoing.job.name, ongoing.job.id, why)
        self._board.show(of_running(ongoing.job, why))

    def _stepped_back(self, ongoing: Ongoing, exc: PlasmaError) -> Ending | None:
        """Put a job that has asked for nothing yet back into its place, and hold its kind.

        Its status says that it waits: the place in the line is remembered there.
        """
        job = ongoing.job
        if self._control.is_cancelled():
            return _cancelled(job)
        log.info("%s goes back into the line: %s (%s)", job.id, exc.message, exc.code)
        self._board.say(job.name, job.id, f"waiting: {exc.message} ({exc.code})")
        told = of_running(job, exc.message, waiting_for=exc.code)
        self._board.show(replace(told, state=State.WAITING, position=None))
        self.holds[job.kind] = Hold(Wait(exc.code, exc.message), utc_now(), job.id)
        ending = self._put_back(ongoing)
        self._control.stopping.wait(LOOK_SECONDS)
        return ending

    def _put_back(self, ongoing: Ongoing) -> Ending | None:
        """Put a job back into the inbox; one whose request is gone has ended instead."""
        if not os.path.lexists(ongoing.request):
            return TAKEN_OUT
        self._insist(lambda: self._line.put_back(ongoing, self._announce), ongoing)
        return None

    def _file_away(self, ongoing: Ongoing, ending: Ending) -> None:
        """Move a job to where it ends."""
        if ending.state is not State.DONE:
            self._abandon(ongoing.job)
        self._insist(lambda: self._finish(ongoing, ending), ongoing)

    def _abandon(self, job: Job) -> None:
        """Let the kind tidy up; what it cannot remove stays, the job ends all the same."""
        try:
            if kind := self._kinds.get(job.kind):
                kind.abandon(job)
        except OSError as exc:
            log.warning("%s left something lying about: %s (%s)", job.id, exc, exc.strerror)
        except Exception:  # a bug here would meet every start anew
            log.exception("%s left something lying about: a bug of ours", job.id)

    def _finish(self, ongoing: Ongoing, ending: Ending) -> None:
        try:
            self._line.finish(ongoing, ending, self._announce)
        except FileNotFoundError:
            if ongoing.folder.exists():
                raise
            log.warning("%s: its folder was taken out of running/", ongoing.job.id)
            self._announce(replace(ongoing.job, ending=ending))

    def _insist(self, move: Callable[[], None], ongoing: Ongoing) -> None:
        """Make a move; a disk that refuses is asked again until it lets us, or the daemon stops."""
        while True:
            try:
                return move()
            except OSError as exc:
                log.warning("%s cannot be moved: %s", ongoing.job.id, exc.strerror)
                self._control.stopping.wait(LOOK_SECONDS)
                if self._control.stopping.is_set():
                    raise Stopping from exc


def _cancelled(job: Job) -> Ending:
    made = sum(len(picture.made) for picture in job.pictures)
    kept = f"; {made} of {len(job.pictures)} pictures were made and stay" if made else ""
    return Ending(State.CANCELLED, f"cancelled while it ran{kept}")
