"""What a benchmark found, as data: a figure, its floor of the same run, its goal. Pure.

It knows nothing of how anything was measured, and never calls a figure good that has no goal.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """What a number of measurements came to, in the unit in which they were made."""

    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, measured: Sequence[float]) -> Spread:
        """Sum measurements up."""
        ordered = sorted(measured)
        at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.9, 0.99)]
        return cls(statistics.median(ordered), *at)

    def times(self, factor: float) -> Spread:
        """Return the same in another unit."""
        return Spread(self.p50 * factor, self.p90 * factor, self.p99 * factor)

    def __str__(self) -> str:
        return " / ".join(shown(each) for each in (self.p50, self.p90, self.p99))


@dataclass(frozen=True, slots=True)
class Goal:
    """What was set out to be kept: every part of it that is given."""

    most: float = math.inf
    """The value is at most this."""
    least: float = 0.0
    """The value is at least this."""
    most_ratio: float = math.inf
    """It costs at most so many times its floor."""

    def __str__(self) -> str:
        parts = [
            f"≤ {self.most:g}" if self.most < math.inf else "",
            f"≥ {self.least:g}" if self.least else "",
            f"≤ {self.most_ratio:g} x the floor" if self.most_ratio < math.inf else "",
        ]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Result:
    """One figure."""

    what: str
    value: float
    unit: str
    floor: float | None = None
    """What the least that could be done came to in the same run; None: there is no such thing."""
    goal: Goal | None = None
    spread: Spread | None = None

    @property
    def ratio(self) -> float | None:
        """Return how many times dearer than the floor it is; of a speed, how many times slower."""
        if not self.floor or not self.value:
            return None
        return self.floor / self.value if self.goal and self.goal.least else self.value / self.floor

    @property
    def is_met(self) -> bool | None:
        """Tell whether it keeps its goal; None: none was set."""
        if self.goal is None:
            return None
        if self.goal.most_ratio < math.inf and self.ratio is None:
            return False  # nothing was shown
        is_cheap = (self.ratio or 0.0) <= self.goal.most_ratio
        return self.goal.least <= self.value <= self.goal.most and is_cheap

    def __str__(self) -> str:
        ratio, over = self.ratio, "  OVER" if self.is_met is False else ""
        against = "" if self.floor is None else f"the floor of {shown(self.floor)} {self.unit}"
        times = f"{ratio:7.2f} x {against}" if ratio is not None else f"{'':9} {against}"
        spread = f"  ({self.spread})" if self.spread else ""
        goal = f"  goal {self.goal}" if self.goal else ""
        told = f"{self.what:44} {shown(self.value):>9} {self.unit:8} {times}{spread}{goal}{over}"
        return told.rstrip()


def shown(number: float) -> str:
    """Return a number as people compare it: three digits that matter."""
    if number == 0 or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def milliseconds(
    what: str, seconds: Spread, floor: Spread | None = None, goal: Goal | None = None
) -> Result:
    """Return the median of some times as a result, its floor likewise."""
    spread, least = seconds.times(1000), floor.times(1000).p50 if floor else None
    return Result(what, spread.p50, "ms", least, goal, spread)


def at_p99(
    what: str, seconds: Spread, floor: Spread | None = None, goal: Goal | None = None
) -> Result:
    """Return the slowest of a hundred times as a result, its floor likewise."""
    spread, least = seconds.times(1000), floor.times(1000).p99 if floor else None
    return Result(what, spread.p99, "ms", least, goal, spread)


def tell(results: Iterable[Result]) -> int:
    """Print results; return 1 if one missed its goal."""
    told = list(results)
    for result in told:
        print(result)
    return 1 if any(result.is_met is False for result in told) else 0


def plain(result: Result) -> dict[str, Any]:
    """Return a result as JSON takes it."""
    return asdict(result)


def of_plain(told: dict[str, Any]) -> Result:
    """Return the result that JSON brought back."""
    goal, spread = told["goal"], told["spread"]
    parts = {"goal": goal and Goal(**goal), "spread": spread and Spread(**spread)}
    return Result(**(told | parts))
