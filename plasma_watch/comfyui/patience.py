"""How long an engine may tell of nothing before its prompt counts as hanging. Pure.

A prompt that runs shows signs of life: frames of its own, or news in the engine's log, which goes
on when the stream of frames is held up by another client. How long it may show none follows from
the steps that it made: before the first two models are loaded, and that takes as long as it takes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from plasma_watch.comfyui.protocol import Fact, Stepped

LOADING_SECONDS = 3600.0
"""Without a pace, this long; a cold model on a swapping machine takes minutes."""
PACES = 30
"""After a step, as long as so many of the slowest one, and never less than the configured least."""
OBEY_SECONDS = 60.0
"""How long a prompt that was interrupted for hanging is given to stop."""
LOG_SECONDS = 15.0
"""How often the log is read while a prompt waits: does the worker before it live?"""
_LOOKS = 4
"""How often the log is read within the limit while it runs."""
_DIED = re.compile(r"Exception in thread [^\n]*\(prompt_worker\):\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the engine's log: the local time as it writes it, and the text."""

    when: str
    text: str


class Patience:
    """Watches one prompt. Its state: the last sign of life, and the slowest step so far."""

    def __init__(
        self,
        least_seconds: float,
        now: float,
        loading_seconds: float = LOADING_SECONDS,
        obey_seconds: float = OBEY_SECONDS,
        log_seconds: float = LOG_SECONDS,
    ) -> None:
        self._least = least_seconds
        self._loading = max(loading_seconds, least_seconds)
        self._obey = obey_seconds
        self._between_logs = log_seconds
        self._is_waiting = False
        self._interrupted_at: float | None = None
        self._since = now
        self._stepped_at: float | None = None
        self._slowest: float | None = None
        self._newest: LogLine | None = None
        self._looked = now

    def heard(self, fact: Fact, now: float) -> None:
        """Take a fact about the prompt for a sign of life, and a step for its pace as well."""
        self._since, self._is_waiting = now, False
        if isinstance(fact, Stepped):
            if self._stepped_at is not None:
                self._slowest = max(self._slowest or 0.0, now - self._stepped_at)
            self._stepped_at = now

    def waits(self, now: float) -> None:
        """Take it that the prompt does not run now, or that nobody can tell: all begins anew."""
        self._since, self._is_waiting = now, True
        self._stepped_at = self._slowest = None

    def read(self, log: Sequence[LogLine], now: float) -> None:
        """Take news in the engine's log for a sign of life."""
        newest = log[-1] if log else None
        if self._newest is not None and newest != self._newest:
            self._since = now
        self._newest, self._looked = newest, now

    def _limit(self) -> float:
        if self._slowest is None:
            return self._loading
        return max(self._least, PACES * self._slowest)

    def is_doubtful(self, now: float) -> bool:
        """Tell whether it is time to read the engine's log."""
        if self._is_waiting:
            return now - self._looked >= self._between_logs
        between = self._limit() / _LOOKS
        return now - self._since >= between and now - self._looked >= between

    def is_over(self, now: float) -> bool:
        """Tell whether the prompt hangs."""
        return now - self._since >= self._limit()

    @property
    def was_interrupted(self) -> bool:
        """Whether the prompt was interrupted for hanging."""
        return self._interrupted_at is not None

    def interrupted(self, now: float) -> None:
        """Take it that the prompt was interrupted for hanging."""
        self._interrupted_at = now

    def has_run_on(self, now: float) -> bool:
        """Tell whether the prompt had its time to stop, and did not."""
        return self._interrupted_at is not None and now - self._interrupted_at >= self._obey


def how_the_worker_died(log: Sequence[LogLine]) -> str:
    """Return the last words of the engine's worker, or an empty string while it lives.

    ComfyUI writes them nowhere else: it goes on answering, and runs nothing any more.
    """
    found = _DIED.search("".join(line.text for line in log))
    if not found:
        return ""
    plain = (line for line in found[1].splitlines() if line and not line[0].isspace())
    return next((line for line in plain if not line.startswith("Traceback")), "it left no word")
