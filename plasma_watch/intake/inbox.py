"""Looks after the inbox: what is new is checked and admitted or refused, what is asked is done.

One code path serves the start, the events and the rescan. Nothing is taken from an event but two
hints: that a file was moved in whole, and which paths to look at. A hundred thousand files may wait
there, so a look between two rescans reads no more than what was named, and what is still in doubt.
"""

from __future__ import annotations

import itertools
import logging
import os
import stat
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plasma_watch.config import Config
from plasma_watch.control import Control
from plasma_watch.errors import Fate, PlasmaError
from plasma_watch.gate import needs
from plasma_watch.home import Home
from plasma_watch.intake import accept, settle
from plasma_watch.intake.settle import Sighting, Sort
from plasma_watch.intake.survey import MOST_TAKEN, REQUESTS, Before, Entry, View, glance, survey
from plasma_watch.job import (
    Ending,
    Job,
    State,
    ended_by,
    ended_by_bug,
    job_id,
    poisoned,
    same_name,
)
from plasma_watch.line import Line, Returned, Spot, Waiting
from plasma_watch.request import GenerateRequest, Request
from plasma_watch.status import Board, JobStatus, of_ended
from plasma_watch.system import files, finder, guarded
from plasma_watch.system.files import Fingerprint
from plasma_watch.system.finder import Mark
from plasma_watch.tripwire import Tripwire

log = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
"""How often a file that could not be read or moved is tried again."""
HINDERED_SECONDS = 2.0
"""How often a file is looked at that Finder or iCloud are not done with."""
GONE_SECONDS = 1.0
"""How often an inbox that cannot be read is looked for; no event tells that it is back."""
_NAMED = frozenset({Sort.MISTAKE, Sort.STUB})
_SPECIAL = _NAMED | {Sort.PAUSE, Sort.CANCEL}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """One look's view of time: both clocks, and which files were moved in whole since the last."""

    now: float
    """Monotonic seconds."""
    when: datetime
    moved_whole: frozenset[Fingerprint] = frozenset()
    touched: frozenset[Path] | None = None
    """The paths at which something changed since the last; None: it may be anywhere."""


@dataclass(frozen=True, slots=True)
class Arriving:
    """A file that is not in the line yet."""

    waiting: Waiting
    """What is told of it meanwhile: as it was first seen, under the job that it will be."""
    sighting: Sighting
    place: datetime | None = None
    """Its place in the line from before: from before it was rewritten, or before a restart."""
    expected_sha256: str = ""
    """The content that the place from before was for, where only the status remembers it."""
    not_before: float = 0.0
    """Monotonic time before which it is not tried again; 0: it was not tried yet."""


