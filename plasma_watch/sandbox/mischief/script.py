"""Which faults there are, how they are written, and when they strike. It does nothing wrong itself.

A fault is written NAME[@N][xTIMES][=VALUE]: from the N-th occasion on, so many times in a row (`x*`
is for ever), with a value where it takes one. What counts as an occasion hangs on the fault;
occasions are counted from when it was given.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

FOREVER = 0
"""As the number of times: it does not stop."""


@dataclass(frozen=True, slots=True)
class Known:
    """A fault that there is."""

    occasion: str
    """What is counted."""
    value: float | str | None = None
    """What it means where none is given; None: it takes none, a number: it takes a number."""
    times: int = 1


FAULTS: dict[str, Known] = {
    # Answers.
    "slow": Known("answer", 1.0, FOREVER),
    "slow-history": Known("answer of /history", 1.0, FOREVER),
    "refuse-503": Known("answer"),
    "drop-request": Known("prompt sent"),
    "drop-reply": Known("prompt sent"),
    "fail-500-queued": Known("prompt sent"),
    "foreign-prompt": Known("prompt sent", 20.0),
    "lost-interrupt": Known("interrupt"),
    "late-interrupt": Known("interrupt", 0.5),
    # Frames.
    "cut-socket-before": Known("frame", ""),
    "cut-socket-after": Known("frame", ""),
    "go-silent": Known("frame", "", FOREVER),
    "garbage-frames": Known("frame"),
    "huge-frames": Known("frame", 200.0),
    "wrong-ids": Known("frame or prompt sent", None, FOREVER),
    "wrong-timestamps": Known("message", "seconds", FOREVER),
    # Running.
    "die": Known("step"),
    "half-open": Known("step", 5.0),
    "stall": Known("step"),
    "never-ending": Known("step"),
    "out-of-memory": Known("step"),
    "forget": Known("step"),
    "zombie-running": Known("ticket"),
    "zombie-idle": Known("ticket"),
    # Nodes and what they save.
    "slow-load": Known("checkpoint loaded", 5.0),
    "die-before-save": Known("save"),
    "die-after-save": Known("save"),
    "disk-full": Known("save"),
    "no-outputs": Known("save"),
    "output-gone": Known("save"),
    "black": Known("save"),
    "nan": Known("save"),
    "one-colour": Known("save", "808080"),
    "truncated": Known("save"),
    "wrong-size": Known("save"),
    "same-names": Known("save"),
}
"""Every fault, by its name."""

_NAMES = "|".join(sorted(FAULTS, key=len, reverse=True))
_WRITTEN = re.compile(rf"({_NAMES})(?:@(\d+))?(?:x(\d+|\*))?(?:=(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that is given: when, how often, and with what."""

    name: str
    at: int
    times: int
    value: str = ""

    @property
    def number(self) -> float:
        """The value of a fault that takes a number."""
        return float(self.value)

    def strikes_at(self, occasion: int) -> bool:
        """Tell whether it strikes at an occasion, counted from 1."""
        return occasion >= self.at and (self.times == FOREVER or occasion < self.at + self.times)

    def __str__(self) -> str:
        times = "*" if self.times == FOREVER else self.times
        return f"{self.name}@{self.at}x{times}" + (f"={self.value}" if self.value else "")


def parse(text: str) -> Fault:
    """Read a fault as it is written.

    Raises ValueError with the reason.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no fault; expected NAME[@N][xTIMES][=VALUE]")
    name, at, times, value = written.groups()
    known = FAULTS[name]
    return Fault(
        name,
        max(1, int(at or 1)),
        known.times if times is None else FOREVER if times == "*" else int(times) or 1,
        _value(name, known, value),
    )


def _value(name: str, known: Known, value: str | None) -> str:
    if value is None:
        return "" if known.value is None else str(known.value)
    if known.value is None:
        raise ValueError(f"{name} takes no value")
    if isinstance(known.value, float) and not re.fullmatch(r"\d+(\.\d+)?", value):
        raise ValueError(f"{name}={value}: expected a number")
    return value


class Script:
    """The faults that are given. Its state: how many occasions each has had; two threads ask."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = list(faults)
        self._occasions = [0] * len(self._faults)
        self._lock = threading.Lock()

    def add(self, faults: Iterable[Fault]) -> None:
        """Give more faults; their occasions are counted from now."""
        with self._lock:
            for fault in faults:
                self._faults.append(fault)
                self._occasions.append(0)

    def clear(self) -> None:
        """Give none any more."""
        with self._lock:
            self._faults, self._occasions = [], []

    def given(self) -> dict[str, int]:
        """List the faults as they are written, and how many occasions each has had."""
        with self._lock:
            return dict(zip(map(str, self._faults), self._occasions, strict=True))

    def strikes(self, name: str, *, of: str | None = None) -> Fault | None:
        """Count an occasion for a fault, and return the fault if it strikes now.

        Where `of` says whose occasion it is, a fault with a value counts those of that one alone.
        """
        struck = None
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.name != name or (of is not None and fault.value not in ("", of)):
                    continue
                self._occasions[index] += 1
                if struck is None and fault.strikes_at(self._occasions[index]):
                    struck = fault
        return struck
