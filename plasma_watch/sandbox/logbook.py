"""The last lines of the log, which the engine shows to whoever asks."""

import logging
from collections import deque
from datetime import datetime

from plasma_watch.sandbox.graph import Json

CAPACITY = 300


class Logbook(logging.Handler):
    """Keeps the newest lines; it is a log handler, so it changes with every line."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[Json] = deque(maxlen=CAPACITY)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line with its local time, as the engine does."""
        when = datetime.fromtimestamp(record.created).isoformat()  # noqa: DTZ006
        self._lines.append({"t": when, "m": f"{self.format(record)}\n"})

    def lines(self) -> list[Json]:
        """List what is kept, oldest first."""
        return list(self._lines)
