"""What is told of the line and the daemon as a whole: positions, holds, `daemon.toml`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plasma_watch.comfyui.engine import Seen
from plasma_watch.control import Running
from plasma_watch.gate.memory import Reading
from plasma_watch.gate.needs import Learned
from plasma_watch.intake.inbox import of_waiting
from plasma_watch.line import Waiting
from plasma_watch.status import JobStatus
from plasma_watch.worker import Hold

SHOWN = 20
"""How many of the line are told their place."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """Everything that is told, at one moment."""

    pid: int
    version: str
    started: datetime
    is_sandbox: bool
    first: Sequence[Waiting]
    """The first of the line, at most `SHOWN`."""
    length: int
    arriving: int
    running: Running | None
    is_paused: bool
    holds: Mapping[str, Hold]
    ignored: Mapping[str, str]
    engine: Seen
    memory: Reading
    needs: Mapping[str, Learned] = field(default_factory=dict)
    """What was learned of each recipe's need of memory."""
    restart_due: bool = False
    is_polling: bool = False
    """Whether no events come from the inbox, so that it is read often."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Folders in which the daemon may not work, and why."""
    trouble: str = ""
    """Why the inbox cannot be read; empty while it can."""

    def state(self) -> str:
        """Return the daemon's state in one word."""
        if self.running:
            return "running"
        if self.trouble:
            return "degraded"
        if self.is_paused:
            return "paused"
        return "waiting" if self.length or self.arriving else "idle"

    def why(self) -> str:
        """Return the one sentence on what happens, or why nothing does."""
        if self.running:
            held = f", then {_PAUSED}" if self.is_paused else ""
            return f"{self.running.name} runs{held}; {self.length} in line"
        if self.trouble:
            return f"{self.trouble}; nothing new is taken until it can be"
        if self.is_paused:
            return f"{_PAUSED}; {self.length} in line"
        if self.first and (hold := self.holds.get(self.first[0].kind)):
            return _held(hold)
        if self.length or self.arriving:
            return f"{self.length} in line, {self.arriving} still arriving"
        return "the inbox is empty"

    def positions(self) -> list[JobStatus]:
        """Return what is told of the first jobs of the line."""
        kinds: set[str] = set()
        told = []
        for position, waiting in enumerate(self.first, 1):
            told.append(self._position(waiting, position, is_first=waiting.kind not in kinds))
            kinds.add(waiting.kind)
        return told

    def _position(self, waiting: Waiting, position: int, *, is_first: bool) -> JobStatus:
        if self.is_paused:
            return of_waiting(waiting, _PAUSED, position)
        hold = self.holds.get(waiting.kind)
        if is_first and hold:
            return of_waiting(waiting, _held(hold), position, hold.wait.code)
        before = position - 1 + (1 if self.running else 0)
        why = f"in line: {before} before it" if before else "in line: next"
        return of_waiting(waiting, why, position)

    def table(self, now: datetime) -> dict[str, Any]:
        """Return `status/daemon.toml`."""
        return {
            "state": self.state(),
            "why": self.why(),
            "pid": self.pid,
            "version": self.version,
            "started": self.started.replace(microsecond=0),
            "heartbeat": now.replace(microsecond=0),
            "sandbox": self.is_sandbox,
            "paused": self.is_paused,
            "restart_due": self.restart_due,
            "watching": "polling" if self.is_polling else "events",
            "running": self.running.name if self.running else "",
            "line": {"length": self.length, "first": [waiting.name for waiting in self.first]},
            "refused": dict(sorted(self.refused.items())),
            "ignored": dict(sorted(self.ignored.items())[:SHOWN]),
            "engine": self._engine(),
            "memory": self._memory(),
        }

    def _engine(self) -> dict[str, Any]:
        facts = self.engine.facts
        told: dict[str, Any] = {"kind": "comfyui", "url": self.engine.url}
        told |= {"deaf_sockets": self.engine.deaf_sockets}
        told |= {"pid": self.engine.pid} if self.engine.pid else {}
        if facts is None or self.engine.reachable_since is None:
            return told | {"reachable": False}
        told |= {"reachable": True, "reachable_since": self.engine.reachable_since}
        return told | {
            "version": facts.version,
            "device": facts.device,
            "sandbox": facts.is_sandbox,
        }

    def _memory(self) -> dict[str, Any]:
        pressure = self.memory.pressure
        needs = self.needs.items()
        holders = [{"name": h.name, "pid": h.pid, "bytes": h.size} for h in self.memory.holders]
        return {
            "available_bytes": self.memory.available,
            "total_bytes": self.memory.total,
            "pressure": pressure.name.lower() if pressure else "unknown",
            "swap_used_bytes": self.memory.swap_used,
            "holders": holders,
            "needs": {recipe: {"bytes": n.need, "runs": n.runs} for recipe, n in needs},
        }


_PAUSED = "the line is paused; take PAUSE out of the inbox to go on"


def _held(hold: Hold) -> str:
    since = f"{hold.since:%H:%M:%S} UTC"
    return f"waits since {since}: {hold.wait.why}; it starts when that has changed"
