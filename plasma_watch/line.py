"""The folders as a queue: what waits, in which order, and every move that a job makes.

    inbox/x.toml -> running/<id>/x.toml -> done|failed|cancelled/<id>/x.toml

The state of a job is where its request lies, and each move is one rename, so a crash leaves the
request in exactly one place. Before a request comes in, its journal lies there; before a folder
moves on, its ending is in the journal. So what a crash interrupts is read off `running/` alone.
"""

from __future__ import annotations

import bisect
import contextlib
import logging
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from plasma_watch.home import Home
from plasma_watch.job import (
    JOURNAL,
    LEGAL,
    TAKEN_OUT,
    WHY,
    Ending,
    Job,
    State,
    is_job_id,
    same_name,
    why_text,
)
from plasma_watch.system import files, platform

log = logging.getLogger(__name__)

Announce = Callable[[Job], None]
"""Tells people of a job that ended."""
_OURS = frozenset({JOURNAL, WHY})


class Spot(NamedTuple):
    """Where a file lies; a path weighs ten times as much, and a hundred thousand may wait."""

    folder: Path
    file: str

    @classmethod
    def of(cls, path: Path) -> Spot:
        """Return where the file of a path lies."""
        return cls(path.parent, path.name)

    @property
    def path(self) -> Path:
        """Its path.

        Joined as text: the parts of a path are kept for as long as they live, each for itself.
        """
        return Path(f"{self.folder}/{self.file}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request in the inbox that was seen whole and found good; what follows is not held."""

    spot: Spot
    id: str
    kind: str
    urgent: bool
    seen: datetime
    """When it was first seen whole: its place in the line."""
    changed_ns: int
    """Its change time, which orders what was found together."""
    fingerprint: int
    """The hash of its file's fingerprint, which tells one state of the file from another."""
    digest: bytes = b""
    """The sha256 of its content; empty while that was not read."""
    recipe: str = ""
    """What its need of memory is remembered under: the workflow, or the size of a training."""
    called: str = ""
    """Its name, where its file was given another case or form of it since."""

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return self.spot.path

    @property
    def name(self) -> str:
        """What it is called: its file's name without the ending, in NFC."""
        return self.called or unicodedata.normalize("NFC", self.spot.file.rpartition(".")[0])

    @property
    def sha256(self) -> str:
        """Its digest as people and pipelines are told it."""
        return self.digest.hex()

    def job(self) -> Job:
        """Return the job that it becomes when it is claimed."""
        return Job(
            id=self.id,
            name=self.name,
            file=self.spot.file,
            kind=self.kind,
            dropped=self.seen,
            sha256=self.sha256,
            urgent=self.urgent,
        )


@dataclass(frozen=True, slots=True)
class Returned:
    """A request that was put back into the inbox, which counts as a change to it and is none."""

    inode: int
    changed_ns: int
    """When it was last changed before."""


class Ongoing:
    """A job in `running/`. Its state is the journal, on disk as in memory but for what is held."""

    def __init__(self, folder: Path, job: Job, changed_ns: int = 0) -> None:
        self.folder = folder
        self.job = job
        self.changed_ns = changed_ns
        """When its file was last changed before it was claimed; 0 if that was before this start."""

    @property
    def request(self) -> Path:
        """The request's file, byte for byte as dropped."""
        return self.folder / self.job.file

    @property
    def is_taken_out(self) -> bool:
        """Whether somebody took its folder away; a volume that is gone takes `running/` along."""
        return self.folder.parent.is_dir() and not self.folder.exists()

    def hold(self, job: Job) -> None:
        """Hold what the next write brings to the disk; after a crash it is found out anew."""
        self.job = job

    def keep(self, job: Job, *, durable: bool = False) -> None:
        """Write the journal, then hold it."""
        content = job.to_toml().encode()
        files.write_whole(self.folder / JOURNAL, content, durable=durable)
        self.job = job


class Line:
    """The folders of one home as a queue.

    Its state is what waits, as it was last checked, in order; the lock is for the two threads that
    move jobs: the one that looks after the inbox and the one that works.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._waiting: dict[Spot, Waiting] = {}
        self._order: list[Waiting] = []
        self._ids: dict[str, None] = {}
        """The jobs that wait; of so many, half as large as a set."""
        self._kinds: Counter[str] = Counter()
        """How many of each kind wait; a kind of which none waits is not in it."""
        self._ending: list[Ongoing] = []
        """What was refused, and the disk would not move on yet."""
        self._returned: dict[Spot, Returned] = {}
        """What was put back, and the inbox has not looked at since."""
        self.changes = 0
        """How often the line has changed."""
        self.lock = threading.RLock()

    # What waits.

    def admit(self, waiting: Waiting) -> None:
        """Put a checked request in its place in the line, or replace what stood there."""
        with self.lock:
            self.forget(waiting.spot)
            self._waiting[waiting.spot] = waiting
            bisect.insort(self._order, waiting, key=_place)
            self._ids[waiting.id] = None
            self._kinds[waiting.kind] += 1
            self.changes += 1

    def forget(self, spot: Spot) -> Waiting | None:
        """Take a request out of the line; its file is left alone."""
        with self.lock:
            gone = self._waiting.pop(spot, None)
            if gone:
                del self._order[self._position(gone)]
                self._ids.pop(gone.id, None)
                self._kinds -= Counter([gone.kind])
                self.changes += 1
            return gone

    def _position(self, waiting: Waiting) -> int:
        """Return where in the line it stands; two may have one place."""
        position = bisect.bisect_left(self._order, _place(waiting), key=_place)
        while self._order[position] is not waiting:
            position += 1
        return position

    def at(self, spot: Spot) -> Waiting | None:
        """Return what waits at a spot."""
        return self._waiting.get(spot)

    def spots(self) -> list[Spot]:
        """Return where everything lies that waits."""
        with self.lock:
            return list(self._waiting)

    def waiting(self) -> list[Waiting]:
        """Return what waits, in order."""
        with self.lock:
            return list(self._order)

    def first(self, most: int) -> list[Waiting]:
        """Return the first few of what waits, in order."""
        with self.lock:
            return self._order[:most]

    def first_of_each_kind(self) -> list[Waiting]:
        """Return the first of each kind, in order: one that cannot start lets the other pass."""
        with self.lock:
            first: dict[str, Waiting] = {}
            for waiting in self._order:
                first.setdefault(waiting.kind, waiting)
                if len(first) == len(self._kinds):  # the rest of a long line holds no other
                    break
            return list(first.values())

    def is_waiting(self, job: str) -> bool:
        """Tell whether a job is in the line."""
        return job in self._ids

    def named(self, name: str) -> list[Waiting]:
        """Return everything that waits under a name."""
        return [item for item in self.waiting() if same_name(item.name) == same_name(name)]

    def __len__(self) -> int:
        return len(self._waiting)

    def is_taken(self, job: str) -> bool:
        """Tell whether a job has this id, or had it."""
        return job in self._ids or any((f / job).exists() for f in self._home.spool()[1:])

    # The moves.

    def claim(self, waiting: Waiting, planned: Job | None = None) -> Ongoing | None:
        """Move a request from the inbox into `running/`, journal first.

        A job that is `planned` already, or has ended, is on the disk itself before the move.
        Returns None when it is not what was checked: one that holds other bytes is put back and
        leaves the line, to be looked at anew; one that is gone is for the inbox to find out.
        Raises OSError when the disk refuses; then it waits on.
        """
        with self.lock:
            ongoing = self._made(waiting)
            try:
                ongoing.keep(planned or ongoing.job, durable=planned is not None)
                _move(State.WAITING, State.RUNNING, waiting.path, ongoing.request)
            except FileNotFoundError:
                _clear(ongoing.folder)
                return None
            except OSError:
                _clear(ongoing.folder)
                raise
            self.forget(waiting.spot)
            if planned:  # before the engine is asked, so that the plan finds its request again
                files.sync_folder(ongoing.folder)
            return ongoing if self._is_what_was_checked(ongoing, waiting.job()) else None

    def _made(self, waiting: Waiting) -> Ongoing:
        """Make the empty folder of a job."""
        job = waiting.job()
        files.make_private(self._home.running)
        folder = self._home.running / job.id
        files.make_private(folder)
        return Ongoing(folder, job, waiting.changed_ns)

    def _is_what_was_checked(self, ongoing: Ongoing, unplanned: Job) -> bool:
        """Compare the bytes that were claimed with those that were checked, or put them back.

        Where that cannot be done, it is begun without a plan: read and checked before it runs.
        """
        if not ongoing.job.sha256 or files.digest(ongoing.request) == ongoing.job.sha256:
            return True
        try:
            self.put_back(ongoing)
        except OSError as exc:
            log.warning("%s cannot be put back: %s", ongoing.job.id, exc.strerror)
            ongoing.hold(unplanned)
            return True
        return False

    def put_back(self, ongoing: Ongoing, announce: Announce | None = None) -> None:
        """Move a request back into the inbox; a newer one of its name there takes its place."""
        with self.lock:
            inbox = self._home.urgent if ongoing.job.urgent else self._home.inbox
            inbox.mkdir(exist_ok=True)
            target, inode = inbox / ongoing.job.file, ongoing.request.lstat().st_ino
            try:
                _move(State.RUNNING, State.WAITING, ongoing.request, target)
            except FileExistsError:
                why = "a newer file of the same name took its place before it began"
                self.finish(ongoing, Ending(State.CANCELLED, why), announce)
            else:
                self._returned[Spot.of(target)] = Returned(inode, ongoing.changed_ns)
                _clear(ongoing.folder)

    def take_returned(self) -> dict[Spot, Returned]:
        """Return what was put back since the last call: the inbox is about to look."""
        with self.lock:
            returned, self._returned = self._returned, {}
        return returned

    def finish(self, ongoing: Ongoing, ending: Ending, announce: Announce | None = None) -> None:
        """Write the ending into the journal, move the folder to where it ends, and tell it.

        In this order whoever hears of the end finds the folder; a crash before the telling is made
        good at the next start (`catching_up`).
        """
        if ongoing.job.ending is None:
            ongoing.keep(replace(ongoing.job, ending=ending), durable=True)
        job, ending = ongoing.job, ongoing.job.ending or ending
        if ending.state is State.FAILED:
            why = why_text(job, ending, self._home.root)
            files.write_whole(ongoing.folder / WHY, why.encode())
        target = _free(self._home.root / ending.state.value / job.id)
        target.parent.mkdir(exist_ok=True)
        with self.lock:
            _move(State.RUNNING, ending.state, ongoing.folder, target)
        files.sync_folder(target.parent)
        if announce:
            announce(job)

    def refuse(self, waiting: Waiting, ending: Ending, announce: Announce) -> bool:
        """End a job that waits: through `running/`, with its ending in the journal from the start.

        Returns whether it was still there. Raises OSError when the disk refuses; then it waits on.
        Once it has left the inbox it has ended, though the disk may not let it move on yet.
        """
        with self.lock:
            ongoing = self.claim(waiting, replace(waiting.job(), ending=ending))
            if ongoing is None:
                return False
            if not self._has_ended(ongoing, ending, announce):
                log.warning("%s cannot be moved to %s/ yet", ongoing.job.id, ending.state.value)
                self._ending.append(ongoing)
            return True

    def end_refused(self, announce: Announce) -> None:
        """Move on what was refused and still lies in `running/`, if the disk lets us by now."""
        with self.lock:
            self._ending = [
                ongoing
                for ongoing in self._ending
                if not self._has_ended(ongoing, ongoing.job.ending or TAKEN_OUT, announce)
            ]

    def _has_ended(self, ongoing: Ongoing, ending: Ending, announce: Announce) -> bool:
        try:
            self.finish(ongoing, ending, announce)
        except OSError:
            return ongoing.is_taken_out
        return True

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way that the line does not show."""
        return not self._ending and not self._returned

    # After a crash.

    def ended(self, job: str) -> Job | None:
        """Return a job that lies in one of the end folders."""
        folders = (self._home.done, self._home.failed, self._home.cancelled)
        found = (_read_journal(folder / job / JOURNAL) for folder in folders)
        return next((each for each in found if each and each.ending), None)

    def unfinished(self) -> list[Ongoing]:
        """Return the jobs that lie in `running/`, oldest first, and clear away begun claims."""
        found = (self._recovered(folder) for folder in sorted(self._home.running.iterdir()))
        return [ongoing for ongoing in found if ongoing]

    def _recovered(self, folder: Path) -> Ongoing | None:
        if not is_job_id(folder.name) or not folder.is_dir():
            return None
        job = _read_journal(folder / JOURNAL)
        request = _request_in(folder, job)
        if request and job:
            return Ongoing(folder, job)
        if request:
            self._without_journal(folder, request)
        else:
            _clear(folder)
        return None

    def _without_journal(self, folder: Path, request: Path) -> None:
        """Put a request back whose journal the disk lost; the damaged journal is kept aside."""
        log.warning("%s has no readable journal: its request goes back into the inbox", folder.name)
        with contextlib.suppress(FileNotFoundError):
            (folder / JOURNAL).replace(self._home.private / f"{folder.name}.job.toml.damaged")
        with contextlib.suppress(FileExistsError):
            _move(State.RUNNING, State.WAITING, request, self._home.inbox / request.name)
            _clear(folder)


def _move(before: State, after: State, source: Path, target: Path) -> None:
    """Make one legal move; the law is in `LEGAL`. Never replaces what lies at the target."""
    if after not in LEGAL[before]:
        raise AssertionError(f"no job moves from {before} to {after}")
    platform.rename_exclusive(source, target)


def _place(waiting: Waiting) -> tuple[bool, datetime, int, list[Any]]:
    return (not waiting.urgent, waiting.seen, waiting.changed_ns, natural(waiting.name))


def natural(name: str) -> list[Any]:
    """Return a key that sorts names as people do: p2 before p10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [[int(p), p] if i % 2 else [p] for i, p in enumerate(parts)]


def _clear(folder: Path) -> None:
    """Remove a job folder that holds no request; whatever is not ours keeps it alive."""
    for entry in folder.iterdir():
        if entry.name in _OURS or entry.name.startswith("."):
            with contextlib.suppress(OSError):
                entry.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _free(target: Path) -> Path:
    """Return the first free name for a folder: what a person put there is never replaced."""
    return next(path for path in _suffixed(target) if not path.exists())


def _suffixed(target: Path) -> Iterator[Path]:
    yield target
    number = 2
    while True:
        yield target.with_name(f"{target.name}-{number}")
        number += 1


def _read_journal(path: Path) -> Job | None:
    try:
        return Job.from_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _request_in(folder: Path, job: Job | None) -> Path | None:
    """Return the request in a job folder, whatever it is: it may be a link that was refused."""
    names = {entry.name for entry in folder.iterdir()}
    if job:
        return folder / job.file if job.file in names else None
    others = (name for name in sorted(names - _OURS) if not name.startswith("."))
    return next((folder / name for name in others), None)
