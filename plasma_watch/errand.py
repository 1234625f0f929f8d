"""Sends a request through the line, as everybody does, and waits for its end.

Where no daemon looks after the home, one is started for it, and ends when the line is empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import subprocess
import sys
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.holder import told_by_holder
from plasma_watch.home import Home
from plasma_watch.intake.settle import Sort, refuse_reserved, sort
from plasma_watch.job import State
from plasma_watch.line import Line
from plasma_watch.status import of_ended, read_status, utc_now
from plasma_watch.system.locks import is_held
from plasma_watch.words import counted

LOOK_SECONDS = 0.2
UP_SECONDS = 30.0
"""How long a home may be without a daemon while somebody waits: one that starts takes its time."""
ENDS = frozenset({State.DONE, State.FAILED, State.CANCELLED})
_SLACK = timedelta(seconds=2)
"""A daemon looks at its clock before it looks at the inbox."""


# A daemon that works.


@contextlib.contextmanager
def daemon_of(home: Home, *options: str) -> Iterator[None]:
    """See to it that a daemon looks after a home for the length of a block.

    Raises PlasmaError `daemon.service` when the one that is there runs nothing, or a new one
    does not come up.
    """
    if is_held(home.lock):
        _await_up(home, lambda: is_held(home.lock))
        yield
        return
    command = [sys.executable, "-m", "plasma_watch", "run", "--home", str(home.root), *options]
    null = subprocess.DEVNULL
    daemon = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
    try:
        _await_up(home, lambda: daemon.poll() is None)
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def _await_up(home: Home, is_there: Callable[[], bool]) -> None:
    """Wait until a daemon tells of itself: it holds the home before it has read its config."""
    until = time.monotonic() + UP_SECONDS
    while not told_by_holder(home):
        if not is_there() or time.monotonic() > until:
            raise PlasmaError(
                Code.DAEMON_SERVICE,
                f"the daemon of {home.root} does not come up",
                "`plasma-watch run` says why.",
            )
        time.sleep(LOOK_SECONDS)
    _refuse_idle(home)


def _refuse_idle(home: Home) -> None:
    """Refuse to wait for a daemon that runs nothing until somebody does something."""
    told = told_by_holder(home)
    if told.get("state") in ("degraded", "paused"):
        raise PlasmaError(
            Code.DAEMON_SERVICE,
            f"the daemon of {home.root} runs nothing: {told.get('why', '')}",
            str(told.get("hint") or "`plasma-watch resume` lets a paused line go on."),
        )


# What is dropped.


@dataclass(frozen=True, slots=True)
class Drop:
    """A request that was dropped, and what tells its job from every other of its name."""

    name: str
    sha256: str
    at: datetime
    before: str
    """The job of which the status told before."""
    was_waiting: bool
    """Whether that one waited: then it may be this one's, if it holds the same."""


def check_name(file: str) -> None:
    """Raise PlasmaError `request.bad-name` or `request.name-taken` for what the inbox leaves."""
    sorted_ = sort(file, stat.S_IFREG)
    if sorted_.sort not in (Sort.REQUEST, Sort.PICTURE):
        raise PlasmaError(
            Code.REQUEST_BAD_NAME,
            f"{file} would be left in the inbox: {sorted_.reason or 'its name is not a request'}",
            "A request is called NAME.toml; a picture of ours NAME.png.",
        )
    refuse_reserved(file)


def drop(home: Home, file: str, content: bytes, *, urgent: bool = False) -> Drop:
    """Write a file beside its place in the inbox, and rename it there."""
    folder = home.urgent if urgent else home.inbox
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{file}.{os.getpid()}.tmp"
    temporary.write_bytes(content)
    name = unicodedata.normalize("NFC", file.rpartition(".")[0])
    told = read_status(home.status / f"{name}.toml")
    dropped = Drop(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        at=utc_now(),
        before=str(told.get("job", "")),
        was_waiting=told.get("state") == State.WAITING,
    )
    temporary.replace(folder / file)
    return dropped


