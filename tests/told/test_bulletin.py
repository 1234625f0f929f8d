"""What is told of the line and the daemon as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.bulletin import SHOWN, Bulletin
from plasma_watch.comfyui.engine import Seen
from plasma_watch.comfyui.facts import Facts
from plasma_watch.control import Running
from plasma_watch.errors import Code
from plasma_watch.gate.memory import Holder, Reading, Wait
from plasma_watch.gate.needs import Learned
from plasma_watch.line import Spot, Waiting
from plasma_watch.system.pressure import Pressure
from plasma_watch.worker import Hold

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FACTS = Facts("0.3.64", "mps", "Apple M1", "2.9.0", "3.12.4", ("--force-fp16",))
HOLD = Hold(Wait(Code.MEMORY_SHORT, "needs 7.5 GB of free memory, there is 3.2 GB"), NOON)
RUNNING = Running("20261122T115900-cover", "cover")


def an_item(name: str, kind: str = "generate") -> Waiting:
    """Return something in the line."""
    return Waiting(
        spot=Spot(Path("/inbox"), f"{name}.toml"),
        id=f"20261122T120000-{name}",
        kind=kind,
        urgent=False,
        seen=NOON,
        changed_ns=0,
        fingerprint=123,
        digest=b"\xab",
    )


PAGES = [an_item("p1"), an_item("p2"), an_item("p3")]


def a_bulletin(**changes: Any) -> Bulletin:
    """Return what is told of a daemon that has nothing to do."""
    idle = Bulletin(
        pid=401,
        version="0.1.0",
        started=NOON.replace(microsecond=5),
        is_sandbox=False,
        first=[],
        length=0,
        arriving=0,
        running=None,
        is_paused=False,
        holds={},
        ignored={},
        engine=Seen("http://127.0.0.1:8188", FACTS, NOON, 2),
        memory=Reading(16_000, 8_000, Pressure.WARN, (Holder("Safari", 7, 4_000),)),
    )
    return replace(idle, **changes)


@pytest.mark.parametrize(
    ("bulletin", "state", "why"),
    [
        (a_bulletin(), "idle", "the inbox is empty"),
        (
            a_bulletin(trouble="the inbox cannot be read: gone", is_paused=True),
            "degraded",
            "the inbox cannot be read: gone; nothing new is taken until it can be",
        ),
        (a_bulletin(arriving=2), "waiting", "0 in line, 2 still arriving"),
        (a_bulletin(first=PAGES, length=40), "waiting", "40 in line, 0 still arriving"),
        (a_bulletin(running=RUNNING), "running", "cover runs; 0 in line"),
        (
            a_bulletin(running=RUNNING, first=PAGES, length=3, is_paused=True),
            "running",
            "cover runs, then the line is paused; take PAUSE out of the inbox to go on; 3 in line",
        ),
        (
            a_bulletin(first=PAGES, length=3, is_paused=True, holds={"generate": HOLD}),
            "paused",
            "the line is paused; take PAUSE out of the inbox to go on; 3 in line",
        ),
        (
            a_bulletin(first=PAGES, length=3, holds={"generate": HOLD}),
            "waiting",
            f"waits since 12:00:00 UTC: {HOLD.wait.why}; it starts when that has changed",
        ),
        (
            a_bulletin(first=PAGES, length=3, holds={"train": HOLD}),
            "waiting",
            "3 in line, 0 still arriving",
        ),
    ],
)
def test_the_daemon_says_what_it_does_and_why(bulletin: Bulletin, state: str, why: str) -> None:
    """The running job goes before a pause, which is told all the same; a pause before a hold."""
    assert (bulletin.state(), bulletin.why()) == (state, why)


def test_each_of_the_first_is_told_its_place() -> None:
    """And how many go before it."""
    told = a_bulletin(first=PAGES, length=3).positions()

    assert [(status.name, status.position, status.why) for status in told] == [
        ("p1", 1, "in line: next"),
        ("p2", 2, "in line: 1 before it"),
        ("p3", 3, "in line: 2 before it"),
    ]
    assert all(status.state == "waiting" for status in told)


def test_a_running_job_goes_before_the_first() -> None:
    """It counts as one before each."""
    told = a_bulletin(first=PAGES, length=3, running=RUNNING).positions()

    assert [status.why for status in told] == [f"in line: {n} before it" for n in (1, 2, 3)]


def test_a_held_kind_says_so_at_its_first_job_only() -> None:
    """The others of the kind wait for that one, another kind waits for nothing."""
    line = [PAGES[0], an_item("lora", "train"), PAGES[1]]

    told = a_bulletin(first=line, length=3, holds={"generate": HOLD}).positions()

    assert [status.waiting_for for status in told] == ["memory.short", "", ""]
    assert "needs 7.5 GB" in told[0].why
    assert [status.why for status in told[1:]] == ["in line: 1 before it", "in line: 2 before it"]


def test_a_pause_is_told_to_everything_that_waits() -> None:
    """With what ends it."""
    told = a_bulletin(first=PAGES, length=3, is_paused=True, holds={"generate": HOLD}).positions()

    assert {status.why for status in told} == {
        "the line is paused; take PAUSE out of the inbox to go on"
    }
    assert [status.position for status in told] == [1, 2, 3]


def test_the_daemons_status_is_what_the_contract_promises() -> None:
    """State, line, engine and memory, with what was ignored and why."""
    bulletin = a_bulletin(first=PAGES[:2], length=2, ignored={"x.json": "not a request"})

    assert bulletin.table(NOON.replace(microsecond=999)) == {
        "state": "waiting",
        "why": "2 in line, 0 still arriving",
        "pid": 401,
        "version": "0.1.0",
        "started": NOON,
        "heartbeat": NOON,
        "sandbox": False,
        "paused": False,
        "restart_due": False,
        "watching": "events",
        "running": "",
        "line": {"length": 2, "first": ["p1", "p2"]},
        "refused": {},
        "ignored": {"x.json": "not a request"},
        "engine": {
            "kind": "comfyui",
            "url": "http://127.0.0.1:8188",
            "deaf_sockets": 2,
            "reachable": True,
            "reachable_since": NOON,
            "version": "0.3.64",
            "device": "mps",
            "sandbox": False,
        },
        "memory": {
            "available_bytes": 8_000,
            "total_bytes": 16_000,
            "pressure": "warn",
            "swap_used_bytes": 0,
            "needs": {},
            "holders": [{"name": "Safari", "pid": 7, "bytes": 4_000}],
        },
    }


def test_an_engine_that_does_not_answer_is_told_as_such() -> None:
    """Nothing is said of a version that may be another one when it comes back."""
    seen = Seen("http://127.0.0.1:8188", None, None, 0)

    assert a_bulletin(engine=seen).table(NOON)["engine"] == {
        "kind": "comfyui",
        "url": "http://127.0.0.1:8188",
        "deaf_sockets": 0,
        "reachable": False,
    }


def test_a_pressure_that_cannot_be_read_is_unknown() -> None:
    """It is not told as normal."""
    memory = a_bulletin(memory=Reading(16_000, 8_000)).table(NOON)["memory"]

    assert memory["pressure"] == "unknown"


def test_the_table_is_short_however_much_is_ignored() -> None:
    """A folder full of pictures does not make a status of megabytes."""
    ignored = {f"{number:05}.jpg": "not a request" for number in range(5_000)}

    assert len(a_bulletin(ignored=ignored).table(NOON)["ignored"]) == SHOWN


def test_the_running_job_is_named() -> None:
    """By the name under which people know it."""
    table = a_bulletin(running=RUNNING, started=NOON - timedelta(days=1)).table(NOON)

    assert (table["state"], table["running"]) == ("running", "cover")


def test_what_was_learned_is_told() -> None:
    """Recipe by recipe, and by how many runs."""
    bulletin = a_bulletin(needs={"txt2img cold": Learned(4_800_000_000, 12)})

    needs = bulletin.table(NOON)["memory"]["needs"]

    assert needs == {"txt2img cold": {"bytes": 4_800_000_000, "runs": 12}}


def test_an_engine_of_our_own_is_told_with_its_process() -> None:
    """So that it can be looked at, and ended by hand."""
    seen = Seen("http://127.0.0.1:8188", None, None, 0, pid=4711)

    assert a_bulletin(engine=seen).table(NOON)["engine"]["pid"] == 4711
