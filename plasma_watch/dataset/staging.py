"""Writes into a dataset's folder, all or nothing: the one hand of this room that changes disks.

    .dataset.tmp/      everything is written here first, dataset.toml last
    *.txt, *.png       then moved into place, captions before their pictures
    dataset.toml       last

A crash before the record lies in the hidden folder leaves nothing; one after it, or a disk that
refuses then, is made good by the next command. Two commands at a time are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from plasma_watch.dataset.keeping import Lying
from plasma_watch.dataset.record import RECORD, Record, read_record
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import files
from plasma_watch.system.locks import Lock
from plasma_watch.train.dataset import SUFFIXES
from plasma_watch.train.reading import CAPTION_SUFFIX, suffix

_STAGING = ".dataset.tmp"
_LOCK = ".dataset.lock"


class Staging:
    """A dataset's folder while a command works on it. Its state: what was staged so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staged = folder / _STAGING
        self._staged.mkdir()

    def read(self) -> Record:
        """Return the record; raises PlasmaError `dataset.bad-file`."""
        return read_record(_content(self.folder / RECORD))

    def lying(self) -> Lying:
        """Return what lies in the folder."""
        files_ = [path for path in self.folder.iterdir() if _is_seen(path)]
        pictures = [path for path in files_ if suffix(path.name) in SUFFIXES]
        captions = [path for path in files_ if suffix(path.name) == CAPTION_SUFFIX]
        return Lying(
            {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures},
            {path.stem: path.read_text("utf-8-sig", "replace") for path in captions},
        )

    def stage(self, name: str, content: bytes) -> None:
        """Write a file where it is not seen yet."""
        files.write_new(self._staged / name, content, durable=False)

    def forget(self, name: str) -> None:
        """Take a staged file back."""
        (self._staged / name).unlink()

    def publish(self, record: Record) -> None:
        """Put everything into place; from the first line on a crash loses nothing."""
        files.write_whole(self._staged / RECORD, record.to_toml().encode(), durable=True)
        _move(self._staged, self.folder)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Work on a dataset's folder, alone; what was not published leaves no trace.

    Raises PlasmaError `dataset.busy` when another command works on it, and OSError when the disk
    refuses.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / _LOCK)
    if not lock.acquire():
        raise _busy(folder, lock.holder())
    try:
        _recover(folder)
        yield Staging(folder)
    finally:
        _throw_away(folder / _STAGING)
        lock.release()
        if is_new and [path.name for path in folder.iterdir()] == [_LOCK]:
            shutil.rmtree(folder)  # nothing was made, so nothing is left


def _recover(folder: Path) -> None:
    """Finish what a command had staged whole; throw away what it had not."""
    staged = folder / _STAGING
    if (staged / RECORD).exists():
        _move(staged, folder)
    _throw_away(staged)


def _throw_away(staged: Path) -> None:
    """Remove what is staged, but never what was staged whole: some of it may be in place."""
    if not (staged / RECORD).exists():
        shutil.rmtree(staged, ignore_errors=True)


def _move(staged: Path, folder: Path) -> None:
    for path in sorted(staged.iterdir(), key=_turn):
        path.replace(folder / path.name)
    files.sync_folder(folder)


def _is_seen(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _turn(path: Path) -> tuple[bool, bool, str]:
    """Captions first, the record last: a picture is never seen without its caption."""
    return path.name == RECORD, path.suffix != CAPTION_SUFFIX, path.name


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _busy(folder: Path, holder: str) -> PlasmaError:
    said = f"another command works on {folder} (pid {holder})"
    return PlasmaError(Code.DATASET_BUSY, said, "Wait until it has ended, and try again.")
