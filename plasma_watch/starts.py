"""Remembers the starts that ended by an error of ours before the daemon was ready.

Whoever starts us again would start us into the same error for ever. After three in a row a start
stays up, runs nothing and says why. A kill or a power cut leaves no word here and never counts.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from plasma_watch.errors import PlasmaError
from plasma_watch.system import files

MOST = 3
"""After so many failed starts in a row the next one runs nothing."""


class Starts:
    """One small file in `.plasma/`; its state is on the disk alone. Another version begins anew."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self._version = version

    def failures(self) -> list[str]:
        """Return what the last starts died of, oldest first."""
        try:
            noted = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        match noted:
            case {"version": self._version, "died_of": list(died_of)}:
                return [str(each) for each in died_of]
            case _:
                return []

    def are_too_many(self) -> bool:
        """Tell whether the last starts all failed."""
        return len(self.failures()) >= MOST

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Note an error of ours that ends the start; what people can mend is none."""
        try:
            yield
        except PlasmaError:
            raise
        except Exception as exc:
            self.failed(f"{type(exc).__name__}: {exc}")
            raise

    def failed(self, died_of: str) -> None:
        """Note that a start ended before the daemon was ready."""
        noted = {"version": self._version, "died_of": [*self.failures(), died_of][-MOST:]}
        with contextlib.suppress(OSError):
            files.write_whole(self._path, json.dumps(noted).encode())

    def ready(self) -> None:
        """Take it that the daemon works: what was before counts no more."""
        with contextlib.suppress(OSError):
            self._path.unlink()
