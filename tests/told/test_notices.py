"""What a person is notified of, and how often."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from plasma_watch.config import Notify
from plasma_watch.errors import Code
from plasma_watch.gate.memory import Wait
from plasma_watch.job import Ending, Job, State
from plasma_watch.notices import APART_SECONDS, Notices, sender, too_long
from plasma_watch.system import linux, macos
from plasma_watch.worker import Hold

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOLD = Hold(
    Wait(Code.MEMORY_SHORT, "needs 7.5 GB of free memory, there is 3.2 GB"), NOON, "p3", began=0.0
)


class Person:
    """Who is told. Their state: what they were told, and what time it is."""

    def __init__(self, **config: object) -> None:
        self.told: list[str] = []
        self.now = 0.0
        self.notices = Notices(Notify.model_validate(config), self.told.append)

    def after(self, seconds: float, **holds: Hold) -> list[str]:
        """Let time pass, and return what was told since."""
        before = len(self.told)
        self.now += seconds
        self.notices.flush(holds, self.now)
        return self.told[before:]


def ended(name: str, state: State = State.DONE, why: str = "output/a.png") -> Job:
    """Return a job that ended so."""
    job = Job(f"20261122T120000-{name}", name, f"{name}.toml", "generate", NOON, "ab")
    return replace(job, ending=Ending(state, why))


@pytest.fixture
def person() -> Person:
    """Somebody with the config as it is shipped."""
    return Person()


def test_what_ended_is_told_with_its_name(person: Person) -> None:
    """Good and bad ends; once."""
    person.notices.ended(ended("p3"))
    person.notices.ended(ended("p4", State.FAILED, "models: is not there"))

    assert person.after(1) == ["p3 done: output/a.png\np4 failed: models: is not there"]
    assert person.after(60) == []


def test_what_somebody_cancelled_is_not_told(person: Person) -> None:
    """They know; and a job that has not ended is none."""
    person.notices.ended(ended("p3", State.CANCELLED))
    person.notices.ended(replace(ended("p3"), ending=None))

    assert person.after(1) == []


def test_a_burst_is_told_as_one(person: Person) -> None:
    """By numbers when there are many."""
    for number in range(12):
        person.notices.ended(ended(f"p{number}"))
    person.notices.ended(ended("p13", State.FAILED))

    assert person.after(1) == ["12 done, 1 failed"]


def test_two_are_never_close_together(person: Person) -> None:
    """The second waits until it may be told."""
    person.notices.ended(ended("p1"))
    person.after(1)
    person.notices.ended(ended("p2"))

    assert person.after(APART_SECONDS - 1) == []
    assert person.after(1) == ["p2 done: output/a.png"]


def test_what_waits_too_long_is_told_once(person: Person) -> None:
    """With the reason; again when it waits for something else."""
    assert person.after(14 * 60, generate=HOLD) == []
    assert person.after(60, generate=HOLD) == [
        "waits since 12:00 UTC: needs 7.5 GB of free memory, there is 3.2 GB"
    ]
    assert person.after(600, generate=HOLD) == []
    other = replace(HOLD, since=NOON + timedelta(minutes=20), began=20 * 60)
    assert person.after(300, generate=other) == []
    assert person.after(300, generate=other) != []


def test_nothing_is_too_long_where_the_config_says_so() -> None:
    """Zero minutes."""
    assert too_long({"generate": HOLD}, 0, 86_400) == []


def test_who_wants_no_notifications_gets_none() -> None:
    """Neither of ends nor of waits."""
    person = Person(enabled=False)
    person.notices.ended(ended("p3"))

    assert person.after(3600, generate=HOLD) == []


@pytest.mark.parametrize("platform", [macos, linux])
def test_a_text_is_an_argument_and_never_a_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: ModuleType
) -> None:
    """Whatever a request is called, nobody runs it."""
    text = '"; do shell script "touch /tmp/x" -- $(touch y) `z`'
    for name in ("osascript", "notify-send"):
        tool = tmp_path / name
        says = f'printf "%s\\n" "$@" > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/told'
        tool.write_text(f"#!/bin/sh\n{says}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    sender(platform.notification)(text)

    while not (tmp_path / "told").exists():
        time.sleep(0.005)
    words = (tmp_path / "told").read_text().splitlines()
    assert words[-2:] == ["Plasma Watch", text]
    assert not any(text in word for word in words[:-1])


def test_without_a_tool_nothing_is_sent() -> None:
    """And nobody hears of that."""
    sender(lambda *_: [])("p3 done")
    sender(lambda *_: ["no-such-tool-anywhere"])("p3 done")
