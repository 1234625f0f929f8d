"""Sends a request through the line, as everybody does, and waits for its end.

Where no daemon looks after the home, one is started for it, and ends when the line is empty.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.job import State
from plasma_watch.status import read_status
from plasma_watch.system.locks import Lock, is_held
from plasma_watch.words import counted

LOOK_SECONDS = 0.2
UP_SECONDS = 30.0
"""How long a home may be without a daemon while somebody waits: one that starts takes its time."""
_ENDS = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@contextmanager
def daemon_of(home: Home, *options: str) -> Iterator[None]:
    """See to it that a daemon looks after a home for the length of a block.

    Raises PlasmaError `daemon.service` when the one that is there runs nothing, or a new one
    does not come up.
    """
    if is_held(home.lock):
        _refuse_degraded(home)
        yield
        return
    command = [sys.executable, "-m", "plasma_watch", "run", "--home", str(home.root), *options]
    null = subprocess.DEVNULL
    daemon = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
    try:
        _await_up(home, daemon)
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def _refuse_degraded(home: Home) -> None:
    told = read_status(home.status / "daemon.toml")
    is_its_word = str(told.get("pid")) == Lock(home.lock).holder()
    if is_its_word and told.get("state") == "degraded":
        raise PlasmaError(
            Code.DAEMON_SERVICE,
            f"the daemon of {home.root} runs nothing: {told.get('why', '')}",
            str(told.get("hint", "")),
        )


def _await_up(home: Home, daemon: subprocess.Popen[bytes]) -> None:
    """Wait until the daemon tells of itself: it holds the home before it has read its config."""
    until = time.monotonic() + UP_SECONDS
    while read_status(home.status / "daemon.toml").get("pid") != daemon.pid:
        if daemon.poll() is not None or time.monotonic() > until:
            raise PlasmaError(
                Code.DAEMON_SERVICE,
                f"the daemon of {home.root} does not come up",
                "`plasma-watch run` says why.",
            )
        time.sleep(LOOK_SECONDS)


def send(home: Home, name: str, request: dict[str, Any], *, urgent: bool = True) -> str:
    """Drop a request whole, and return what tells its status from an earlier one's."""
    content = toml_text.dumps(request).encode()
    folder = home.urgent if urgent else home.inbox
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{name}.toml.tmp"
    temporary.write_bytes(content)
    temporary.replace(folder / f"{name}.toml")
    return hashlib.sha256(content).hexdigest()


def await_end(
    home: Home,
    name: str,
    sha256: str,
    seconds: float,
    tell: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the status of a drop when it has ended; one that takes too long is cancelled.

    `tell` hears the status whenever it is looked at. Raises PlasmaError `daemon.service` when the
    home is without a daemon for too long; the request is cancelled then too.
    """
    until = time.monotonic() + seconds
    seen = time.monotonic()
    while True:
        status = read_status(home.status / f"{name}.toml")
        if status.get("sha256") == sha256:
            tell(status)
            if status.get("state") in _ENDS:
                return status
        seen = time.monotonic() if is_held(home.lock) else seen
        if time.monotonic() - seen > UP_SECONDS:
            (home.inbox / f"{name}.cancel").touch()
            raise PlasmaError(
                Code.DAEMON_SERVICE,
                f"the daemon of {home.root} ended before {name} did",
                "status/daemon.log tells of its last steps; `plasma-watch run` starts it again.",
            )
        if time.monotonic() > until:
            (home.inbox / f"{name}.cancel").touch()
            return status | {"state": "failed", "why": _too_long(status, seconds)}
        time.sleep(LOOK_SECONDS)


def _too_long(status: dict[str, Any], seconds: float) -> str:
    last = f"; it last said: {status['why']}" if status.get("why") else ""
    return f"it took longer than {counted(round(seconds / 60), 'minute')} and was cancelled{last}"


def picture_of(home: Home, status: dict[str, Any]) -> Path:
    """Return the picture of a status that is done."""
    return home.at(str(status["outputs"][0]))
