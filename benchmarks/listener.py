"""The least that a watched folder can do: a bare listener in this process, woken by a rename.

It is the floor of every answer to a drop: the same library hears the same event of the kernel, and
nothing is checked, kept or told.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer


@dataclass(frozen=True, slots=True)
class Folders:
    """Where its files come from, and where it hears them.

    They come from a folder beside the one that is watched: within one, the library holds the first
    half of a rename back until it has seen the second, and the floor would be higher.
    """

    source: Path
    watched: Path

    @classmethod
    def in_(cls, folder: Path) -> Folders:
        """Make both."""
        made = cls(folder / "source", folder / "watched")
        made.source.mkdir(parents=True)
        made.watched.mkdir()
        return made

    def drop(self, name: str, text: str) -> float:
        """Move a file in, and return when."""
        temporary = self.source / name
        temporary.write_text(text)
        now = time.perf_counter()
        temporary.rename(self.watched / name)
        return now


class _Handler(FileSystemEventHandler):
    """Calls with every file that came in. Its state: none."""

    def __init__(self, answer: Callable[[Path], object]) -> None:
        self._answer = answer

    def dispatch(self, event: FileSystemEvent) -> None:
        """Answer one event."""
        if event.event_type == "created":
            self._answer(Path(str(event.src_path)))


@contextlib.contextmanager
def listening(folder: Path, answer: Callable[[Path], object]) -> Iterator[Folders]:
    """Answer what is dropped for the length of a block."""
    folders, observer = Folders.in_(folder), Observer()
    observer.schedule(_Handler(answer), str(folders.watched))
    observer.start()
    try:
        yield folders
    finally:
        observer.stop()
        observer.join()
