"""A lock that the kernel lets go of when its holder dies, whatever it dies of."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

_TRIES = 5
_PAUSE_SECONDS = 0.01


class Lock:
    """An advisory lock on one file. Its state: the descriptor, while the lock is held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody else holds it; tell whether it is held now."""
        while self._fd is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not _locked(fd):
                os.close(fd)
                return False
            self._fd = fd
            if not self.is_ours():  # its file was taken away between the two
                self.release()
        with contextlib.suppress(OSError):  # a full disk must not stop who frees it
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return True

    def is_ours(self) -> bool:
        """Tell whether the file that lies there is the one that is held.

        A file that was taken away stays locked, and keeps nobody from locking a new one.
        """
        if self._fd is None:
            return False
        try:
            there, held = self._path.stat(), os.fstat(self._fd)
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
        return "?"


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
