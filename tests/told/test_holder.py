"""Whose word `daemon.toml` is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from plasma_watch.holder import STARTING, last_told
from plasma_watch.home import Home
from plasma_watch.system.locks import Lock
from plasma_watch.toml_text import dumps
from tests.fakes.home import a_home


def tell(home: Home, **table: Any) -> None:
    """Leave what some daemon told of itself."""
    (home.status / "daemon.toml").write_text(dumps({"state": "idle", **table}))


def test_only_the_holders_word_is_taken_for_it(tmp_path: Path) -> None:
    """Before it has told anything it starts; of a home without a daemon the last word is told."""
    home, lock = a_home(tmp_path), Lock(a_home(tmp_path).lock)
    assert last_told(home) == (False, {})
    assert lock.acquire()
    assert last_told(home) == (True, STARTING)
    tell(home, pid=1)
    assert last_told(home) == (True, STARTING)
    tell(home, pid=os.getpid())
    assert last_told(home)[1]["state"] == "idle"
    lock.release()
    assert last_told(home)[1]["state"] == "idle"


def test_a_holder_without_a_pid_is_believed(tmp_path: Path) -> None:
    """A full disk takes the pid out of the lock; it must not look as if it started for ever."""
    home = a_home(tmp_path)
    tell(home, pid=os.getpid())
    lock = Lock(home.lock)
    assert lock.acquire()
    home.lock.write_text("")

    told = last_told(home)

    lock.release()
    assert told[1]["state"] == "idle"
