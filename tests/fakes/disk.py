"""A disk that does not do as it is told."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path


def keeps(kept: Path, unlink: Callable[[Path], None] = os.unlink) -> Callable[[Path], None]:
    """Return an `os.unlink` of a disk that does not let go of one name."""

    def refuse(path: Path) -> None:
        if path == kept:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        unlink(path)

    return refuse
