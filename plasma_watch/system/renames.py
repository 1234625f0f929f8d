"""Renames that never replace, whether or not the file system has a call for it.

The platform brings the call. Where a volume does not know it (NFS, some FUSE, exFAT, SMB), a file
gets its second name by a link, and a folder replaces an empty one that was made for it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

_NO_CALL = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LINK = _NO_CALL | {errno.EPERM, errno.EMLINK}

Call = Callable[[bytes, bytes], int]
"""Renames exclusively; returns the number of the error, or 0."""


def rename(source: Path, target: Path, call: Call) -> None:
    """Rename, and raise FileExistsError rather than replace what is there."""
    sys.audit("plasma_watch.rename", str(source), str(target))  # as `os.rename` tells of itself
    number = call(os.fsencode(source), os.fsencode(target))
    if number in _NO_CALL:
        rename_by_hand(source, target)
    elif number:
        raise _failed(number, source, target)


def _link(source: Path, target: Path) -> None:
    os.link(source, target, follow_symlinks=False)


def rename_by_hand(source: Path, target: Path, link: Callable[[Path, Path], None] = _link) -> None:
    """Rename without replacing, by calls that every file system has."""
    if source.is_dir() and not source.is_symlink():
        _rename_folder(source, target)
        return
    try:
        # For a moment the file has both names, and never none.
        link(source, target)
    except OSError as exc:
        if exc.errno not in _NO_LINK:
            raise
        _rename_unlinkable(source, target)
    else:
        _give_up_name(source, target)


def _give_up_name(source: Path, target: Path) -> None:
    """Take the first name away, or if that cannot be, the second: never leave both."""
    try:
        source.unlink(missing_ok=True)
    except OSError:
        target.unlink()
        raise


def _rename_folder(source: Path, target: Path) -> None:
    target.mkdir()
    try:
        source.replace(target)
    except OSError:
        target.rmdir()
        raise


def _rename_unlinkable(source: Path, target: Path) -> None:
    """Look first, then rename: only what appears in between could be replaced."""
    if os.path.lexists(target):
        raise _failed(errno.EEXIST, source, target)
    source.replace(target)


def _failed(number: int, source: Path, target: Path) -> OSError:
    return OSError(number, os.strerror(number), str(source), None, str(target))
