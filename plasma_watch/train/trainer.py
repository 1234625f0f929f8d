"""The trainer's process: started in a session of its own, heard through two pipes, ended whole.

It has no way to be asked to stop: a signal ends it where it stands, and what it saved before is
what remains. So ending it is simple, and ending all of it is what matters. What it says is not
understood here; every segment goes into its log.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

from plasma_watch import job
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import processes
from plasma_watch.train.progress import Framer

STAND_IN = Path(__file__).parents[1] / "sandbox" / "trainer" / "__main__.py"
"""The script of the trainer that stands in for kohya's in the sandbox."""
STOP_SECONDS = 2.0
"""How long it is given to end; it listens to nothing, so it does at once or not at all."""
DRAIN_SECONDS = 5.0
"""How long its last words are waited for when it has ended."""
LOG_BYTES = 4_000_000
_TICK_SECONDS = 0.1
_CHUNK = 65_536
_MOST_CHUNKS = 64
_THREADS = 4
_UNWANTED = frozenset(
    {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "ACCELERATE_USE_CPU", "FORCE_COLOR", "LINES"}
)
"""What the daemon's own surroundings must not do to another Python."""

Heard = tuple[str, list[str]]
"""A stream's name, and the segments that came on it."""


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the surroundings of a trainer; what decides its memory may be set by hand."""
    kept = {key: value for key, value in ours.items() if key not in _UNWANTED}
    return _PREFERRED | kept | _MUST


_PREFERRED = {
    "OMP_NUM_THREADS": str(min(_THREADS, os.cpu_count() or 1)),
    # By default a Mac swaps long before PyTorch says that memory is out. Low must not exceed high.
    "PYTORCH_MPS_HIGH_WATERMARK_RATIO": "1.2",
    "PYTORCH_MPS_LOW_WATERMARK_RATIO": "1.0",
}
_MUST = {
    "PYTHONUNBUFFERED": "1",  # or its words come when it has ended
    "PYTHONUTF8": "1",  # under launchd there is no locale
    "COLUMNS": "400",  # or its log lines are cut in the middle of paths
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",
}


class Log:
    """The trainer's log: a new part when one is long enough, and none is thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, segments: Sequence[str]) -> None:
        """Add segments, each on a line of its own."""
        self._file.writelines(f"{segment.rstrip()}\n" for segment in segments)
        self._file.flush()
        if self._file.tell() > LOG_BYTES:
            self._turn()

    def _turn(self) -> None:
        self._file.close()
        parts = len(list(self._path.parent.glob(f"{self._path.stem}.*{self._path.suffix}")))
        self._path.rename(self._path.with_suffix(f".{parts + 1}{self._path.suffix}"))
        self._file = self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Process:
    """A trainer. Its state: whether it was ended, and what its streams said that nobody heard."""

    def __init__(
        self, command: Sequence[str], cwd: Path, environ: Mapping[str, str], log: Log
    ) -> None:
        """Start it; raises PlasmaError `trainer.not-configured` when that cannot be."""
        try:
            self._popen = subprocess.Popen(
                command,
                cwd=cwd,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as exc:
            raise PlasmaError(
                Code.TRAINER_NOT_CONFIGURED,
                f"the trainer cannot be started: {exc.strerror} ({exc.filename or command[0]})",
                "Mend kohya.python and kohya.script in config.toml.",
            ) from exc
        self.pid = self._popen.pid
        self._is_ended = False
        self._log = log
        # Bounded: a flood waits in the trainer's own pipe, and not in our memory.
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue(_MOST_CHUNKS)
        self._framers = {"stdout": Framer(), "stderr": Framer()}
        self._open = set(self._framers)
        self._threads = [self._listen(name) for name in self._framers]

    def _listen(self, name: str) -> threading.Thread:
        stream: IO[bytes] = getattr(self._popen, name)
        thread = threading.Thread(target=self._read, args=(name, stream), daemon=True)
        thread.start()
        return thread

    def _read(self, name: str, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), _CHUNK):
            self._heard.put((name, chunk))
        self._heard.put((name, b""))

    def written_down(self) -> job.Trainer | None:
        """Return what tells this process from others, for the journal."""
        written = processes.written_down(self.pid)
        return job.Trainer(written.pid, written.mark, written.command) if written else None

    def exit_code(self) -> int | None:
        """Return its exit code, negative for a signal, or None while it runs."""
        return self._popen.poll()

    def hear(self, seconds: float) -> list[Heard]:
        """Return what it says within a time, as soon as there is anything, but not for ever."""
        if not self._open:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        heard: list[Heard] = []
        with contextlib.suppress(queue.Empty):
            while self._open and len(heard) < _MOST_CHUNKS:
                heard.append(self._framed(*self._heard.get(timeout=0 if heard else seconds)))
        return heard

    def _framed(self, name: str, chunk: bytes) -> Heard:
        framer = self._framers[name]
        segments = framer.feed(chunk) if chunk else framer.close()
        if not chunk:
            self._open.discard(name)
        self._log.write(segments)
        return name, segments

    def end(self) -> list[Heard]:
        """End it and all that it started, and return its last words.

        Whoever of its session outlives it would hold the pipes open and go on writing.
        """
        if self._is_ended:
            return []
        self._is_ended = True
        written = processes.written_down(self.pid) or processes.Process(self.pid, "", ())
        processes.end(written, STOP_SECONDS)
        self._popen.wait()
        heard: list[Heard] = []
        until = time.monotonic() + DRAIN_SECONDS
        while self._open and time.monotonic() < until:
            heard += self.hear(_TICK_SECONDS)
        if not self._open:
            self._close()
        return heard

    def _close(self) -> None:
        for thread in self._threads:
            thread.join()
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream:
                stream.close()


def end_left(written: job.Trainer | None, config_file: Path) -> bool:
    """End what an earlier daemon's trainer left of itself; tell whether nobody of it lives.

    One that died in the instant between starting it and writing it down is found by the file that
    it was started with, which is its attempt's own.
    """
    found = list(processes.leading(str(config_file)))
    if written:
        found.append(processes.Process(written.pid, written.mark, written.command))
    gone = [processes.end(each, STOP_SECONDS) for each in found]
    return all(gone)
