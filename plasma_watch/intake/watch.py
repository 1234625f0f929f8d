"""Wakes the house when something moved in the inbox, and remembers what was moved there whole.

Events are hints: missing ones cost time, wrong ones cost a look. The watcher notices that it died
or that its folder was taken away and brought back, and starts again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_MODIFIED,
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

from plasma_watch.intake import settle
from plasma_watch.system.files import Fingerprint

log = logging.getLogger(__name__)

_MOST_REMEMBERED = 100_000
CANARY_SECONDS = 5.0
"""How long the canary may take to be heard; events come within milliseconds, or not at all."""
_CHANGES: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
"""What is asked of the kernel: it need not tell of every reader, of whom we are the first."""
PAIR_SECONDS = 0.01
"""How long the two halves of one rename may lie apart; the kernel queues them together."""


@dataclass(frozen=True, slots=True)
class News:
    """What events told of the inbox."""

    touched: frozenset[Path] | None
    """The paths that they named; None: anything may have changed."""
    moved_whole: frozenset[Fingerprint]
    """What was moved in whole."""


class Watch(FileSystemEventHandler):
    """Sets `wake` on every event; its state is the running observer and what was moved in whole.

    A canary file, in a folder of its own on the same volume, tells whether events come from there
    at all: from a network volume or exFAT they may not.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        wake: threading.Event,
        canary: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = folders
        self._canary = canary
        self._clock = clock
        self._sung_at = 0.0
        """When the canary was last let out; 0 when no answer is waited for."""
        self.is_polling = False
        """Whether events were waited for in vain, so that the inbox must be read often."""
        self._wake = wake
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, ...] = ()
        self._known_as: dict[Path, Path] = {}
        """The folders as events name them, to what we call them."""
        self._is_deaf = False
        self._moved: set[Fingerprint] = set()
        self._touched: set[Path] | None = None
        """What events named since it was last asked; None: anything may have changed."""
        self._lock = threading.Lock()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take one event: note a whole file, wake the house."""
        if event.event_type in ("opened", "closed_no_write"):
            return
        path = Path(os.fsdecode(event.src_path or event.dest_path))
        if self._canary and path.parent.name == self._canary.parent.name:
            self._hear(path)
            return
        with self._lock:
            if isinstance(event, FileMovedEvent) and _arrived_whole(event):
                self._remember(Path(os.fsdecode(event.dest_path)))
            for named in (event.src_path, event.dest_path):
                if named:
                    self._touch(Path(os.fsdecode(named)), event)
        self._wake.set()

    def _hear(self, path: Path) -> None:
        """Hear an event from the canary's folder."""
        if self._canary and path.name == self._canary.name and self._sung_at:
            self._sung_at = 0.0
            if self.is_polling:
                log.info("events come from %s again", self._folders[0])
            self.is_polling = False

    def _make_room(self) -> None:
        """Give the canary its folder, in which nothing else is ever written."""
        if self._canary:
            with contextlib.suppress(OSError):
                self._canary.parent.mkdir(exist_ok=True)

    def _sing(self) -> None:
        """Let the canary out."""
        if self._canary:
            self._sung_at = self._clock()
            with contextlib.suppress(OSError):
                self._canary.write_bytes(b"")
                self._canary.unlink()

    def _listen(self) -> None:
        """Notice that the canary was not heard."""
        if self._sung_at and self._clock() - self._sung_at > CANARY_SECONDS:
            self._sung_at = 0.0
            if not self.is_polling:
                log.warning("no events come from %s: it is read often instead", self._folders[0])
            self.is_polling = True

    def _remember(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and len(self._moved) < _MOST_REMEMBERED:
                self._moved.add(Fingerprint.of(found))

    def _touch(self, path: Path, event: FileSystemEvent) -> None:
        """Note a path that an event named; of a folder of ours it says only that it is not new."""
        if path in self._known_as and event.event_type == EVENT_TYPE_MODIFIED:
            return
        folder = self._known_as.get(path.parent)
        if folder is None or path in self._known_as or self._has_many():
            self._touched = None
        elif self._touched is not None:
            self._touched.add(folder / path.name)

    def _has_many(self) -> bool:
        return self._touched is not None and len(self._touched) >= _MOST_REMEMBERED

    def news(self) -> News:
        """Return what events told since the last call; all that one event tells, together."""
        with self._lock:
            touched, self._touched = self._touched, set() if self._observer else None
            moved, self._moved = frozenset(self._moved), set()
        is_known = touched is not None and not self.is_polling
        return News(frozenset(touched or ()) if is_known else None, moved)

    def revive(self) -> None:
        """Start watching, or start again when the observer died or a folder is another one now."""
        inodes = tuple(_inode(folder) for folder in self._folders)
        if self._observer and inodes == self._watched and _is_alive(self._observer):
            self._listen()
            return
        self.stop()
        self._make_room()
        watched = [*self._folders, *([self._canary.parent] if self._canary else [])]
        try:
            self._observer = _start(self, [f for f in watched if f.is_dir()])
        except OSError as exc:
            if not self._is_deaf:
                log.warning("no events from %s (%s): only rescans", self._folders[0], exc.strerror)
            self._is_deaf = True
            return
        self._watched, self._is_deaf = inodes, False
        self._known_as = {folder.resolve(): folder for folder in self._folders}
        log.info("watching %s (%s)", self._folders[0], type(self._observer).__name__)
        self._sing()
        self._wake.set()

    def stop(self) -> None:
        """Stop watching."""
        observer, self._observer = self._observer, None
        with self._lock:
            self._touched = None
        if observer:
            observer.stop()
            observer.join(timeout=1)


def _arrived_whole(event: FileMovedEvent) -> bool:
    """Tell whether a rename brought a whole file: from an ignored name, or from outside.

    A rename from outside shows no source; only inotify reports it.
    """
    source = Path(os.fsdecode(event.src_path or b"")).name
    return not source or settle.sort(source, stat.S_IFREG).sort is settle.Sort.JUNK


def _inode(folder: Path) -> int:
    try:
        return folder.stat().st_ino
    except OSError:
        return 0


def _is_alive(observer: BaseObserver) -> bool:
    return observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)


def _start(handler: FileSystemEventHandler, folders: list[Path]) -> BaseObserver:
    observer = _observer()
    try:
        for folder in folders:
            observer.schedule(
                handler, str(folder.resolve()), recursive=False, event_filter=_CHANGES
            )
        observer.start()
    except OSError:
        observer.stop()  # it has a thread already, though it never started
        raise
    return observer


def _observer() -> BaseObserver:
    if sys.platform == "linux":
        from watchdog.observers.inotify import InotifyObserver  # noqa: PLC0415
        from watchdog.observers.inotify_move_event_grouper import (  # noqa: PLC0415
            InotifyMoveEventGrouper,
        )

        # A file that leaves the inbox holds back every event behind it for this long, in case its
        # arrival is seen too; the library waits half a second, and each claim would cost that.
        InotifyMoveEventGrouper.delay = PAIR_SECONDS
        return InotifyObserver(generate_full_events=True)
    from watchdog.observers import Observer  # noqa: PLC0415

    return Observer()
