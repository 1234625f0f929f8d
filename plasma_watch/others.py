"""What a running job may know of the others: of those that are begun, and of the one behind it.

A job that needs the engine no more may begin the next one, so that the engine does not idle while a
picture is judged and put in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plasma_watch.job import Job
from plasma_watch.line import Ongoing, Waiting
from plasma_watch.request import Request


@dataclass(frozen=True, slots=True)
class Others:
    """How a kind asks its worker."""

    first: Callable[[], Waiting | None]
    """Returns what waits at the head of the line, if it may be the very next."""
    asked: Callable[[Waiting], Request]
    """Reads the request of what waits."""
    begin: Callable[[Waiting, Job], Ongoing | None]
    """Claims it, if it is still the head, as the job that it is planned to be; it is carried when
    the running job has ended."""
    are_out: Callable[[], bool]
    """Whether the prompt of another begun job may be in the engine."""
