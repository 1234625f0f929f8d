"""What one benchmark came to, with when, on what and against which engine: kept, and as a table.

Pure, but for the two that name the machine and the engine of this moment.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from benchmarks.results import Result, of_plain, plain, shown
from plasma_watch.comfyui.facts import read_facts

SANDBOX = "the sandbox"

_HEAD = "| what | measured | p50 / p90 / p99 | floor | times the floor | goal | met |"
_MET = {True: "yes", False: "**missed**", None: ""}


@dataclass(frozen=True, slots=True)
class Kept:
    """One run of one benchmark."""

    name: str
    numbers: tuple[float, ...]
    engine: str
    """Against what it ran; empty when no engine was needed."""
    version: str
    machine: str
    day: str
    results: tuple[Result, ...]
    failed: str = ""
    """Why it came to nothing."""

    @property
    def is_met(self) -> bool:
        """Tell whether it ended and missed no goal."""
        return not self.failed and all(each.is_met is not False for each in self.results)

    def to_json(self) -> str:
        """Return it as text."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(told | {"results": [plain(each) for each in self.results]}, indent=1)

    @classmethod
    def of_json(cls, text: str) -> Kept:
        """Read it again."""
        told = json.loads(text)
        results = tuple(of_plain(each) for each in told["results"])
        return cls(**(told | {"numbers": tuple(told["numbers"]), "results": results}))


def table(runs: Sequence[Kept]) -> str:
    """Return the figures as they stand in docs/performance.md."""
    grounds = sorted({f"Plasma Watch {run.version}; {run.machine}." for run in runs})
    return "\n\n".join([*grounds, *map(_section, runs)]) + "\n"


def _section(run: Kept) -> str:
    numbers = " ".join(f"{number:g}" for number in run.numbers)
    against = f", {run.engine}" if run.engine else ""
    head = f"**{run.name}**: `python -m benchmarks.{run.name} {numbers}`{against}, {run.day}"
    if run.failed:
        return f"{head}: **came to nothing**: {run.failed}"
    return "\n".join([head, "", _HEAD, "|---|---|---|---|---|---|---|", *_rows(run.results)])


def _rows(results: Iterable[Result]) -> Iterator[str]:
    for each in results:
        cells = (
            each.what,
            f"{shown(each.value)} {each.unit}",
            str(each.spread or ""),
            "" if each.floor is None else f"{shown(each.floor)} {each.unit}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            str(each.goal or ""),
            _MET[each.is_met],
        )
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def machine() -> str:
    """Name this machine, as far as figures depend on it."""
    memory = psutil.virtual_memory().total / 1e9
    cores, python = os.cpu_count(), platform.python_version()
    return f"{cores} cores ({_processor()}), {memory:.0f} GB, {_system()}, Python {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def engine(url: str) -> str:
    """Name the engine that answers at an address; without one it is a sandbox of our own."""
    if not url:
        return SANDBOX
    facts = read_facts(requests.get(f"{url}/system_stats", timeout=10).json(), url)
    if facts.is_sandbox:
        return f"{SANDBOX} at COMFYUI_URL"
    return f"ComfyUI {facts.version}, torch {facts.torch}, on {facts.device}"
