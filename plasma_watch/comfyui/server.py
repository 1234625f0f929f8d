"""A ComfyUI of our own as a process: started, known again after a crash, started anew, ended.

It runs in a session of its own and outlives us on purpose: a prompt that runs when we end, or die,
runs on and is collected later. What is written down in `.plasma/` tells it from a stranger, so that
it is never started twice. What it is asked to do is not known here.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_watch import toml_text
from plasma_watch.comfyui import launch
from plasma_watch.comfyui.logfile import LogFile
from plasma_watch.comfyui.reasons import Reason, killed, seconds_until_start, why_ended
from plasma_watch.config import GB, Comfyui
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import files, platform, processes
from plasma_watch.system.processes import Process
from plasma_watch.words import counted

log = logging.getLogger(__name__)

SILENT_SECONDS = 120.0
"""How long an engine that answered before may be silent until it is started anew."""
GRACE_SECONDS = 5.0
PART_SECONDS = 0.5
"""What is left of the five seconds of a stop."""
_CONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Record:
    """What is written down of a start: the process, and what was asked for."""

    process: Process
    asked: tuple[str, ...]

    def to_toml(self) -> str:
        """Return the record's text."""
        found = self.process
        table = {"pid": found.pid, "mark": found.mark, "command": list(found.command)}
        return toml_text.dumps(table | {"asked": list(self.asked)})

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """Read a record; None when there is none, or it is none."""
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        match table:
            case {"pid": int(pid), "mark": str(mark), "command": list(seen), "asked": list(asked)}:
                command = tuple(str(word) for word in seen)
                return cls(Process(pid, mark, command), tuple(str(word) for word in asked))
            case _:
                return None


