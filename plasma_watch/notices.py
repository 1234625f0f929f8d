"""What a person is notified of: jobs that ended, and what waits for too long. Best effort.

The truth is in `status/` and in the folders; a notification that nobody sees loses nothing. A burst
of pages is told as one. What is told is decided here; how, the platform knows.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from plasma_watch.config import Notify
from plasma_watch.job import Job, State
from plasma_watch.system import tools
from plasma_watch.worker import Hold

TITLE = "Plasma Watch"
APART_SECONDS = 10.0
"""Two notifications are at least this far apart; what happens between is told together."""
_MOST_NAMED = 3
_SEND_SECONDS = 5

Send = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended, as it is told."""

    name: str
    state: State
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.state.value}: {self.why}"


def together(ended: Sequence[Ended]) -> str:
    """Return what is told of jobs that ended since the last time: few by name, many by number."""
    if len(ended) <= _MOST_NAMED:
        return "\n".join(str(each) for each in ended)
    counts = Counter(each.state.value for each in ended)
    return ", ".join(f"{number} {state}" for state, number in counts.items())


def too_long(holds: Mapping[str, Hold], minutes: float, now: float) -> list[Hold]:
    """Return what has waited for longer than so many minutes; 0 minutes: nothing ever.

    A night asleep is no waiting: `now` stands still then, as what a wait is measured from.
    """
    return [hold for hold in holds.values() if 0 < minutes <= (now - hold.began) / 60]


class Notices:
    """What is still to be told. Its state: that, when it last told, and which waits it told of."""

    def __init__(self, config: Notify, send: Send) -> None:
        self._config = config
        self._send = send
        self._lock = threading.Lock()
        self._ended: list[Ended] = []
        self._told_at = float("-inf")
        self._troubled = ""
        self._told_waits: set[tuple[str, datetime]] = set()

    def ended(self, job: Job) -> None:
        """Hear of a job that ended; what somebody cancelled they know."""
        if job.ending and job.ending.state is not State.CANCELLED:
            with self._lock:
                self._ended.append(Ended(job.name, job.ending.state, job.ending.why))

    def flush(self, holds: Mapping[str, Hold], now: float, trouble: str = "") -> None:
        """Tell what is due, all of it together, and not too often."""
        if not self._config.enabled or now - self._told_at < APART_SECONDS:
            return
        texts = [*self._trouble(trouble), *self._waits(holds, now), *self._ends()]
        if texts:
            self._told_at = now
            self._send("\n".join(texts))

    def _trouble(self, trouble: str) -> list[str]:
        """Tell a trouble once, for as long as it lasts."""
        before, self._troubled = self._troubled, trouble
        return [trouble] if trouble and trouble != before else []

    def _ends(self) -> list[str]:
        with self._lock:
            ended, self._ended = self._ended, []
        return [together(ended)] if ended else []

    def _waits(self, holds: Mapping[str, Hold], now: float) -> list[str]:
        found = too_long(holds, self._config.waiting_minutes, now)
        new = [hold for hold in found if (hold.job, hold.since) not in self._told_waits]
        self._told_waits = {(hold.job, hold.since) for hold in found}
        return [f"waits since {hold.since:%H:%M} UTC: {hold.wait.why}" for hold in new]


def sender(command: Callable[[str, str], list[str]]) -> Send:
    """Return what sends a text by the platform's tool, without waiting for it."""

    def send(text: str) -> None:
        words = command(TITLE, text)
        if words:
            threading.Thread(target=tools.ask, args=(words, _SEND_SECONDS), daemon=True).start()

    return send
