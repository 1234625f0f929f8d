"""What is old enough to be removed: finished job folders and status files, never an output."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from plasma_watch.config import Retention
from plasma_watch.home import Home
from plasma_watch.job import is_job_id

log = logging.getLogger(__name__)

SECONDS_A_DAY = 86_400
KEPT = frozenset({"daemon.toml", "daemon.log"})
APPROVED = "approved"
"""A file of this name in a job's folder keeps it: one of its pictures was approved."""


def expired(entries: Iterable[tuple[Path, float]], days: int, now: float) -> Iterator[Path]:
    """Yield the paths whose change time lies more than `days` back; 0 days keep everything."""
    if days:
        oldest = now - days * SECONDS_A_DAY
        yield from (path for path, changed in entries if changed < oldest)


def sweep(home: Home, retention: Retention, active: frozenset[str], now: float) -> int:
    """Remove what is expired, and return how much that was; `active` names are in use."""
    folders = (
        (home.done, retention.done_days),
        (home.cancelled, retention.done_days),
        (home.failed, retention.failed_days),
    )
    gone = [
        path
        for folder, days in folders
        for path in expired(_aged(folder), days, now)
        if _may_go(path)
    ]
    told = expired(_aged(home.status), retention.status_days, now)
    gone += [path for path in told if path.name not in KEPT and _name(path) not in active]
    for path in gone:
        _remove(path)
    if gone:
        log.info("removed %d job folders and status files that were old enough", len(gone))
    return len(gone)


def _may_go(path: Path) -> bool:
    """Tell a job's folder that may go: not what a person put there, nor what was approved."""
    is_one = is_job_id(path.name) and path.is_dir() and not path.is_symlink()
    return is_one and not (path / APPROVED).exists()


def _name(status_file: Path) -> str:
    """Return the name that a status file is about: `p003` of `p003.preview.jpg`."""
    for suffix in (".preview.jpg", ".toml", ".log"):
        if status_file.name.endswith(suffix):
            return status_file.name.removesuffix(suffix)
    return status_file.name


def _aged(folder: Path) -> Iterator[tuple[Path, float]]:
    with contextlib.suppress(OSError):  # people tidy up: it may be gone
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                yield path, path.lstat().st_mtime


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as exc:
        log.warning("%s is old and cannot be removed: %s", path, exc.strerror)
