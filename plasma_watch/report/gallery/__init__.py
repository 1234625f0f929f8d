"""The gallery: pages to look at all pictures with, in the output folder, without a server.

    __init__    who has it kept up to date: all that the daemon loads
    __main__    the program: `python -m plasma_watch.report.gallery`; it works once and ends
    update      everything once: pictures, trainings, failures
    build       the pictures: what is new among them, or what is known to be
    entry       what is kept of one picture (pure)
    cabinet     the data of all pictures, as scripts that a page loads from a file
    thumbs      a small picture for each content
    pages       the frames of HTML; `assets/` holds them, the style, and the one script
    failures    what failed lately, with its requests
    trainings   a page a LoRA (story: what it tells; measures and curves: what is drawn in it)

The daemon has it done by a short-lived program of its own, not by a thread: pictures are decoded
there, so nothing in one can hurt the daemon; the memory for it is given back; and the main thread,
which hears signals, never does anything long. No job waits for it, and none fails by it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

LIVE_SECONDS = 30.0
"""How often a job that runs is looked at again: a training, or a request for many pictures."""
RETRY_SECONDS = 60.0
"""When it is tried again after it went wrong."""
_LOOK_SECONDS = 1.0
"""When a program that works is looked at again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the gallery shows of a job that runs: its pictures so far, or how a training goes."""

    job: str
    outputs: int
    step: int


def shown_of(told: Mapping[str, Any]) -> Shown | None:
    """Return what is shown of a running job, by its status; None while that is nothing."""
    job, outputs = str(told.get("job", "")), told.get("outputs")
    many = len(outputs) if isinstance(outputs, list) else 0
    step = told.get("step") if told.get("kind") == "train" else 0
    shown = Shown(job, many, step if isinstance(step, int) else 0)
    return shown if told.get("state") == "running" and (shown.outputs or shown.step) else None


class Keeper:
    """Keeps one gallery up to date. Its state: the program at work, and what is still to be done.

    `note` may be called by any thread; the rest is the main thread's.
    """

    def __init__(self, home: Path, output: Path, loras: Path, told: Path) -> None:
        """Take the folders, and a file for what goes wrong."""
        places = ("--home", str(home), "--output", str(output), "--loras", str(loras))
        self._command = [sys.executable, "-m", "plasma_watch.report.gallery", *places]
        self._told = told
        self._child: subprocess.Popen[bytes] | None = None
        self._is_whole = True
        """Whether everything is to be looked at: at the start, and after it went wrong."""
        self._noted: deque[str] = deque()
        self._running: Shown | None = None
        self._at = float("-inf")
        self._was_bad = False

    def note(self, job: str) -> None:
        """Take it that a job has ended."""
        self._noted.append(job)

    @property
    def is_settled(self) -> bool:
        """Whether it is as it will be, as long as nothing more happens, or went wrong."""
        is_due = self._is_whole or bool(self._noted)
        return self._child is None and (self._was_bad or not is_due)

    def tend(self, now: float, running: Shown | None) -> float | None:
        """Start the program when there is something to do; return when to look again."""
        if self._child is not None:
            if (code := self._child.poll()) is None:
                return _LOOK_SECONDS
            self._has_ended(code)
        if self._was_bad and now - self._at < RETRY_SECONDS:
            return RETRY_SECONDS
        if running and running != self._running:
            if now - self._at < LIVE_SECONDS and not self._noted:
                return LIVE_SECONDS - (now - self._at)
            self._noted.append(running.job)
            self._running = running
        return self._begin(now) if self._is_whole or self._noted else None

    def _begin(self, now: float) -> float:
        jobs = sorted({self._noted.popleft() for _ in range(len(self._noted))})
        which = () if self._is_whole else [word for job in jobs for word in ("--job", job)]
        self._at = now
        try:
            self._child = self._start(which)
        except OSError as exc:
            if not self._was_bad:
                log.warning("the gallery is not brought up to date: %s", exc.strerror)
            self._is_whole = self._was_bad = True
            return RETRY_SECONDS
        self._is_whole = False
        return _LOOK_SECONDS

    def _start(self, which: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._told.open("wb") as told:
            return subprocess.Popen(
                [*self._command, *which],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=told,
                start_new_session=True,
            )

    def _has_ended(self, code: int) -> None:
        self._child = None
        if code and not self._was_bad:
            log.warning("the gallery is not brought up to date; %s says why", self._told)
        self._was_bad = bool(code)
        self._is_whole |= bool(code)

    def stop(self) -> None:
        """End what works: it leaves whole files, and the next start goes on."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self._child = None
