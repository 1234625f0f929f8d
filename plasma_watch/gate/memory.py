"""Is there memory enough? Pure: a need and a reading in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass

from plasma_watch.config import GB, Memory
from plasma_watch.errors import Code
from plasma_watch.system.pressure import Pressure

HYSTERESIS_BYTES = GB // 2
"""What a job that waits must find on top, so that it does not start on the edge."""
SWAP_GROWTH_BYTES = 512_000_000
"""Swap that grows by more within a minute means that the machine swaps already."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process and the memory it holds."""

    name: str
    pid: int
    size: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine's memory at one moment, in bytes: two signals, `available` and `pressure`."""

    total: int
    available: int
    pressure: Pressure | None = None
    holders: tuple[Holder, ...] = ()
    swap_used: int = 0
    swap_growth: int = 0
    """By how much the swap in use grew within the last minute."""


@dataclass(frozen=True, slots=True)
class Start:
    """It may start; `is_heavy` unless only the sandbox works."""

    is_heavy: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """It waits: for what, in one sentence."""

    code: Code
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """It cannot start on this machine as it is configured, however long it waits."""

    code: Code
    why: str
    hint: str


Verdict = Start | Wait | Never


def need_bytes(kind: str, memory: Memory, *, is_warm: bool) -> int:
    """Return what a job of a kind needs; an engine that holds its models already needs less."""
    if kind == "train":
        return int(memory.train_gb * GB)
    return int((memory.generate_warm_gb if is_warm else memory.generate_gb) * GB)


def verdict(need: int, memory: Memory, reading: Reading, *, is_waiting: bool) -> Verdict:
    """Judge by both signals: the free bytes must be there, and the system must not press."""
    reserve = int(memory.reserve_gb * GB)
    if need + reserve + HYSTERESIS_BYTES > reading.total:
        return Never(
            Code.MEMORY_NEVER_FITS,
            f"needs {gb(need)} and {gb(reserve)} in reserve; this machine has {gb(reading.total)}",
            "Lower the need or the reserve under [memory] in config.toml, if they are too careful.",
        )
    wanted = need + reserve + (HYSTERESIS_BYTES if is_waiting else 0)
    if reading.available < wanted:
        return Wait(Code.MEMORY_SHORT, _short(wanted, reading))
    if reading.pressure is not None and reading.pressure >= Pressure.WARN:
        return Wait(Code.MEMORY_SHORT, _pressed(wanted, reading, reading.pressure))
    if reading.swap_growth > SWAP_GROWTH_BYTES:
        return Wait(Code.MEMORY_SHORT, _swaps(wanted, reading))
    return Start()


def _short(wanted: int, reading: Reading) -> str:
    return f"needs {gb(wanted)} of free memory, there is {gb(reading.available)}{_held(reading)}"


def _pressed(wanted: int, reading: Reading, pressure: Pressure) -> str:
    needs = f"needs {gb(wanted)} of free memory; there is {gb(reading.available)}"
    short = f"but the system is short of it (pressure {pressure.name.lower()})"
    return f"{needs}, {short}{_held(reading)}"


def _swaps(wanted: int, reading: Reading) -> str:
    needs = f"needs {gb(wanted)} of free memory; there is {gb(reading.available)}"
    short = f"but the system swapped out {gb(reading.swap_growth)} within a minute"
    return f"{needs}, {short}{_held(reading)}"


def _held(reading: Reading) -> str:
    most = ", ".join(f"{holder.name} {gb(holder.size)}" for holder in reading.holders)
    return f"; {most} hold the most" if most else ""


def gb(size: int) -> str:
    """Return a size as people read it."""
    return f"{size / GB:.1f} GB"