def send(home: Home, name: str, request: dict[str, Any]) -> Drop:
    """Drop a request that goes first."""
    return drop(home, f"{name}.toml", toml_text.dumps(request).encode(), urgent=True)


class Awaited:
    """A drop, until it has ended. Its state: the job that it became, once that was told."""

    def __init__(self, home: Home, drop: Drop) -> None:
        self._home = home
        self._drop = drop
        self._job = ""

    def look(self) -> dict[str, Any]:
        """Return its status; an empty one while nothing is told of it."""
        told = read_status(self._home.status / f"{self._drop.name}.toml")
        if self._is_its(told):
            self._job = str(told["job"])
            return told
        if self._job:
            return self._ended()
        return self._replaced() if self._is_newer(told) else {}

    def _is_its(self, told: Mapping[str, Any]) -> bool:
        job, drop = told.get("job"), self._drop
        if not job or self._job:
            return bool(job) and job == self._job
        if job == drop.before and not drop.was_waiting:
            return False
        if digest := told.get("sha256"):
            return bool(digest == drop.sha256)
        return self._is_since(told)  # what could not be read was refused without it

    def _is_newer(self, told: Mapping[str, Any]) -> bool:
        """Tell whether a status is about another content that was dropped under the name since."""
        is_other = told.get("job") != self._drop.before and bool(told.get("sha256"))
        return is_other and self._is_since(told)

    def _is_since(self, told: Mapping[str, Any]) -> bool:
        dropped = told.get("dropped")
        return isinstance(dropped, datetime) and dropped >= self._drop.at - _SLACK

    def _ended(self) -> dict[str, Any]:
        """Return what its journal says, where the status belongs to a newer drop of the name."""
        job = Line(self._home).ended(self._job)
        if job is None or job.ending is None:
            return {}
        return tomllib.loads(of_ended(job, job.ending).to_toml(utc_now()))

    def _replaced(self) -> dict[str, Any]:
        why = "another request was dropped under its name before it began"
        return {"name": self._drop.name, "state": State.CANCELLED.value, "why": why}


def await_end(home: Home, drop: Drop, seconds: float) -> dict[str, Any]:
    """Return the status of a drop when it has ended; one that takes too long is cancelled.

    Raises PlasmaError `daemon.service` when the home is without a daemon for too long, or has one
    that runs nothing; the request is cancelled then too.
    """
    awaited, last = Awaited(home, drop), ""
    seen = began = time.monotonic()
    try:
        while True:
            seen = time.monotonic() if is_held(home.lock) else seen
            status = awaited.look()
            if status.get("state") in ENDS:
                return status
            last = str(status.get("why", last))
            _refuse_idle(home)
            _refuse_dead(home, drop.name, time.monotonic() - seen)
            if time.monotonic() - began > seconds:
                _cancel(home, drop.name)
                return status | {"state": "failed", "why": _too_long(last, seconds)}
            time.sleep(LOOK_SECONDS)
    except BaseException:  # also whoever interrupts the wait has nothing left in the line
        _cancel(home, drop.name)
        raise


def _refuse_dead(home: Home, name: str, seconds: float) -> None:
    if seconds > UP_SECONDS:
        raise PlasmaError(
            Code.DAEMON_SERVICE,
            f"the daemon of {home.root} ended before {name} did",
            "status/daemon.log tells of its last steps; `plasma-watch run` starts it again.",
        )


def _cancel(home: Home, name: str) -> None:
    (home.inbox / f"{name}.cancel").touch()


def _too_long(last: str, seconds: float) -> str:
    said = f"; it last said: {last}" if last else ""
    return f"it took longer than {counted(round(seconds / 60), 'minute')} and was cancelled{said}"


def picture_of(home: Home, status: dict[str, Any]) -> Path:
    """Return the picture of a status that is done."""
    return home.at(str(status["outputs"][0]))
