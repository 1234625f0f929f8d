"""Words for people and programs: `status/<name>.toml`, `<name>.log`, `daemon.toml`.

The files under a name belong to its newest drop: an older job of that name goes on telling the log
and no longer the TOML. Nothing here is needed to run a job; a status that cannot be written is
logged and forgotten.
"""

from __future__ import annotations

import logging
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from plasma_watch import toml_text
from plasma_watch.errors import Code
from plasma_watch.job import Ending, Job, State, is_job_id, same_name
from plasma_watch.system import files, platform
from plasma_watch.words import one_line

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

_MOST_REMEMBERED = 1_000
"""Of how many names it is remembered whose they are; of others the files tell it again."""
_DAEMON = "daemon"
"""The name whose files are the daemon's own; a request of that name is refused and told nothing."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is told of a job; None and empty values are left out of the file."""

    name: str
    job: str
    kind: str
    dropped: datetime
    sha256: str
    state: State
    why: str
    waiting_for: str = ""
    """The code of what holds it up, while it waits."""
    progress: float | None = None
    step: int | None = None
    steps: int | None = None
    eta_seconds: int | None = None
    seconds_per_step: float | None = None
    position: int | None = None
    attempt: int | None = None
    outputs: tuple[str, ...] | None = None
    error: Mapping[str, Any] | None = None

    def to_toml(self, now: datetime) -> str:
        """Return the text of `status/<name>.toml`."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        told = {key: value for key, value in known.items() if value not in (None, "")}
        error = told.pop("error", None)
        told |= {"state": self.state.value, "updated": now.replace(microsecond=0)}
        if self.outputs is not None:
            told["outputs"] = list(self.outputs)
        return toml_text.dumps(told | ({"error": error} if error else {}))


@dataclass(frozen=True, slots=True)
class Drop:
    """What a status file remembers of the drop that it is about."""

    job: str
    dropped: datetime
    sha256: str


def of_ended(job: Job, ending: Ending) -> JobStatus:
    """Return what is told of a job that ended."""
    return JobStatus(
        name=job.name,
        job=job.id,
        kind=job.kind,
        dropped=job.dropped,
        sha256=job.sha256,
        state=ending.state,
        why=ending.why,
        progress=1.0 if ending.state is State.DONE else None,
        attempt=_attempt(job),
        outputs=tuple(job.outputs()),
        error=_error(ending),
    )


def _attempt(job: Job) -> int | None:
    return job.failures + 1 if job.was_begun else None


def _error(ending: Ending) -> dict[str, Any] | None:
    if not ending.code:
        return None
    told: dict[str, Any] = {"code": ending.code, "message": ending.why, "hint": ending.hint}
    return told | ({"problems": list(ending.problems)} if ending.problems else {})


def of_running(
    job: Job,
    why: str,
    *,
    waiting_for: Code | None = None,
    step: int | None = None,
    steps: int | None = None,
    progress: float | None = None,
    eta_seconds: float | None = None,
    seconds_per_step: float | None = None,
) -> JobStatus:
    """Return what is told of a job that runs."""
    return JobStatus(
        name=job.name,
        job=job.id,
        kind=job.kind,
        dropped=job.dropped,
        sha256=job.sha256,
        state=State.RUNNING,
        why=why,
        waiting_for=str(waiting_for or ""),
        progress=None if progress is None else round(progress, 3),
        step=step,
        steps=steps,
        eta_seconds=None if eta_seconds is None else round(eta_seconds),
        seconds_per_step=None if seconds_per_step is None else round(seconds_per_step, 3),
        position=0,
        attempt=_attempt(job),
        outputs=tuple(job.outputs()),
    )


def utc_now() -> datetime:
    """Return the time as every file here writes it."""
    return datetime.now(UTC)


class _Latest(dict[str, _Value]):
    """A table that forgets what was set first when there is too much."""

    def __setitem__(self, key: str, value: _Value) -> None:
        self.pop(key, None)
        super().__setitem__(key, value)
        if len(self) > _MOST_REMEMBERED:
            del self[next(iter(self))]


class Board:
    """Writes the status files. Its state is which job owns each name's files, and what they say.

    A name is held in memory while a job of it waits or runs and was told of lately; else the file
    itself says whose it is. The lock is for the two threads that tell.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._owners: _Latest[str] = _Latest()
        self._told: _Latest[JobStatus] = _Latest()

    def own(self, status: JobStatus) -> None:
        """Give the files of a name to its newest drop, and show it."""
        with self._lock:
            self._owners[_key(status.name)] = status.job
            self._remove(_preview(status.name))
            self.show(status)

    def show(self, status: JobStatus) -> None:
        """Show a job's status, unless the files belong to a newer drop or say so already."""
        with self._lock:
            self._show(_key(status.name), status)

    def _show(self, key: str, status: JobStatus) -> None:
        if key == _DAEMON or self._told.get(key) == status:
            return
        if self._owner(key, status) != status.job:
            return
        self._replace(f"{status.name}.toml", status.to_toml(utc_now()).encode())
        self._told[key] = status
        if status.state not in (State.WAITING, State.RUNNING):
            del self._told[key], self._owners[key]
            self._remove(_preview(status.name))

    def _owner(self, key: str, status: JobStatus) -> str:
        """Return whose the files are, from memory or else from the file."""
        owner = self._owners.get(key)
        if owner is None:
            there = _drop_in(self.read(status.name))
            newer = there if there and there.dropped > status.dropped else None
            owner = newer.job if newer else status.job
        self._owners[key] = owner
        return owner

    def say(self, name: str, job: str, text: str) -> None:
        """Add a line to a job's log."""
        if _key(name) == _DAEMON:
            return
        line = f"{stamp(utc_now())} {job} {one_line(text)}\n"
        self._write(f"{name}.log", lambda path: _append(path, line))

    def daemon(self, table: Mapping[str, Any]) -> None:
        """Show the daemon's own status; where its file was taken away, the others were too."""
        with self._lock:
            if not (self._folder / "daemon.toml").exists():
                self._told.clear()
        self._replace("daemon.toml", toml_text.dumps(table).encode())

    def preview(self, name: str, job: str, jpeg: bytes) -> None:
        """Show what a running job's picture looks like so far, unless a newer drop has the name.

        It goes when the job ends: what was made lies in its place then.
        """
        with self._lock:
            if self._owners.get(_key(name)) == job:
                self._replace(_preview(name), jpeg)

    def _replace(self, file: str, content: bytes) -> None:
        self._write(file, lambda path: files.write_whole(path, content))

    def _write(self, file: str, write: Callable[[Path], None]) -> None:
        """Write a file, and its folder again where that was taken away."""
        path = self._folder / file
        try:
            try:
                write(path)
            except FileNotFoundError:
                if not files.make_again(self._folder):
                    raise
                write(path)
        except OSError as exc:
            log.warning("cannot write status/%s: %s", file, exc.strerror)

    def _remove(self, file: str) -> None:
        try:
            (self._folder / file).unlink(missing_ok=True)
        except OSError as exc:
            log.warning("cannot remove status/%s: %s", file, exc.strerror)

    def read(self, name: str) -> dict[str, Any]:
        """Return what was last told of a name, or an empty table."""
        return read_status(self._folder / f"{name}.toml")

    def unfinished(self) -> Iterator[dict[str, Any]]:
        """Yield every status that says a job waits or runs."""
        for path in self._folder.glob("*.toml"):
            told = read_status(path) if path.stem != _DAEMON else {}
            if told.get("state") in (State.WAITING, State.RUNNING) and _drop_in(told):
                yield told | {"name": path.stem}

    def waiting_before(self, name: str) -> Drop | None:
        """Return the place in the line that the file of a name remembers, over a restart."""
        told = self.read(name)
        return _drop_in(told) if told.get("state") == State.WAITING else None


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def _drop_in(told: Mapping[str, Any]) -> Drop | None:
    """Return the drop that a status is about, if it can be one: people edit files, disks lose them.

    Its id names a folder, and its time is compared with others.
    """
    match told:
        case {"job": str(job), "dropped": datetime(tzinfo=tzinfo) as dropped}:
            is_one = is_job_id(job) and tzinfo is not None
            return Drop(job, dropped, str(told.get("sha256", ""))) if is_one else None
        case _:
            return None


def read_status(path: Path) -> dict[str, Any]:
    """Return a status file's table, or an empty one when there is none to read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stamp(when: datetime) -> str:
    """Return a time as log lines show it."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _preview(name: str) -> str:
    return f"{name}.preview.jpg"


def _key(name: str) -> str:
    return same_name(name) if platform.NAMES_FOLD_CASE else name
