"""What a home shows, made up for the live view: a page that runs, a training, a line, ends."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from plasma_watch.report.ends import End
from plasma_watch.report.screen.scene import Scene
from tests.fakes.home import NOON

DAEMON: dict[str, Any] = {
    "state": "running",
    "why": "p003 runs; 2 in line",
    "pid": os.getpid(),
    "heartbeat": NOON,
    "line": {"length": 2, "first": ["p004", "p005"]},
    "ignored": {},
    "engine": {"url": "http://127.0.0.1:8188", "reachable": True, "version": "0.3.64"}
    | {"device": "mps", "sandbox": False},
    "memory": {"available_bytes": 5_300_000_000, "total_bytes": 16_000_000_000}
    | {"pressure": "normal"},
}
PAGE: dict[str, Any] = {
    "name": "p003",
    "job": "20261122T120000-p003",
    "kind": "generate",
    "state": "running",
    "why": "step 9 of 20",
    "progress": 0.45,
    "step": 9,
    "steps": 20,
    "eta_seconds": 23,
    "seconds_per_step": 2.1,
    "attempt": 1,
}
TRAINING = PAGE | {
    "name": "spyke",
    "job": "20261122T120000-spyke",
    "kind": "train",
    "why": "epoch 3 of 5, step 412 of 975, loss 0.0912",
    "progress": 0.423,
    "eta_seconds": 7384,
    "seconds_per_step": 12.4,
}
LOSSES = tuple((step, 0.08 + 0.1 / step**0.4) for step in range(1, 413))


def waiting(number: int) -> dict[str, Any]:
    """Return the status of one that waits."""
    name, why = f"p{number + 3:03d}", f"in line: {number} before it"
    return {"name": name, "state": "waiting", "position": number, "why": why}


def end(number: int, state: str = "done", name: str = "", why: str = "") -> End:
    """Return one that ended, some minutes ago."""
    name = name or f"e{number:03d}"
    journal = {"name": name, "ending": {"why": why or f"output/{name}_v1.png"}}
    folder = Path("/home") / state / f"20261122T110000-{name}"
    return End(folder, NOON - timedelta(minutes=100 - number), journal)


def scene(**changes: Any) -> Scene:
    """Return a scene: a page runs, two wait, ten have ended; what is given is another."""
    told: dict[str, Any] = {
        "now": NOON,
        "root": Path("/Users/artist/PlasmaWatch"),
        "is_up": True,
        "daemon": DAEMON,
        "job": PAGE,
        "line": [waiting(1), waiting(2)],
        "ends": [end(number) for number in range(10)],
    }
    return Scene(**told | changes)
