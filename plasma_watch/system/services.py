"""A service of the user: what is run at log-in, and what can be asked of whoever runs it.

launchd and systemd are two ways of the same meaning: a stop (exit 0) stays stopped, a crash or a
kill comes back, log-in starts it. What the service does is not known here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system.files import write_whole

DAEMON = "daemon"
COMFYUI = "comfyui"
WAIT_SECONDS = 15.0
"""How long what was asked for may take until it is called failed."""
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Unit:
    """What is to be run, and where. Paths are absolute; nothing in it is expanded by anybody."""

    name: str
    command: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a service; None is unknown."""

    is_installed: bool
    file: Path
    is_loaded: bool | None = None
    is_enabled: bool | None = None
    pid: int | None = None
    words: str = "unknown"
    """The state as the system calls it."""
    runs: int | None = None
    last_exit: str = ""


class Services(Protocol):
    """Whoever runs the services of a user."""

    calls_it: str
    """What it is called."""

    def meanings(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what log-in, stop, disabling and uninstalling mean, each with its words."""

    def text(self, unit: Unit) -> str:
        """Return the file that would be written."""

    def install(self, unit: Unit) -> None:
        """Write the file and start the service; one that runs already is started anew.

        When the system does not take it, the file is as it was before.
        """

    def uninstall(self, name: str) -> None:
        """Stop the service and remove its file, also when the system does not do its part."""

    def start(self, name: str) -> None:
        """Start an installed service."""

    def stop(self, name: str) -> None:
        """Stop a service and wait until it has ended; it stays stopped."""

    def state(self, name: str) -> State:
        """Return what is known of a service."""

    def command(self, name: str) -> tuple[str, ...]:
        """Return what the installed file starts; empty if there is none to read."""


def until(
    is_so: Callable[[], bool],
    pause: Callable[[float], None],
    seconds: float = WAIT_SECONDS,
) -> bool:
    """Look until it is so, for a while; tell whether it came to be."""
    for _ in range(max(1, round(seconds / LOOK_SECONDS))):
        if is_so():
            return True
        pause(LOOK_SECONDS)
    return is_so()


def earlier(file: Path) -> bytes | None:
    """Return the file that an older install left; None if there is none."""
    with contextlib.suppress(OSError):  # the one that cannot be read cannot be written either
        return file.read_bytes()
    return None


def put_back(file: Path, before: bytes | None) -> None:
    """Leave a service's file as it was before an install that the system did not take."""
    with contextlib.suppress(OSError):  # what the system said is told, not this
        if before is None:
            file.unlink(missing_ok=True)
        else:
            write_whole(file, before)


@contextlib.contextmanager
def removing(*files: Path) -> Iterator[None]:
    """Remove a service's files after it was stopped, also when the system would not stop it."""
    try:
        yield
    except PlasmaError as exc:
        said = f"{files[0]} is removed, but {exc.message}"
        raise PlasmaError(exc.code, said, exc.hint, exc.problems) from exc
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def refused(what: str, why: str, hint: str) -> PlasmaError:
    """Return the error for a service that the system did not do as asked."""
    return PlasmaError(Code.DAEMON_SERVICE, f"{what}: {why}", hint)


def not_installed(name: str, file: Path) -> PlasmaError:
    """Return the error for a service that there is not."""
    option = " --comfyui" if name == COMFYUI else ""
    return PlasmaError(
        Code.DAEMON_NOT_INSTALLED,
        f"the service is not installed: there is no {file}",
        f"`plasma-watch service install{option}` installs it.",
    )
