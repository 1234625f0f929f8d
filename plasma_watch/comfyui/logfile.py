"""What another program prints, kept in a file that is set aside at each start and when it is large.

The program goes on writing into the same file, from its new beginning: it was opened to append.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from plasma_watch.system import files

MOST_BYTES = 5_000_000
KEPT = 3
"""How many older ones are kept, each with its number behind the name."""
_TAIL_BYTES = 16_384


class LogFile:
    """One such file. Its state: where the present start begins in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = 0

    @contextlib.contextmanager
    def begun(self) -> Iterator[BinaryIO]:
        """Set the old one aside, and give a new one to be written to."""
        self._set_aside(at_least=1)
        with self._path.open("ab") as file:
            self._begin = file.tell()
            yield file

    def tail(self) -> str:
        """Return the end of what was printed since the start."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(self._begin, size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
        return ""

    def keep_small(self) -> None:
        """Set it aside when it is large."""
        self._set_aside(at_least=MOST_BYTES)

    def _set_aside(self, at_least: int) -> None:
        with contextlib.suppress(OSError):
            if self._path.stat().st_size < at_least:
                return
            for number in range(KEPT - 1, 0, -1):
                if (older := self._numbered(number)).exists():
                    older.replace(self._numbered(number + 1))
            files.write_whole(self._numbered(1), self._path.read_bytes())
            with self._path.open("ab") as file:
                file.truncate(0)
            self._begin = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
