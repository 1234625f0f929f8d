"""The two streams: the log goes to standard error, as Rich writes it; the rest is printed.

A line of the log names the line of the real trainer's source that it stands for, because that is
shown at its right end. Standard output is buffered, unless Python is told otherwise.
"""

import logging
import sys
from argparse import Namespace

from rich.console import Console as Terminal
from rich.logging import RichHandler

DATES = "%Y-%m-%d %H:%M:%S"


class Console:
    """Where a run speaks; it changes when the options are known, as the real one's log does."""

    def __init__(self) -> None:
        self._use(RichHandler(console=Terminal(stderr=True)))

    def set_up(self, options: Namespace) -> None:
        """Log as the options want it."""
        self._use(_handler(options), options.console_log_level or "INFO")

    def info(self, where: str, message: str) -> None:
        """Log what happens."""
        self._log(logging.INFO, where, message)

    def warning(self, where: str, message: str) -> None:
        """Log what may be meant otherwise."""
        self._log(logging.WARNING, where, message)

    def error(self, where: str, message: str) -> None:
        """Log what is wrong."""
        self._log(logging.ERROR, where, message)

    def say(self, message: str) -> None:
        """Print to standard output."""
        print(message)  # noqa: T201 - that is where the real one says it

    def _use(self, handler: logging.Handler, level: str = "INFO") -> None:
        handler.setFormatter(logging.Formatter("%(message)s", DATES))
        self._handler = handler
        self._level = logging.getLevelNamesMapping()[level]

    def _log(self, level: int, where: str, message: str) -> None:
        file, _, line = where.partition(":")
        record = logging.LogRecord(file, level, file, int(line), message, None, None)
        if level >= self._level:
            self._handler.handle(record)


def _handler(options: Namespace) -> logging.Handler:
    if options.console_log_file:
        return logging.FileHandler(options.console_log_file, mode="w", encoding="utf-8")
    if options.console_log_simple:
        return logging.StreamHandler(sys.stdout)
    return RichHandler(console=Terminal(stderr=True))
