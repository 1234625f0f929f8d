"""Processes that may outlive the daemon that started them: known again, and ended whole.

A trainer or an engine runs in a session of its own, so that all of it can be ended together. What
is written down of it when it starts tells it, after a crash, from a stranger with its number. What
the process is for is not known here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

from plasma_watch.system import platform

GRACE_SECONDS = 10.0
"""How long a group is given between being asked to end and being made to."""
_LOOK_SECONDS = 0.05
_START_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process that leads a session, as it is written down."""

    pid: int
    """Also the number of its session and its group."""
    mark: str
    """When it began, as the system has it; a number that is used again begins at another time."""
    command: tuple[str, ...]


def written_down(pid: int) -> Process | None:
    """Return what tells a process from others, or None when it is gone already."""
    mark = platform.start_mark(pid)
    try:
        command = _command(psutil.Process(pid))
    except psutil.Error:
        return None
    return Process(pid, mark, command) if mark else None


def _command(process: psutil.Process) -> tuple[str, ...]:
    """Return what a process was started with; for an instant at its start it has nothing yet."""
    until = time.monotonic() + _START_SECONDS
    while not (command := tuple(process.cmdline())) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    return command


def is_alive(process: Process) -> bool:
    """Tell whether the very process that was written down still runs."""
    try:
        found = psutil.Process(process.pid)
        is_running = found.status() != psutil.STATUS_ZOMBIE
        is_same = tuple(found.cmdline()) == process.command
    except psutil.Error:
        return False
    return is_running and is_same and platform.start_mark(process.pid) == process.mark


def end(process: Process, grace_seconds: float = GRACE_SECONDS) -> bool:
    """End a process and all of its session; tell whether nobody of it is left.

    Its leader may be dead already while others of it live on; a stranger that has its number now
    is left alone.
    """
    if not is_alive(process) and psutil.pid_exists(process.pid) and not _is_zombie(process.pid):
        return True
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(process.pid, number)
        if _is_over(process.pid, grace_seconds):
            return True
    return False


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(session: int, number: signal.Signals) -> None:
    """Signal the group, and whoever of the session made a group of its own."""
    for send, pid in [(os.killpg, session), *((os.kill, m.pid) for m in members(session))]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, number)


def _is_over(session: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(members(session)):
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def leading(argument: str) -> Iterator[Process]:
    """Yield the processes that lead a session and were started with this very argument.

    So one is found that was started in the instant before it could be written down.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            leads = os.getsid(process.pid) == process.pid
            if leads and argument in process.cmdline() and (found := written_down(process.pid)):
                yield found


def footprint(session: int) -> int:
    """Return the memory that a session's processes hold, in bytes."""
    return sum(platform.footprint(process.pid) or 0 for process in members(session))


def members(session: int) -> Iterator[psutil.Process]:
    """Yield the living processes of a session."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def found(command: Sequence[str]) -> Process | None:
    """Return the process that leads a session and was started by exactly this command, if any."""
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            is_it = process.info["cmdline"] == list(command)
            if is_it and os.getsid(process.pid) == process.pid:
                return written_down(process.pid)
    return None


def listens(session: int, port: int) -> bool | None:
    """Tell whether a process of a session listens on a port; None when that cannot be seen."""
    answer: bool | None = False
    for member in members(session):
        try:
            if _is_listening(member, port):
                return True
        except psutil.AccessDenied:
            answer = None
        except psutil.Error:
            continue
    return answer


def listener(port: int) -> psutil.Process | None:
    """Return the process of this user that listens on a port, if it can be seen.

    Those called Python are asked first: an engine is one, and to ask all of a desktop takes long.
    """
    for process in sorted(psutil.process_iter(["name"]), key=_is_no_python):
        with contextlib.suppress(psutil.Error):
            if _is_listening(process, port):
                return process
    return None


def _is_no_python(process: psutil.Process) -> bool:
    return not str(process.info["name"]).lower().startswith("python")


def _is_listening(process: psutil.Process, port: int) -> bool:
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in process.net_connections("tcp")
    )
