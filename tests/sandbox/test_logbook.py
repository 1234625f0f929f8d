"""The log is kept for whoever asks, but not for ever."""

import logging

from plasma_watch.sandbox.logbook import CAPACITY, Logbook


def test_newest_lines_are_kept() -> None:
    """Each with its time and its end of line."""
    logbook = Logbook()
    for number in range(CAPACITY + 1):
        logbook.handle(logging.makeLogRecord({"msg": f"line {number}"}))
    lines = logbook.lines()

    assert len(lines) == CAPACITY
    assert lines[-1]["m"] == f"line {CAPACITY}\n"
    assert lines[-1]["t"][4] == "-"
