"""A trap in a daemon of the tests: at a named point it is killed, or the disk refuses.

The points are not in the daemon's code. They are what Python's own audit events tell of it: every
file opened for writing, renamed, linked or removed below the home or the output folder, and every
request sent to the engine. So no step that changes something can be forgotten.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_ID = re.compile(r"\d{8}T\d{6}-[^/]*?(?=/|-\d+\.(?:png|toml)\.tmp$|$)")
_NUMBER = re.compile(r"\.\d+-\d+(?=\.tmp$)|\.\d+(?=\.tmp$)")
"""Of the process, and of its thread: another one in each daemon."""
_VERSION = re.compile(r"_v\d+")


@dataclass(frozen=True, slots=True)
class Spec:
    """What to do at which point: kill before it, kill after a request was sent, or refuse."""

    point: str
    nth: int
    act: str
    """`before`, `after`, or the name of an errno: ENOSPC, EIO, EPERM."""


class Trap:
    """Counts the points, and acts at one of them. Its state: how often each was passed."""

    def __init__(
        self, home: Path, spec: Spec | None, record: Path | None, meanwhile: Mapping[str, str]
    ) -> None:
        self._home = str(home)
        self._meanwhile = meanwhile
        """What somebody puts into the home when a point is passed for the first time."""
        self._spec = spec
        self._record = record
        self._passed: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._is_inside = False
        self._asked = ""

    def set(self) -> None:
        """Listen from now on, for the life of the process."""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_inside:
            return
        name = point_of(event, arguments, self._home)
        if event == "http.client.send":
            self._asked = name = name or f"body of {self._asked}"
        if name is None:
            return
        with self._lock:
            self._is_inside = True
            try:
                self._pass(name, arguments)
            finally:
                self._is_inside = False

    def _pass(self, name: str, arguments: tuple[Any, ...]) -> None:
        self._passed[name] += 1
        if name in self._meanwhile and self._passed[name] == 1:
            Path(self._home, self._meanwhile[name]).touch()
        if self._record:
            with self._record.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
        spec = self._spec
        if spec is None or (name, self._passed[name]) != (spec.point, spec.nth):
            return
        if spec.act == "after":
            connection, data = arguments
            connection.sock.sendall(data)
        if spec.act in ("before", "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, spec.act)
        raise OSError(number, os.strerror(number))


def point_of(event: str, arguments: tuple[Any, ...], home: str) -> str | None:
    """Return the name of the point that an audit event stands for, or None."""
    match event, arguments:
        case "open", (str() | bytes() | os.PathLike() as path, _, int(flags)) if flags & _WRITING:
            return _named("write", home, path)
        case (("os.rename" | "plasma_watch.rename" | "os.link"), (source, target, *_)):
            verb = "link" if event == "os.link" else "rename"
            return _named(verb, home, source, target)
        case (("os.remove" | "os.mkdir" | "os.rmdir"), (path, *_)):
            return _named(event.removeprefix("os."), home, path)
        case "http.client.send", (_, bytes(data)):
            return _request(data)
        case _:
            return None


def _named(verb: str, home: str, *paths: object) -> str | None:
    texts = [os.fsdecode(path) for path in paths if isinstance(path, str | bytes | os.PathLike)]
    if not any(text.startswith(home) for text in texts):
        return None
    return f"{verb} " + " -> ".join(_plain(text, home) for text in texts)


def _plain(path: str, home: str) -> str:
    """Return a path without what changes from run to run."""
    path = path.removeprefix(home + "/")
    return _VERSION.sub("_vN", _ID.sub("<id>", _NUMBER.sub("", path)))


def _request(data: bytes) -> str | None:
    line = data.split(b"\r\n", 1)[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    if method not in ("GET", "POST"):
        return None
    route = re.split(r"[?/ ]", rest.lstrip("/"))[0]
    return f"{method} /{route}"
