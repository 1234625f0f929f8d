"""An index of all manifests below the output folder, for whoever looks for pictures.

The manifests are the truth: the index can be thrown away at any time, is built again by the next
question, and only ever says where to look; what is shown is read from the manifest itself. Folders
that have not changed are not read again. Only the command line uses it; no daemon needs it. One at
a time makes it and brings it up to date; who asks it meanwhile is told what it was before.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plasma_watch.errors import PlasmaError
from plasma_watch.outputs.likeness import hash_distance
from plasma_watch.report.heads import read_head, row_of
from plasma_watch.report.question import Question, terms_of
from plasma_watch.system import locks

_FORMAT = 1
_RECENT_NS = 2_000_000_000
"""A folder that changed so lately may change again in one tick of its clock: it is read anew."""
WAIT_SECONDS = 60.0
"""How long another who brings it up to date is waited for; then all is read, and kept nowhere."""
_MEMORY = ":memory:"
_REFUSALS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
    }
)
"""What says that somebody else is at it, or what the disk thinks: nothing is damaged."""

_TABLES = """
CREATE TABLE folders (path TEXT PRIMARY KEY, parent TEXT, mtime_ns INTEGER);
CREATE TABLE pictures (
    folder TEXT, name TEXT, stamp TEXT, stem TEXT, version INTEGER, made TEXT, chapter INTEGER,
    page INTEGER, prompt TEXT, seed TEXT, checkpoint TEXT, lora TEXT, workflow TEXT, sha256 TEXT,
    phash TEXT, approved INTEGER, sheet INTEGER, PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX pictures_made ON pictures (made, sheet, prompt, lora, stamp);
CREATE INDEX pictures_sha256 ON pictures (sha256);
CREATE INDEX pictures_stem ON pictures (stem);
CREATE INDEX pictures_page ON pictures (chapter, page);
CREATE INDEX pictures_seed ON pictures (seed);
CREATE INDEX pictures_folders ON folders (parent);
"""
_COLUMNS = 17


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest that was found, and what it says."""

    manifest: Path
    table: Mapping[str, Any]

    @property
    def picture(self) -> Path:
        """The picture that it is about, which may have been moved away."""
        return self.manifest.with_suffix(".png")


class Index:
    """The index of one output folder. Its state: the open database."""

    _db: sqlite3.Connection

    def __init__(self, path: Path, output: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        self._output = output
        self._path = path
        self._wait_seconds = wait_seconds

    def __enter__(self) -> Self:
        """Open it and bring it up to date; in memory, where it cannot be on the disk."""
        if not self._is_current_on_disk():
            self._bring_up(_MEMORY)
        return self

    def _is_current_on_disk(self) -> bool:
        """Make it ready, alone; what is damaged is thrown away, never what others work with."""
        lock = self._path.with_suffix(".lock")
        with (
            contextlib.suppress(OSError, PlasmaError, sqlite3.DatabaseError),
            locks.alone(lock, "the index", self._wait_seconds),
        ):
            try:
                self._bring_up(self._path)
            except sqlite3.DatabaseError as exc:
                if _is_refusal(exc):
                    return False
                self._path.unlink(missing_ok=True)
                self._bring_up(self._path)
            return True
        return False

    def _bring_up(self, place: Path | str) -> None:
        self._db = sqlite3.connect(place, timeout=self._wait_seconds)
        try:
            _make_ready(self._db)
            self.refresh()
        except sqlite3.DatabaseError:
            self._db.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._db.close()

    # Keeping it true.

    def refresh(self) -> int:
        """Read what has changed since the last time; return how many manifests that were."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = dict(self._db.execute("SELECT path, mtime_ns FROM folders"))
            visited: set[str] = set()
            changed = sum(self._visit(folder, known, visited) for folder in self._walk(known))
            gone = [(path,) for path in known.keys() - visited]
            self._db.executemany("DELETE FROM folders WHERE path = ?", gone)
            self._db.executemany("DELETE FROM pictures WHERE folder = ?", gone)
        return changed

    def _walk(self, known: Mapping[str, int]) -> Iterator[str]:
        """Yield the folders; those inside an unchanged one are known without reading it."""
        ahead = [""]
        while ahead:
            folder = ahead.pop()
            yield folder
            if known.get(folder) and known[folder] == _mtime(self._output / folder):
                rows = self._db.execute("SELECT path FROM folders WHERE parent = ?", (folder,))
                ahead += [path for (path,) in rows if path]
            else:
                ahead += list(self._folders_in(folder))

    def _folders_in(self, folder: str) -> Iterator[str]:
        with contextlib.suppress(OSError), os.scandir(self._output / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    yield f"{folder}/{entry.name}" if folder else entry.name

    def _visit(self, folder: str, known: Mapping[str, int], visited: set[str]) -> int:
        mtime = _mtime(self._output / folder)
        if not mtime:
            return 0
        visited.add(folder)
        if known.get(folder) == mtime:
            return 0
        is_settled = time.time_ns() - mtime > _RECENT_NS
        changed = self._read_folder(folder)
        row = (folder, folder.rpartition("/")[0] if folder else None, mtime if is_settled else 0)
        self._db.execute("INSERT OR REPLACE INTO folders VALUES (?, ?, ?)", row)
        return changed

    def _read_folder(self, folder: str) -> int:
        rows = self._db.execute("SELECT name, stamp FROM pictures WHERE folder = ?", (folder,))
        known = dict(rows)
        there = dict(_manifests(self._output / folder))
        gone = [(folder, name) for name in known.keys() - there.keys()]
        self._db.executemany("DELETE FROM pictures WHERE folder = ? AND name = ?", gone)
        new = [name for name, stamp in there.items() if known.get(name) != stamp]
        self._keep(folder, ((name, there[name]) for name in new))
        return len(new) + len(gone)

    def _keep(self, folder: str, manifests: Iterable[tuple[str, str]]) -> None:
        places = ", ".join("?" * _COLUMNS)
        self._db.executemany(
            f"INSERT OR REPLACE INTO pictures VALUES ({places})",  # noqa: S608 - question marks
            (row_of(self._output / folder / name, folder, stamp) for name, stamp in manifests),
        )

    # Asking it.

    def find(self, question: Question, most: int) -> list[Found]:
        """Return the newest that fit, the newest last."""
        where, values = _where(question)
        return self._found(where, values, "made DESC", most)

    def count(self, question: Question) -> int:
        """Return how many fit, as far as they were read."""
        where, values = _where(question)
        asked = f"SELECT count(*) FROM pictures WHERE {where}"  # noqa: S608 - our own words
        return int(self._db.execute(asked, values).fetchone()[0])

    def versions(self, stem: str) -> list[Found]:
        """Return every version of a picture, in their order."""
        return self._found("stem = ? AND NOT sheet", [stem.casefold()], "folder DESC, version DESC")

    def of_content(self, sha256: str) -> list[Found]:
        """Return the manifests of a picture's content, whatever it is called now."""
        return self._found("sha256 = ?", [sha256], "made DESC")

    def like(self, phash: str, bits: int, most: int) -> list[tuple[int, Found]]:
        """Return the manifests of what looks alike, and by how many bits it differs."""
        rows = self._db.execute("SELECT phash, folder, name FROM pictures WHERE phash != ''")
        near = sorted((d, f, n) for p, f, n in rows if (d := _apart(p, phash)) <= bits)[:most]
        told = ((distance, self._read(folder, name)) for distance, folder, name in near)
        return [(distance, found) for distance, found in told if found]

    def _found(self, where: str, values: list[Any], order: str, most: int = -1) -> list[Found]:
        """Return what fits; what was changed in place since it was read is read anew first."""
        question = (
            f"SELECT folder, name, stamp FROM pictures WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own words
        )
        rows = self._db.execute(question, [*values, most]).fetchall()
        stale = [(f, n) for f, n, stamp in rows if _stamp(self._output / f / n) != stamp]
        if stale:
            with self._db:
                self._reread(stale)
            rows = self._db.execute(question, [*values, most]).fetchall()
        found = (self._read(folder, name) for folder, name, _ in reversed(rows))
        return [one for one in found if one]

    def _reread(self, stale: list[tuple[str, str]]) -> None:
        for folder, name in stale:
            if stamp := _stamp(self._output / folder / name):
                self._keep(folder, [(name, stamp)])
            else:
                self._db.execute(
                    "DELETE FROM pictures WHERE folder = ? AND name = ?", (folder, name)
                )

    def _read(self, folder: str, name: str) -> Found | None:
        path = self._output / folder / name
        table = read_head(path)
        return Found(path, table) if table else None


def _make_ready(db: sqlite3.Connection) -> None:
    """Give a database our form, unless it has it."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _FORMAT:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            db.execute(f'DROP TABLE "{name}"')
        db.executescript(_TABLES)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
        db.commit()
    db.execute("PRAGMA synchronous = OFF")  # it can be thrown away
    db.execute("PRAGMA cache_spill = OFF")  # nobody who asks waits until all is read
    db.execute("PRAGMA mmap_size = 1000000000")


def _is_refusal(exc: sqlite3.DatabaseError) -> bool:
    """Tell whether somebody else, or the disk, is the reason, and not what lies there."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in _REFUSALS


def _mtime(folder: Path) -> int:
    """Return when a folder's names last changed; 0 when it is none."""
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime_ns
    return 0


def _manifests(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and stamp of every file that may be a manifest."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_one = entry.name.endswith(".toml") and not entry.name.startswith(".")
            if is_one and entry.is_file(follow_symlinks=False):
                yield entry.name, _stamped(entry.stat(follow_symlinks=False))


def _stamp(path: Path) -> str:
    with contextlib.suppress(OSError):
        return _stamped(path.lstat())
    return ""


def _stamped(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def _where(question: Question) -> tuple[str, list[Any]]:
    """Return what must hold of a picture that is looked for, and the values that it speaks of."""
    terms, values = terms_of(question)
    return " AND ".join(["made IS NOT NULL", "NOT sheet", *terms]), values


def _apart(one: str, other: str) -> int:
    """Return how many bits of two hashes differ; all where one is no hash."""
    with contextlib.suppress(ValueError):
        return hash_distance(one, other)
    return 64
