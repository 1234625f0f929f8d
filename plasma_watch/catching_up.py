"""What a start has to tell for the daemon before it: ends that were not told any more.

A crash between a job's last move and its status, and files taken away while nobody looked, leave
statuses that say `waiting` or `running` of jobs that do neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plasma_watch.job import State
from plasma_watch.line import Announce, Line
from plasma_watch.status import Board, JobStatus


def tell_ends(
    board: Board, line: Line, is_known: Callable[[str], bool], announce: Announce
) -> None:
    """Tell the true end of every job whose status says that it is still under way."""
    for told in board.unfinished():
        job = str(told["job"])
        if is_known(job):
            continue
        if ended := line.ended(job):
            announce(ended)
        elif not is_known(job):  # the other thread may have begun it since
            board.show(_gone(told))


def _gone(told: dict[str, Any]) -> JobStatus:
    return JobStatus(
        name=str(told.get("name")),
        job=str(told["job"]),
        kind=str(told.get("kind", "unknown")),
        dropped=told["dropped"],
        sha256=str(told.get("sha256", "")),
        state=State.CANCELLED,
        why="its file was taken away while no daemon looked",
    )