class Inbox:
    """The inbox of one home. Its state: what is arriving, and what the last look found."""

    def __init__(
        self,
        *,
        home: Home,
        config: Config,
        line: Line,
        board: Board,
        control: Control,
        tripwire: Tripwire,
        check: accept.Check,
        ended: Callable[[Job], None] = lambda _: None,
        fetch: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._home = home
        self._config = config
        self._line = line
        self._board = board
        self._control = control
        self._tripwire = tripwire
        self._check = check
        self._ended = ended
        """Hears of every job that ended."""
        self._fetch = fetch
        """Asks iCloud for a file."""
        self._arriving: dict[Spot, Arriving] = {}
        self._ids: set[str] = set()
        """The jobs of what is arriving."""
        self._returned: dict[Spot, Returned] = {}
        """What the worker put back since the last look."""
        self._moved_whole: frozenset[Fingerprint] = frozenset()
        """What was moved in whole, and is left for the next look."""
        self._last_place = datetime.min.replace(tzinfo=UTC)
        self._special: dict[Spot, Entry] = {}
        """What is no request: what is asked for, and what is left alone."""
        self._left: deque[Spot] = deque()
        """What the last look did not come to."""
        self.trouble = ""
        """Why the inbox cannot be read; empty while it can."""
        self.ignored: dict[str, str] = {}
        """What is left alone, with the reason."""
        self.is_paused = False
        self.failures = 0
        """How many jobs failed since the start."""

    def look(self, moment: Moment) -> float | None:
        """Look once; return in how many seconds a file may be whole, or None."""
        self._line.end_refused(self.announce)
        self._returned |= self._line.take_returned()
        view = self._viewed(moment.touched)
        if view is None:
            return GONE_SECONDS
        self._note(view)
        arrived_no_more = [self._drop(spot).waiting for spot in view.gone & self._arriving.keys()]
        gone = self._forget_gone(view)
        moved_on = {waiting.fingerprint: waiting for waiting in gone}
        moment = replace(moment, moved_whole=moment.moved_whole | self._moved_whole)
        if not self._take_all(view.entries, moment, moved_on):
            return None
        self._moved_whole = moment.moved_whole if self.is_behind else frozenset()
        self._tell_of(arrived_no_more + gone)
        self._obey_cancels()
        if self.is_behind:
            return 0.0
        self._returned.clear()
        return self._next_look(moment.now)

    def _take_all(self, entries: list[Entry], moment: Moment, moved_on: dict[int, Waiting]) -> bool:
        """Take what there is a step further, as far as one look goes; tell whether it was done."""
        left = MOST_TAKEN
        for number, entry in enumerate(entries):
            if self._control.stopping.is_set():  # there may be thousands
                return False
            if left == 0:
                self._left.extendleft(each.spot for each in reversed(entries[number:]))
                break
            with self._line.lock:
                left -= self._take(entry, moment, moved_on)
        return True

    @property
    def is_behind(self) -> bool:
        """Whether the last look left something for the next one."""
        return bool(self._left)

    def is_arriving(self, job: str) -> bool:
        """Tell whether a job's file is not in the line yet."""
        return job in self._ids

    @property
    def arriving(self) -> int:
        """How many files are not in the line yet."""
        return len(self._arriving)

    def _next_look(self, now: float) -> float | None:
        still = self._config.intake.settle_seconds
        due = [max(a.sighting.since + still, a.not_before) for a in self._arriving.values()]
        due += [] if self._line.is_settled else [now + RETRY_SECONDS]
        return max(0.0, min(due) - now) if due else None

    # What is there.

    def _viewed(self, touched: frozenset[Path] | None) -> View | None:
        """Return what is there, or None when the inbox cannot be read: then nothing is known."""
        try:
            view = self._looked(touched)
        except OSError as exc:
            meaning = guarded.meaning(exc.errno)
            trouble = f"the inbox cannot be read: {exc.strerror}{meaning and f': {meaning}'}"
            if not self.trouble:
                log.warning("%s", trouble)
            self.trouble = trouble
            return None
        self.trouble = ""
        return view

    def _looked(self, touched: frozenset[Path] | None) -> View:
        """Look at everything, or at what was touched and what is in doubt.

        A move to `urgent/` or back is told by two events, which may come one look apart.
        """
        if touched is None or self.trouble:
            spots = itertools.chain(self._special, self._arriving, self._line.spots())
            view = survey(self._home, Before(spots, self._is_in_line, self._arriving))
            self._left = deque(view.left)
            return view
        named = {Spot.of(path) for path in touched}
        named |= {spot for each in named if (spot := self._twin(each))}
        due = [self._left.popleft() for _ in range(min(len(self._left), MOST_TAKEN))]
        waits = {spot for spot in named if self._left and self._can_wait(spot)}
        self._left.extend(sorted(waits))
        in_doubt = (self._special, self._arriving, self._returned, due, named - waits)
        return glance(self._home, itertools.chain(*in_doubt))

    def _is_in_line(self, spot: Spot, fingerprint: Fingerprint) -> bool:
        """Tell whether a file waits, and is what it was."""
        waiting = self._line.at(spot)
        return waiting is not None and waiting.fingerprint == hash(fingerprint)

    def _twin(self, spot: Spot) -> Spot | None:
        """Return where a file lies that was moved to `urgent/`, or out of it."""
        homes = {self._home.inbox: self._home.urgent, self._home.urgent: self._home.inbox}
        return Spot(homes[spot.folder], spot.file) if spot.folder in homes else None

    def _can_wait(self, spot: Spot) -> bool:
        """Tell whether a spot is of a new request that comes after those that are left."""
        is_known = spot in self._arriving or spot in self._special or self._line.at(spot)
        sort = settle.sort(spot.file, stat.S_IFREG).sort
        return not is_known and spot.folder == self._home.inbox and sort is Sort.REQUEST

    def _note(self, view: View) -> None:
        """Take note of everything that is no request."""
        for spot in view.gone & self._special.keys():
            del self._special[spot]
        for entry in view.entries:
            if entry.sorted.sort in _SPECIAL:
                self._special[entry.spot] = entry
            else:
                self._special.pop(entry.spot, None)
        special = self._special.values()
        self.is_paused = any(entry.sorted.sort is Sort.PAUSE for entry in special)
        self.ignored = {e.shown: e.sorted.reason for e in special if e.sorted.sort in _NAMED}

    def _forget_gone(self, view: View) -> list[Waiting]:
        """Take out of the line what is no longer there; return it, in case it only moved."""
        with self._line.lock:
            missing = [spot for spot in view.gone if self._line.at(spot)]
            gone = [self._line.forget(spot) for spot in missing if not os.path.lexists(spot.path)]
        return [waiting for waiting in gone if waiting]

    def _tell_of(self, gone: list[Waiting]) -> None:
        """Tell what was taken away, unless it only moved and is known at its new place by now."""
        for waiting in gone:
            if waiting.id not in self._ids and not self._line.is_waiting(waiting.id):
                why = "its file was taken out of the inbox before it began"
                self._board.show(replace(of_waiting(waiting, why), state=State.CANCELLED))
                self._board.say(waiting.name, waiting.id, f"cancelled: {why}")

    # What is new.

    def _take(self, entry: Entry, moment: Moment, moved_on: dict[int, Waiting]) -> bool:
        """Take one entry a step further: arriving, then in the line or refused.

        Returns whether that took its time: whether the file was seen first, or read.
        """
        if entry.sorted.sort is Sort.STUB:
            self._fetch(entry.path.with_name(entry.sorted.name))
        if entry.sorted.sort not in REQUESTS:
            return False
        known = self._line.at(entry.spot)
        if known and known.fingerprint == hash(entry.fingerprint):
            return False
        before = moved_on.pop(hash(entry.fingerprint), None)
        if before and same_name(before.name) == same_name(entry.sorted.name):
            self._admit(replace(before, spot=entry.spot, urgent=entry.urgent, called=before.name))
        elif os.path.lexists(entry.path):  # else the other thread claimed it since the survey
            return self._arrive(entry, moment, known)
        return False

    def _arrive(self, entry: Entry, moment: Moment, known: Waiting | None) -> bool:
        before = self._arriving.get(entry.spot)
        if before is None:
            arriving = self._first_seen(entry, moment, known)
        else:
            sighting = settle.sighted(before.sighting, entry.fingerprint, moment.now)
            arriving = replace(before, sighting=sighting)
        self._keep(arriving)
        if moment.now < arriving.not_before:
            return before is None
        if hindrance := self._hindrance(arriving, entry, moment):
            self._keep(replace(arriving, not_before=moment.now + HINDERED_SECONDS))
            self._board.own(of_waiting(arriving.waiting, hindrance))
        elif entry.sorted.sort is Sort.IMPOSTOR:
            self._refuse(arriving, entry, moment, ended_by(files.not_a_file(entry.spot.file)))
        elif self._is_whole(arriving, moment):
            self._accept(arriving, entry, moment)
        elif before is None:
            self._tell_arriving(arriving)
        else:
            return False
        return True

    def _hindrance(self, arriving: Arriving, entry: Entry, moment: Moment) -> str:
        """Return what Finder or iCloud still do with a file, or an empty string."""
        mark = entry.mark
        if mark is Mark.IN_CLOUD:
            self._fetch(entry.path)
            return "only in iCloud so far; it was asked for, and is taken when it is here"
        if mark is Mark.LOCKED:
            return "locked in Finder: take the lock off (Get Info), and it is taken"
        still = moment.now - arriving.sighting.since
        if mark is Mark.COPYING and still < finder.COPY_SECONDS:
            return "Finder is still copying it; it is taken when that is done"
        return ""

    def _tell_arriving(self, arriving: Arriving) -> None:
        waiting = arriving.waiting
        why = "still arriving: it is taken when it has not changed for a moment"
        self._board.own(of_waiting(waiting, why))
        if arriving.place is None:
            self._board.say(waiting.name, waiting.id, "arriving")

    def _keep(self, arriving: Arriving) -> None:
        self._arriving[arriving.waiting.spot] = arriving
        self._ids.add(arriving.waiting.id)

    def _drop(self, spot: Spot) -> Arriving:
        arriving = self._arriving.pop(spot)
        self._ids.discard(arriving.waiting.id)
        return arriving

    def _is_whole(self, arriving: Arriving, moment: Moment) -> bool:
        still = self._config.intake.settle_seconds
        return settle.is_whole(arriving.sighting, moment.now, still, moment.moved_whole)

    def _first_seen(self, entry: Entry, moment: Moment, known: Waiting | None) -> Arriving:
        """Begin to know a file: as its old job, if it was in the line before."""
        name, sighting = entry.sorted.name, Sighting(entry.fingerprint, moment.now)
        told = self._board.waiting_before(name)
        returned = self._returned.get(entry.spot)
        if known:
            self._line.forget(entry.spot)
            arriving = Arriving(_seen(entry, known.id, known.seen), sighting, known.seen)
        elif told and not self._is_taken(told.job):
            waiting = _seen(entry, told.job, told.dropped)
            if returned and returned.inode == entry.fingerprint.inode:
                waiting = replace(waiting, changed_ns=returned.changed_ns)
            arriving = Arriving(waiting, sighting, told.dropped, told.sha256)
        else:
            job = job_id(name, moment.when, self._is_taken)
            arriving = Arriving(_seen(entry, job, moment.when), sighting)
        return arriving

    def _is_taken(self, job: str) -> bool:
        return job in self._ids or self._line.is_taken(job)

    def _accept(self, arriving: Arriving, entry: Entry, moment: Moment) -> None:
        """Read and check a whole file; admit it, refuse it, or try again later.

        Like the worker, it catches everything: a bug of ours fails its file, not the daemon.
        """
        subject, digest = entry.subject, ""
        if found := self._tripwire.poisoned(subject):
            ending = poisoned(entry.spot.file, found.step, found.deaths)
            self._refuse(arriving, entry, moment, ending)
            return
        try:
            dropped = self._opened(entry, subject)
            if dropped is None:
                return
            digest = dropped.sha256
            with self._tripwire.step(subject, "parse"):
                request = accept.parse(dropped, self._config, self._check)
        except PlasmaError as exc:
            self._could_not(arriving, entry, moment, exc, digest)
        except Exception as exc:  # the docstring says why
            log.exception("%s: a bug of ours", entry.spot.file)
            self._refuse(arriving, entry, moment, ended_by_bug(entry.spot.file, exc), digest)
        else:
            placed = self._placed(arriving, entry, moment, digest, request.kind)
            self._admit(replace(placed, recipe=self._recipe(request)))

    def _recipe(self, request: Request) -> str:
        """Return what the memory need of a request is remembered under."""
        if isinstance(request, GenerateRequest):
            return sys.intern(request.workflow or self._config.defaults.workflow)
        return needs.training_at(request.resolution)

    def _opened(self, entry: Entry, subject: str) -> accept.Dropped | None:
        """Read a file, or return None when it is gone or another one by now."""
        with self._tripwire.step(subject, "read"):
            try:
                dropped = accept.open_dropped(entry.path, self._config)
            except FileNotFoundError:
                return None
        return dropped if dropped.fingerprint == entry.fingerprint else None

    def _placed(
        self, arriving: Arriving, entry: Entry, moment: Moment, digest: str, kind: str
    ) -> Waiting:
        """Return a file's place in the line: the one it had before, else behind all others.

        One that was kept over a restart is lost if another content was dropped meanwhile.
        """
        waiting = replace(_as_read(arriving, entry, digest), kind=kind)
        if arriving.expected_sha256 not in ("", digest):
            job = job_id(waiting.name, moment.when, self._is_taken)
            return replace(waiting, id=job, seen=self._behind_all(moment.when))
        return replace(waiting, seen=arriving.place or self._behind_all(moment.when))

    def _behind_all(self, when: datetime) -> datetime:
        """Return a time behind every place given before, also when the clock was set back."""
        return max(when, self._last_place + _INSTANT)

    def _could_not(
        self, arriving: Arriving, entry: Entry, moment: Moment, exc: PlasmaError, digest: str
    ) -> None:
        if exc.fate is not Fate.WAIT:
            self._refuse(arriving, entry, moment, ended_by(exc), digest)
            return
        self._keep(replace(arriving, not_before=moment.now + RETRY_SECONDS))
        self._board.own(of_waiting(arriving.waiting, exc.message, waiting_for=exc.code))

    def _admit(self, waiting: Waiting) -> None:
        if waiting.spot in self._arriving:
            self._drop(waiting.spot)
        self._last_place = max(self._last_place, waiting.seen)
        self._line.admit(waiting)
        self._board.own(of_waiting(waiting, "in line"))
        self._board.say(waiting.name, waiting.id, "waiting")
        log.info("%s waits (%s)", waiting.id, waiting.kind)

    def _refuse(
        self, arriving: Arriving, entry: Entry, moment: Moment, ending: Ending, digest: str = ""
    ) -> None:
        """Move a bad file to `failed/`, with the reason beside it."""
        waiting = _as_read(arriving, entry, digest)
        self._board.own(of_waiting(waiting, "about to be refused"))
        try:
            if self._line.refuse(waiting, ending, self.announce):
                self._drop(entry.spot)
        except OSError as exc:
            log.warning("%s cannot be moved to failed/: %s", entry.spot.file, exc.strerror)
            self._keep(replace(arriving, not_before=moment.now + RETRY_SECONDS))

    def announce(self, job: Job) -> None:
        """Tell of a job that ended, in its status and its log."""
        if job.ending is None:
            return
        self.failures += job.ending.state is State.FAILED
        self._ended(job)
        self._board.show(of_ended(job, job.ending))
        code = f" ({job.ending.code})" if job.ending.code else ""
        self._board.say(job.name, job.id, f"{job.ending.state.value}: {job.ending.why}{code}")
        log.info("%s %s: %s%s", job.id, job.ending.state.value, job.ending.why, code)

    # What is asked.

    def _obey_cancels(self) -> None:
        for entry in list(self._special.values()):
            is_done = entry.sorted.sort is Sort.CANCEL and self._cancel(entry)
            if is_done and not self.is_behind:  # it may mean what was not looked at yet
                _remove_control(entry.path)

    def _cancel(self, entry: Entry) -> bool:
        """Cancel every job of a name that was there before the cancel; tell whether it is done."""
        name, asked_ns = same_name(entry.sorted.name), entry.changed_ns
        arriving = [a for a in self._arriving.values() if same_name(a.waiting.name) == name]
        waiting = self._line.named(name) + [a.waiting for a in arriving if a.not_before]
        ended = [self._end(each) for each in waiting if each.changed_ns <= asked_ns]
        begun = [each for each in self._control.begun() if same_name(each.name) == name]
        meant = [each for each in begun if each.changed_ns <= asked_ns]
        for each in meant:
            self._control.cancel(each.id)
        if meant:
            return False
        return all(ended) and all(a.waiting.spot not in self._arriving for a in arriving)

    def _end(self, waiting: Waiting) -> bool:
        """End a job that waits because somebody asked for it; tell whether that was done."""
        ending = Ending(State.CANCELLED, "cancelled before it began")
        try:
            with self._line.lock:
                is_known = waiting.spot in self._arriving or self._line.is_waiting(waiting.id)
                if not is_known:  # the worker has begun it since: the next look meets it there
                    return False
                self._line.refuse(waiting, ending, self.announce)
        except OSError as exc:
            log.warning("%s cannot be cancelled: %s", waiting.id, exc.strerror)
            return False
        if waiting.spot in self._arriving:
            self._drop(waiting.spot)
        return True


def _seen(entry: Entry, job: str, seen: datetime) -> Waiting:
    """Return what is known of a file that was not opened yet."""
    return Waiting(
        spot=entry.spot,
        id=job,
        kind="unknown",
        urgent=entry.urgent,
        seen=seen,
        changed_ns=entry.changed_ns,
        fingerprint=hash(entry.fingerprint),
    )


def _as_read(arriving: Arriving, entry: Entry, sha256: str) -> Waiting:
    """Return what is known of a file in the state that was read, or could not be."""
    digest = bytes.fromhex(sha256)
    return replace(arriving.waiting, fingerprint=hash(entry.fingerprint), digest=digest)


def of_waiting(
    waiting: Waiting, why: str, position: int | None = None, waiting_for: str = ""
) -> JobStatus:
    """Return what is told of a request in the line."""
    return JobStatus(
        name=waiting.name,
        job=waiting.id,
        kind=waiting.kind,
        dropped=waiting.seen,
        sha256=waiting.sha256,
        state=State.WAITING,
        why=why,
        waiting_for=waiting_for,
        position=position,
        outputs=(),
    )


def _remove_control(path: Path) -> None:
    """Remove a control file, or a folder that Finder made in its place."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
        for litter in path.glob(".*"):
            litter.unlink()
        path.rmdir()
    except OSError as exc:
        log.warning("%s cannot be removed: %s", path.name, exc.strerror)
