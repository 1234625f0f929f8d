"""From a home to a running daemon: lock, log, config, folders, signals.

Under launchd or systemd a held home and a broken config are waited for, in state `degraded`,
because exiting would only start a loop; in a terminal they end the start with their exit code.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from plasma_watch import __version__
from plasma_watch.config import Config, load_config
from plasma_watch.daemon import Daemon, Options, check_layout, held
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.notices import sender
from plasma_watch.stand_ins import with_sandbox
from plasma_watch.starts import MOST, Starts
from plasma_watch.status import Board, utc_now
from plasma_watch.system import files, platform
from plasma_watch.system.locks import Lock
from plasma_watch.words import visible

log = logging.getLogger(__name__)

SUPERVISED = "PLASMA_SUPERVISED"
"""Set to 1 by the launchd and systemd units that `service install` writes."""
RETRY_SECONDS = 2.0
"""How often a degraded start is tried again."""
_LOG_BYTES = 2_000_000
_LOG_FILES = 3

Made = TypeVar("Made")
Sandbox = Callable[[Home, Config], AbstractContextManager[str]]
"""Starts the stand-in engine and yields its address."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a start was asked for."""

    home: Home
    options: Options
    environ: Mapping[str, str]
    sandbox: Sandbox | None = None

    @property
    def is_supervised(self) -> bool:
        """Whether launchd or systemd would start us again."""
        return self.environ.get(SUPERVISED) == "1"


def run(start: Start) -> int:
    """Run the daemon of a home until it is asked to stop; return the exit code.

    Raises PlasmaError `daemon.held` or `config.*` when it cannot start and nobody would wait.
    """
    stop = threading.Event()
    signals = _Signals(stop.set)
    lock = Lock(start.home.lock)
    if not _until(lambda: _take(lock, start.home), start, stop, tell=False):
        return 0
    try:
        _log_to(start)
        starts = Starts(start.home.private / "starts.json", __version__)
        _stay_safe(start, starts, stop)
        with starts.counted():
            config = _until(lambda: _configured(start), start, stop, tell=True)
            return _run(start, config, _Parts(starts, lock, signals), stop) if config else 0
    finally:
        lock.release()


def _stay_safe(start: Start, starts: Starts, stop: threading.Event) -> None:
    """Stay up and run nothing while the last starts all ended by an error of ours."""
    if not starts.are_too_many():
        return
    died_of = starts.failures()[-1]
    said = f"the last {MOST} starts ended by an error of ours ({died_of}); nothing is run"
    way_out = "Update Plasma Watch, or remove .plasma/starts.json to try again; please report it."
    log.critical("safe mode: %s", said)
    Board(start.home.status).daemon(_degraded(PlasmaError(Code.DAEMON_SAFE_MODE, said, way_out)))
    while starts.are_too_many() and not stop.is_set():
        stop.wait(RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a start has in hand when the daemon begins."""

    starts: Starts
    lock: Lock
    signals: _Signals


def _run(start: Start, config: Config, parts: _Parts, stop: threading.Event) -> int:
    if start.sandbox is None:
        return _run_daemon(start, config, parts, stop)
    with start.sandbox(start.home, config) as url:
        return _run_daemon(start, with_sandbox(config, url, start.home), parts, stop)


def _run_daemon(start: Start, config: Config, parts: _Parts, stop: threading.Event) -> int:
    log.info("Plasma Watch %s looks after %s", __version__, start.home.root)
    daemon = Daemon(start.home, config, start.options, parts.starts, parts.lock)
    parts.signals.stop_by(daemon.stop)
    if stop.is_set():
        daemon.stop()
    return daemon.run()


def _take(lock: Lock, home: Home) -> bool:
    if not lock.acquire():
        raise held(lock, home)
    return True


def _configured(start: Start) -> Config:
    config = load_config(start.home.config, start.environ)
    check_layout(start.home, config)
    return config


def _until(
    attempt: Callable[[], Made], start: Start, stop: threading.Event, *, tell: bool
) -> Made | None:
    """Return what an attempt makes; under a supervisor try again until it does, or None at a stop.

    `tell` says whether the status of the home is ours to write.
    """
    said, notify = "", sender(platform.notification)
    while not stop.is_set():
        try:
            return attempt()
        except PlasmaError as exc:
            if not start.is_supervised:
                raise
            if exc.message != said:
                said = exc.message
                log.warning("degraded: %s (%s)", exc.message, exc.code)
                if tell:
                    Board(start.home.status).daemon(_degraded(exc))
                    notify(f"{start.home.root.name} waits: {exc.message}")
            stop.wait(RETRY_SECONDS)
    return None


def _degraded(exc: PlasmaError) -> dict[str, Any]:
    return {
        "state": "degraded",
        "why": exc.message,
        "code": str(exc.code),
        "hint": exc.hint,
        "pid": os.getpid(),
        "version": __version__,
        "heartbeat": utc_now().replace(microsecond=0),
    }


class _Signals:
    """Ends well on SIGTERM and SIGINT: exit code 0, jobs kept. Its state: what stops us now.

    A handler runs in the main thread wherever that stands, also inside of a lock that a stop needs.
    So it writes into a pipe and no more; a thread of its own reads that, and stops.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        reading, self._writing = os.pipe()
        threading.Thread(target=self._hear, args=(reading,), name="signals", daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the library's shape
        os.write(self._writing, b"!")

    def _hear(self, reading: int) -> None:
        while os.read(reading, 1):
            with self._lock:
                self._stop()

    def stop_by(self, stop: Callable[[], None]) -> None:
        """Stop by something else from now on; what was heard before was stopped the old way."""
        with self._lock:
            self._stop = stop


class _Visible(logging.Formatter):
    """Writes lines that steer no terminal, whatever an engine or a request put into them."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        return visible(super().format(record))


class _Log(logging.handlers.RotatingFileHandler):
    """Begins its file anew when that was taken away, as with a home that is made anew."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if not os.path.lexists(self.baseFilename):
            if self.stream:
                self.close()
            files.make_again(Path(self.baseFilename).parent)
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Let go of what the disk refuses; of anything else a bug of ours is the cause."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _log_to(start: Start) -> None:
    """Log to standard error and, rotated, to `status/daemon.log`.

    What a supervisor gathers from standard error it may never rotate: only errors go there.
    """
    home = start.home
    home.status.mkdir(parents=True, exist_ok=True)
    formatter = _Visible("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    file = _Log(
        home.status / "daemon.log", maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
    )
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    spoken = logging.StreamHandler(sys.stderr)
    spoken.setLevel(logging.ERROR if start.is_supervised else logging.INFO)
    for handler in (file, spoken):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
