"""Files that Finder or iCloud are not done with: the inbox waits, and says why."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plasma_watch.home import Home
from plasma_watch.intake.inbox import HINDERED_SECONDS
from plasma_watch.intake.survey import Entry, View, survey
from plasma_watch.job import State
from plasma_watch.system import finder, platform
from plasma_watch.system.finder import COPY_SECONDS
from tests.fakes.desk import Desk
from tests.fakes.home import a_home, drop

LOCKED, DATALESS = 0x2, 0x40000000
BUSY = -2_082_844_800.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home."""
    return a_home(tmp_path)


@pytest.fixture
def desk(home: Home) -> Desk:
    """Return what looks after that home's inbox."""
    return Desk(home)


Marks = Callable[..., None]


@pytest.fixture
def marks(home: Home, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Marks:
    """Give every file in the inbox the marks that it would have on a Mac."""
    now: dict[str, float] = {}

    def marked(entry: Entry) -> Entry:
        flags = int(now.get("st_flags", 0))
        return replace(entry, mark=finder.mark(now.get("st_birthtime"), flags))

    def viewed(_: frozenset[Path] | None) -> View:
        return View([marked(entry) for entry in survey(home).entries])

    monkeypatch.setattr(desk.inbox, "_viewed", viewed)

    def be(**known: float) -> None:
        now.clear()
        now.update(known)

    return be


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"st_birthtime": BUSY}, "Finder is still copying it"),
        ({"st_flags": LOCKED}, "locked in Finder"),
        ({"st_flags": DATALESS}, "only in iCloud"),
    ],
)
def test_what_is_not_ready_is_waited_for(
    home: Home, desk: Desk, marks: Marks, known: dict[str, float], said: str
) -> None:
    """F14: untouched and unopened, with the reason; taken when the mark is gone."""
    drop(home, "p003.toml")
    marks(**known)

    desk.settle(10.0)

    assert desk.waiting() == []
    assert desk.checked == []
    assert said in desk.told()["why"]
    assert desk.told()["state"] == "waiting"
    assert desk.look(20.0) == pytest.approx(HINDERED_SECONDS)
    marks()
    desk.settle(30.0)
    assert desk.waiting() == ["p003.toml"]


def test_a_copy_that_never_ends_is_taken_at_last(home: Home, desk: Desk, marks: Marks) -> None:
    """Finder was killed, and its mark stayed; a file that still grows waits on."""
    path = drop(home, "p003.toml")
    marks(st_birthtime=BUSY)
    desk.look(10.0)
    path.write_bytes(path.read_bytes() + b"\n")
    desk.look(10.0 + COPY_SECONDS)
    assert desk.waiting() == []

    desk.settle(10.0 + 2 * COPY_SECONDS)

    assert desk.waiting() == ["p003.toml"]


def test_what_is_in_icloud_is_asked_for(home: Home, desk: Desk, marks: Marks) -> None:
    """In the background; the file itself, and the one that a stub stands for."""
    asked: list[Path] = []
    desk.inbox._fetch = asked.append
    drop(home, "p003.toml")
    drop(home, ".p004.toml.icloud", b"bplist00")
    marks(st_flags=DATALESS)

    desk.settle(10.0)

    assert set(asked) == {home.inbox / "p003.toml", home.inbox / "p004.toml"}
    assert desk.inbox.ignored == {".p004.toml.icloud": "only in iCloud so far; it was asked for"}
    assert desk.waiting() == []


def test_a_cancel_reaches_what_is_waited_for(home: Home, desk: Desk, marks: Marks) -> None:
    """However long Finder or iCloud take."""
    drop(home, "p003.toml")
    marks(st_flags=LOCKED)
    desk.settle(10.0)
    drop(home, "p003.cancel", b"")

    desk.look(20.0)

    assert desk.ended(State.CANCELLED) == ["p003.toml"]


def test_an_alias_is_refused_as_what_it_is(home: Home, desk: Desk) -> None:
    """Not as bad TOML."""
    drop(home, "p003.toml", b"book\0\0\0\0mark\0\0\0\0" + b"\0" * 200)

    desk.settle(10.0)

    assert desk.ended(State.FAILED) == ["p003.toml"]
    assert "is a Finder alias" in desk.told()["why"]
    assert desk.told()["error"]["code"] == "request.not-a-file"


def test_an_inbox_that_macos_guards_is_told_as_such(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard says "not permitted", the rights say "denied"."""
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", True)

    def refused(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "scandir", refused)
    desk.look(10.0)
    monkeypatch.undo()

    assert "Operation not permitted: macOS keeps this program out" in desk.inbox.trouble
