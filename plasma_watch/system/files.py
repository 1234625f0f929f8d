"""The one door through which the house changes disks: whole files, exclusive names, no links.

Every function here does one step that a crash leaves either undone or done.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import is_home
from plasma_watch.system import platform

log = logging.getLogger(__name__)

_CANNOT_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_OWNER_ALONE = 0o700
_OPEN_SAFELY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells two states of a file apart without reading it."""

    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Fingerprint:
        """Take the fingerprint from a stat result."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


def read_regular(path: Path, limit: int, subject: str = "") -> tuple[bytes, Fingerprint]:
    """Read a regular file of at most `limit` bytes, never through a link, never blocking.

    Raises PlasmaError `request.not-a-file`, `request.too-big` or `request.unreadable`, and
    FileNotFoundError when it is gone.
    """
    subject = subject or path.name
    try:
        fd = os.open(path, _OPEN_SAFELY)
        try:
            return _read(fd, limit, subject)
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise _refused(exc, subject) from exc


def digest(path: Path) -> str:
    """Return the sha256 of a regular file; of what is none, or cannot be read, nothing."""
    with contextlib.suppress(OSError):
        fd = os.open(path, _OPEN_SAFELY)
        try:
            return _digest(fd)
        finally:
            os.close(fd)
    return ""


def _digest(fd: int) -> str:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return ""
    with os.fdopen(fd, "rb", closefd=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(fd: int, limit: int, subject: str) -> tuple[bytes, Fingerprint]:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise not_a_file(subject)
    with os.fdopen(fd, "rb", closefd=False) as file:
        content = file.read(limit + 1) if found.st_size <= limit else b""
    if (size := max(found.st_size, len(content))) > limit:
        raise PlasmaError(
            Code.REQUEST_TOO_BIG,
            f"{subject} has {size} bytes; at most {limit} are read",
            "intake.max_request_kb and intake.max_picture_mb in config.toml say how much.",
        )
    return content, Fingerprint.of(found)


def _refused(exc: OSError, subject: str) -> PlasmaError:
    if exc.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):
        return not_a_file(subject)
    return PlasmaError(
        Code.REQUEST_UNREADABLE,
        f"{subject} cannot be read: {exc.strerror}",
        "Check who may read it, and drop it again.",
    )


def not_a_file(subject: str) -> PlasmaError:
    """Return the error for what is named like a file and is something else."""
    return PlasmaError(
        Code.REQUEST_NOT_A_FILE,
        f"{subject} is a folder, a link, a FIFO, a socket or a device, not a file",
        "Put the file itself there.",
    )


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace a file atomically: a reader sees the old content or the new, never half.

    One at a time may write a file: who shares it with another process holds a lock meanwhile.
    With `durable`, the new content is on the disk itself before this returns.
    """
    # Always the same name: what a crash leaves there is replaced by the next write, not joined.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write_new(temporary, content, durable=durable)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_new(path: Path, content: bytes, *, durable: bool) -> None:
    """Write a file from its beginning, and put it on the disk itself if `durable`."""
    rest = memoryview(content)
    with path.open("wb", buffering=0) as file:  # it is one write nearly always
        while rest:
            rest = rest[file.write(rest) :]
        if durable:
            platform.full_sync(file.fileno())


def make_again(folder: Path) -> bool:
    """Make a folder of a home again that was taken away; tell whether it is there now.

    Not where the home is gone too: on a mount point it would lie in the way of what comes back.
    """
    if not is_home(folder.parent):
        return False
    try:
        folder.mkdir()
    except OSError:
        return folder.is_dir()
    log.warning("%s was taken away; it is made again", folder)
    return True


def make_private(folder: Path) -> None:
    """Make a folder that is its owner's alone, or make one so that is there."""
    folder.mkdir(mode=_OWNER_ALONE, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & ~_OWNER_ALONE:
        with contextlib.suppress(OSError):  # a volume without rights, or somebody else's folder
            folder.chmod(_OWNER_ALONE)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk itself."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # some network volumes refuse to sync a folder
            os.fsync(fd)
    finally:
        os.close(fd)


def publish(temporary: Path, final: Path, link: Callable[[Path, Path], None] = os.link) -> None:
    """Give a finished file its final name, unless that name is taken: then FileExistsError.

    A link is exclusive and atomic. A volume that cannot link (exFAT, SMB) gets an exclusive empty
    placeholder first, which the file then replaces; when that fails the placeholder goes again.
    Once the file has its final name this has succeeded, whether or not the other one goes.
    """
    try:
        link(temporary, final)
    except OSError as exc:
        if exc.errno not in _CANNOT_LINK:
            raise
        _replace_placeholder(temporary, final)
    else:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _replace_placeholder(temporary: Path, final: Path) -> None:
    os.close(os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    try:
        temporary.replace(final)
    except OSError:
        final.unlink(missing_ok=True)
        raise