class Server:
    """The one process. Its state: the process, since when it is up or silent, the last starts."""

    def __init__(
        self,
        config: Comfyui,
        private: Path,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
        was_short: Callable[[], bool] = lambda: False,
    ) -> None:
        self._was_short = was_short
        """Tells whether memory was short lately."""
        self._config = config
        self._command = launch.command(config)
        self._port = launch.port(config)
        self._environ = launch.environment(environ, config.environment)
        self._record_file = private / "comfyui.toml"
        self._log = LogFile(private / "comfyui.log")
        self._clock = clock
        self._lock = threading.RLock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []
        self._quiet_since = clock()
        """Since when it has not answered: its start, or its last answer."""
        self._has_answered = False
        self._kills_before: int | None = None
        self._last: Reason | None = None
        self._is_parted = False
        self._record = self._left_behind()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process, while it lives."""
        record = self._record
        return record.process.pid if record and self.is_alive() else None

    def _left_behind(self) -> Record | None:
        """Return the process that an earlier daemon left, if it lives."""
        record = Record.read(self._record_file)
        if record is None or not processes.is_alive(record.process):
            # A crash between start and note, or a `.plasma/` that was thrown away.
            process = processes.found(self._command)
            record = Record(process, self._command) if process else None
        if record:
            log.info("ComfyUI (pid %d) is taken over from an earlier daemon", record.process.pid)
        return record

    def is_alive(self) -> bool:
        """Tell whether the process lives."""
        if self._popen is not None:
            return self._popen.poll() is None
        return self._record is not None and processes.is_alive(self._record.process)

    # Up.

    def raise_up(self) -> None:
        """See to it that the process lives: start it if it does not.

        Raises PlasmaError `engine.will-not-start`, `engine.port-taken` or `engine.no-models`.
        """
        with self._lock:
            if self._is_parted or self.is_alive():
                return
            self._bury()
            self._check_budget()
            self._check_models()
            self._check_port()
            self._start()

    def _bury(self) -> None:
        """Note how the process ended, and end what it left behind."""
        record, popen = self._record, self._popen
        self._record = self._popen = None
        pid = record.process.pid if record else popen.pid if popen else None
        if pid is None:
            return
        code = popen.wait() if popen else None
        if record:  # one that died at once was gone before its start could be noted
            processes.end(record.process, GRACE_SECONDS)
        self._last = self._why(pid, code)
        log.warning("ComfyUI (pid %d) is gone: %s", pid, self._last.words)

    def _why(self, pid: int, code: int | None) -> Reason:
        if code != -signal.SIGKILL:
            return why_ended(code, self._log.tail())
        for_memory = platform.was_killed_for_memory(pid, self._kills_before)
        return killed(was_for_memory=for_memory, was_short=self._was_short())

    def _check_budget(self) -> None:
        wait = seconds_until_start(self._starts, self._clock(), self._config.restarts)
        if wait:
            last = self._last or Reason("it did not stay up", "")
            raise PlasmaError(
                Code.ENGINE_WILL_NOT_START,
                f"ComfyUI was started {counted(self._config.restarts, 'time')} and did not "
                f"stay up: {last.words}; it is tried again in {max(1, round(wait / 60))} min",
                last.hint,
            )

    def _check_models(self) -> None:
        """Say that no model is there before a start of half a minute ends in nothing."""
        folder = launch.folder(self._config)
        if (folder / "extra_model_paths.yaml").exists():
            return
        checkpoints = folder / "models" / "checkpoints"
        if checkpoints.is_dir() and not any(checkpoints.rglob("*.safetensors")):
            raise PlasmaError(
                Code.ENGINE_NO_MODELS,
                f"there is no model in {checkpoints}",
                "Put a checkpoint there (.safetensors).",
            )

    def _check_port(self) -> None:
        try:
            socket.create_connection(("127.0.0.1", self._port), _CONNECT_SECONDS).close()
        except OSError:
            return
        raise self._port_taken()

    def _port_taken(self) -> PlasmaError:
        other = processes.listener(self._port)
        by = f"{other.name()} (pid {other.pid})" if other else "another program"
        return PlasmaError(
            Code.ENGINE_PORT_TAKEN,
            f"port {self._port} is taken by {by}, so ComfyUI cannot be started there",
            "End that program, give comfyui.url another port, or set `manage = false` to use it.",
        )

    def _start(self) -> None:
        try:
            with self._log.begun() as file:
                self._popen = subprocess.Popen(
                    self._command,
                    cwd=launch.folder(self._config),
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
        except OSError as exc:
            raise self._will_not_start(exc) from exc
        self._kills_before = platform.memory_kills()
        self._starts.append(self._clock())
        self._quiet_since, self._has_answered = self._clock(), False
        self._note()
        log.info("ComfyUI is started (pid %d, port %d)", self._popen.pid, self._port)

    def _will_not_start(self, exc: OSError) -> PlasmaError:
        missing = next(
            (p for p in (launch.folder(self._config), Path(self._command[0])) if not p.exists()),
            exc.filename,
        )
        return PlasmaError(
            Code.ENGINE_WILL_NOT_START,
            f"ComfyUI cannot be started: {exc.strerror} ({missing})",
            "Mend comfyui.dir and comfyui.python in config.toml.",
        )

    def _note(self) -> None:
        """Write down what tells the process from others; a launcher may have become another."""
        if self._popen is None:
            return
        process = processes.written_down(self._popen.pid)
        if process is None or (self._record and self._record.process == process):
            return
        self._record = Record(process, self._command)
        with contextlib.suppress(OSError):
            files.write_whole(self._record_file, self._record.to_toml().encode())

    # Answering.

    def answered(self) -> None:
        """Hear that something answers at its address.

        Raises PlasmaError `engine.port-taken` when that is somebody else.
        """
        with self._lock:
            if self._record and processes.listens(self._record.process.pid, self._port) is False:
                raise self._port_taken()
            self._quiet_since, self._has_answered = self._clock(), True
            self._note()
            self._log.keep_small()

    def silent(self) -> PlasmaError:
        """Hear that nothing answers; return what that means, and end it when it means the end."""
        with self._lock:
            self._note()
            seconds = self._clock() - self._quiet_since
            if seconds > (SILENT_SECONDS if self._has_answered else self._config.start_seconds):
                self.end(f"it did not answer for {seconds:.0f} s")
            what = "does not answer just now" if self._has_answered else "is starting"
            return PlasmaError(
                Code.ENGINE_STARTING,
                f"ComfyUI {what} ({seconds:.0f} s, pid {self.pid or 'none'})",
                "Nothing; the job goes on when it answers.",
            )

    # Down.

    def wants_renewal(self) -> str:
        """Return why it should be started anew when it has nothing to do, or an empty string."""
        with self._lock:
            record = self._record
            if record is None:
                return ""
            if record.asked != self._command:
                return "it was started in another way than config.toml says now"
            held, limit = processes.footprint(record.process.pid), self._config.recycle_gb * GB
            if limit and held > limit:
                return f"it holds {held / GB:.1f} GB, over {self._config.recycle_gb:g}"
            return ""

    def end(self, why: str, grace_seconds: float = GRACE_SECONDS) -> bool:
        """End the process and all that it started; tell whether nobody of it is left."""
        with self._lock:
            self._note()
            record, popen = self._record, self._popen
            if record is None:
                return True
            log.info("ComfyUI (pid %d) is ended: %s", record.process.pid, why)
            if not processes.end(record.process, grace_seconds):
                return False
            if popen:
                popen.wait()
            self._record = self._popen = None
            self._record_file.unlink(missing_ok=True)
            self._last = Reason(why, "")
            return True

    def part(self, *, is_busy: bool) -> None:
        """Leave it as the daemon ends: busy, it runs on and is taken over; else it is ended."""
        self._is_parted = True  # whatever the worker still does, it starts nothing any more
        if not self._lock.acquire(timeout=PART_SECONDS):
            return
        try:
            if is_busy and self._record:
                pid = self._record.process.pid
                log.info("ComfyUI (pid %d) goes on with its work; the next start takes over", pid)
            else:
                self.end("the daemon ends", PART_SECONDS)
        finally:
            self._lock.release()
