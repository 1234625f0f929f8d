"""The worker runs what waits, one by one, and does what was asked for in between."""

import json
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.folders import Folders, prepare
from plasma_watch.sandbox.frames import Frame, told
from plasma_watch.sandbox.interrupt import Interrupt
from plasma_watch.sandbox.mischief.script import Script
from plasma_watch.sandbox.surroundings import Stage, Surroundings
from plasma_watch.sandbox.tickets import Ticket, Tickets
from plasma_watch.sandbox.worker import Worker

from .graphs import plain_picture
from .process import PATIENCE_SECONDS, TICK_SECONDS

Sent = SimpleQueue[tuple[Frame, bool]]


@pytest.fixture
def sent() -> Sent:
    """Collect what is sent, and whether the ticket stood in the history by then."""
    return SimpleQueue()


@pytest.fixture
def tickets(tmp_path: Path, sent: Sent) -> Tickets:
    """Give a queue with a worker behind it."""
    prepare(Folders(tmp_path))

    def send(frame: Frame) -> None:
        sent.put((frame, bool(queue.history())))

    queue = Tickets(lambda count: send(told("status", {"count": count})))
    around = Surroundings(
        Catalog(Folders(tmp_path)),
        Interrupt(),
        Stage(),
        send,
        lambda _: False,
        0.0,
        previews=False,
        script=Script(),
        forget=lambda: None,
    )
    Worker(queue, around).start()
    return queue


def put(tickets: Tickets, prompt_id: str, client: str | None = "c1") -> None:
    """Let a picture be made."""
    extra = {"client_id": client} if client else {}
    tickets.put(Ticket(tickets.next_number(), prompt_id, plain_picture(), extra, ("2",)))


def heard_until(sent: Sent, event: str, count: int = 1) -> list[tuple[str, bool]]:
    """List what was sent up to the last of some frames."""
    heard: list[tuple[str, bool]] = []
    while [name for name, _ in heard].count(event) < count:
        frame, is_filed = sent.get(timeout=PATIENCE_SECONDS)
        node = json.loads(frame.body)["data"].get("node", "")
        heard.append((f"end {frame.event}" if node is None else f"{frame.event}", is_filed))
    return heard


def test_success_is_told_before_it_stands_in_the_history(tickets: Tickets, sent: Sent) -> None:
    """The end is told after."""
    put(tickets, "a")
    heard = heard_until(sent, "end executing")

    assert heard[0] == ("status", False)
    assert ("execution_success", False) in heard
    assert heard[-2:] == [("status", True), ("end executing", True)]


def test_ticket_without_client_has_no_end_to_hear(tickets: Tickets, sent: Sent) -> None:
    """Only that there is less to do."""
    put(tickets, "a", client=None)
    heard = heard_until(sent, "status", 3)

    assert [event for event, _ in heard] == ["status", "status", *["progress_state"] * 4, "status"]


def test_freed_memory_is_an_empty_cache(tickets: Tickets, sent: Sent) -> None:
    """Once the worker has read the wish, which it may do only after the next ticket."""
    put(tickets, "a")
    heard_until(sent, "end executing")
    put(tickets, "b")
    assert "executing" not in [event for event, _ in heard_until(sent, "end executing")]
    tickets.wish("free_memory", value=True)
    while tickets._wishes:
        time.sleep(TICK_SECONDS)
    put(tickets, "c")

    assert "executing" in [event for event, _ in heard_until(sent, "end executing")]


def test_unloaded_models_leave_the_cache_alone(tickets: Tickets, sent: Sent) -> None:
    """There are none to unload."""
    put(tickets, "a")
    heard_until(sent, "end executing")
    tickets.wish("unload_models", value=True)
    put(tickets, "b")

    assert "executing" not in [event for event, _ in heard_until(sent, "end executing")]
