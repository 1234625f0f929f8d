"""Tries whether this very process may work in a folder, because rights and privacy can say no.

What launchd starts has other permissions than a terminal, so only trying tells.
"""

from __future__ import annotations

import os
from pathlib import Path

from plasma_watch.system import guarded


def refusal(folder: Path, *, writes: bool = True) -> str:
    """Return why a folder may not be listed, or written to, or an empty string.

    A folder that is not there refuses nobody.
    """
    try:
        with os.scandir(folder) as found:
            next(found, None)
        if writes:
            _write(folder)
    except FileNotFoundError:
        return ""
    except OSError as exc:
        meaning = guarded.meaning(exc.errno)
        return f"{exc.strerror}{meaning and f': {meaning}'}"
    return ""


def _write(folder: Path) -> None:
    """Make, rename and remove a file: what a job does too."""
    made = folder / f".plasma-access-{os.getpid()}.tmp"
    renamed = made.with_suffix(".part")
    try:
        made.touch()
        made.replace(renamed)
    finally:
        for path in (made, renamed):
            path.unlink(missing_ok=True)
