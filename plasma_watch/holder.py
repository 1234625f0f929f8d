"""What the daemon that holds a home tells of itself; what an earlier one told is not its word.

It loads next to nothing: `status` asks it first of all.
"""

from __future__ import annotations

import tomllib
from typing import Any

from plasma_watch.home import Home
from plasma_watch.system.locks import UNKNOWN, Lock, is_held

STARTING = {
    "state": "starting",
    "why": "a daemon holds this home and has told nothing of itself yet",
}
"""What is told of a daemon that holds a home before it has read its config."""


def last_told(home: Home) -> tuple[bool, dict[str, Any]]:
    """Return whether a daemon holds a home, and what it tells of itself.

    Where none does, that is what the last one told; empty when there never was one.
    """
    if not is_held(home.lock):
        return False, _table(home)
    return True, told_by_holder(home) or dict(STARTING)


def told_by_holder(home: Home) -> dict[str, Any]:
    """Return what the daemon that holds a home tells of itself; nothing while it has not.

    On a full disk it may hold the home without its pid.
    """
    told = _table(home)
    is_its = "state" in told and Lock(home.lock).holder() in (str(told.get("pid")), UNKNOWN)
    return told if is_its and is_held(home.lock) else {}


def _table(home: Home) -> dict[str, Any]:
    try:
        return tomllib.loads((home.status / "daemon.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
