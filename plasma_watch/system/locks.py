"""A lock that the kernel lets go of when its holder dies, whatever it dies of."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from plasma_watch.errors import Code, PlasmaError

WAIT_SECONDS = 10.0
"""How long who holds a lock for a moment's work is waited for."""
_LOOK_SECONDS = 0.02
_TRIES = 5
_PAUSE_SECONDS = 0.01
UNKNOWN = "?"
"""Stands for a pid that the holder could not write."""


class Lock:
    """An advisory lock on one file. Its state: the descriptor, while the lock is held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._can_tell = True
        """Whether this volume tells a file by its number; some network volumes do not."""

    def acquire(self) -> bool:
        """Take the lock if nobody else holds it; tell whether it is held now."""
        self._fd = self._taken() if self._fd is None else self._fd
        if self._fd is None:
            return False
        with contextlib.suppress(OSError):  # a full disk must not stop who frees it
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return True

    def _taken(self) -> int | None:
        """Lock the file that lies there; again, if it was taken away before it was locked."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in reversed(range(_TRIES)):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not _locked(fd):
                os.close(fd)
                return None
            self._can_tell = self._lies_there(fd)
            if self._can_tell or not left:
                return fd
            os.close(fd)
        return None

    def is_ours(self) -> bool:
        """Tell whether the file that lies there is the one that is held.

        A file that was taken away stays locked, and keeps nobody from locking a new one.
        """
        return self._fd is not None and (not self._can_tell or self._lies_there(self._fd))

    def _lies_there(self, fd: int) -> bool:
        try:
            there, held = self._path.stat(), os.fstat(fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def retake(self) -> bool:
        """Take the lock of the file that lies there now; tell whether nobody else has it."""
        self.release()
        return self.acquire()

    def release(self) -> None:
        """Let go of the lock; the file stays, because removing it would race."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def holder(self) -> str:
        """Return the pid that the holder wrote, or a question mark."""
        with contextlib.suppress(OSError, ValueError):
            return str(int(self._path.read_text()))
        return UNKNOWN


@contextlib.contextmanager
def alone(path: Path, subject: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold a lock while something is worked on; wait for who holds it, but not for ever.

    Raises PlasmaError `daemon.held` when it takes them too long, OSError when the disk refuses.
    """
    lock = Lock(path)
    until = time.monotonic() + wait_seconds
    while not lock.acquire():
        if time.monotonic() > until:
            said = f"somebody else (pid {lock.holder()}) works on {subject}"
            raise PlasmaError(Code.DAEMON_HELD, said, "Wait until it is done.")
        time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _locked(fd: int) -> bool:
    """Take the lock; look again for a moment, because `is_held` shares it for an instant."""
    for _ in range(_TRIES):
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def is_held(path: Path) -> bool:
    """Tell whether somebody holds a lock; it is shared for a moment to find out."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
