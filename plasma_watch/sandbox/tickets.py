"""The queue and the history: every graph that was sent gets a ticket, here it waits and is filed.

All of it lives in memory and is gone with the process, as in the engine.
"""

import copy
import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plasma_watch.sandbox.graph import Graph, Json

MOST_REMEMBERED = 10_000
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")


@dataclass(frozen=True, slots=True, order=False)
class Ticket:
    """One graph that was sent: the lower its number, the sooner it runs."""

    number: float
    prompt_id: str
    graph: Graph
    extra_data: Any
    """Whatever the client sent; a dict if it is wise."""
    outputs: tuple[str, ...]

    def __lt__(self, other: "Ticket") -> bool:
        return (self.number, self.prompt_id) < (other.number, other.prompt_id)

    def wire(self) -> list[Any]:
        """Show it as `/queue` and `/history` do."""
        return [self.number, self.prompt_id, self.graph, self.extra_data, list(self.outputs)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a ticket ended."""

    success: bool
    messages: list[tuple[str, Json]]
    outputs: Json
    meta: Json


class Tickets:
    """What waits, what runs and what is done; guarded by one lock, for two threads ask."""

    def __init__(self, on_change: Callable[[int], None], most: int = MOST_REMEMBERED) -> None:
        self._on_change = on_change
        self._most = most
        self._news = threading.Condition(threading.RLock())
        self._numbered = 0
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._filed: dict[str, Json] = {}
        self._wishes: Json = {}

    def next_number(self, *, front: bool = False) -> int:
        """Give the next number; for the front it is negative, so that the last of them is first."""
        number = self._numbered
        self._numbered += 1
        return -number if front else number

    def put(self, ticket: Ticket) -> None:
        """Let a ticket wait for its turn."""
        with self._news:
            heapq.heappush(self._waiting, ticket)
            self._changed()
            self._news.notify()

    def take(self, timeout: float | None = None) -> Ticket | None:
        """Wait for the next ticket; None when woken for something else."""
        with self._news:
            if not self._waiting and not self._wishes:
                self._news.wait(timeout)
            if not self._waiting:
                return None
            ticket = heapq.heappop(self._waiting)
            self._running.append(copy.deepcopy(ticket))
            self._changed()
            return ticket

    def file(self, outcome: Outcome) -> None:
        """Move the running ticket into the history."""
        with self._news:
            if not self._running:  # it was forgotten meanwhile
                return
            ticket = self._running.pop()
            if len(self._filed) > self._most:
                self._filed.pop(next(iter(self._filed)))
            self._filed[ticket.prompt_id] = _entry(ticket, outcome)
            self._changed()

    def remaining(self) -> int:
        """Count what waits and what runs."""
        with self._news:
            return len(self._waiting) + len(self._running)

    def queue(self) -> Json:
        """Show what runs and what waits, the latter as it lies in the heap."""
        with self._news:
            return {
                "queue_running": [ticket.wire() for ticket in self._running],
                "queue_pending": [ticket.wire() for ticket in self._waiting],
            }

    def is_running(self, prompt_id: object) -> bool:
        """Tell whether a ticket is the one that runs."""
        with self._news:
            return any(ticket.prompt_id == prompt_id for ticket in self._running)

    def clear(self) -> None:
        """Throw away all that waits."""
        with self._news:
            self._waiting = []
            self._changed()

    def delete(self, prompt_id: object) -> None:
        """Throw away the first waiting ticket with this id."""
        with self._news:
            for index, ticket in enumerate(self._waiting):
                if ticket.prompt_id == prompt_id:
                    self._drop(index)
                    self._changed()
                    return

    def history(self, max_items: int | None = None, offset: int = -1) -> Json:
        """Show what is done, oldest first."""
        with self._news:
            return {key: self._filed[key] for key in page(list(self._filed), max_items, offset)}

    def entry(self, prompt_id: str) -> Json:
        """Show one ticket that is done, or nothing."""
        with self._news:
            return {prompt_id: self._filed[prompt_id]} if prompt_id in self._filed else {}

    def clear_history(self) -> None:
        """Forget all that is done."""
        with self._news:
            self._filed = {}

    def forget(self, prompt_id: str) -> None:
        """Forget one ticket that is done."""
        with self._news:
            self._filed.pop(prompt_id, None)

    def forget_all(self) -> None:
        """Forget what runs, waits and is done, and begin to count anew, as after a restart."""
        with self._news:
            self._numbered = 0
            self._waiting, self._running, self._filed = [], [], {}
            self._changed()

    def give_back(self) -> None:
        """Let the running ticket wait again."""
        with self._news:
            heapq.heappush(self._waiting, self._running.pop())
            self._changed()

    def wish(self, name: str, value: object) -> None:
        """Leave word for the worker, which reads it after the running ticket."""
        with self._news:
            self._wishes[name] = value
            self._news.notify()

    def take_wishes(self) -> Json:
        """Hand over what was asked for since the last time."""
        with self._news:
            wishes, self._wishes = self._wishes, {}
            return wishes

    def _drop(self, index: int) -> None:
        if len(self._waiting) == 1:
            self.clear()  # the engine says so twice then
            return
        self._waiting.pop(index)
        heapq.heapify(self._waiting)

    def _changed(self) -> None:
        self._on_change(len(self._waiting) + len(self._running))


def page(ids: list[str], max_items: int | None, offset: int) -> list[str]:
    """Choose which of the history to show: the newest, or from an offset on."""
    if offset < 0 and max_items is not None:
        return ids[-max_items:] if max_items > 0 else []
    start = ids[max(offset, 0) :]
    # The engine looks at the limit only after the first.
    return start if max_items is None else start[: max(max_items, 1)]


def _entry(ticket: Ticket, outcome: Outcome) -> Json:
    for secret in SECRETS:
        if secret in ticket.extra_data:
            ticket.extra_data.pop(secret)
    return {
        "prompt": ticket.wire(),
        "outputs": outcome.outputs,
        "status": {
            "status_str": "success" if outcome.success else "error",
            "completed": outcome.success,
            "messages": outcome.messages,
        },
        "meta": outcome.meta,
    }
