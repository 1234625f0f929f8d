"""The readings that the gate judges by. No probe raises: what cannot be read is left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import psutil

from plasma_watch.gate.memory import Holder, Reading
from plasma_watch.gate.power import Battery
from plasma_watch.system import platform

HOLDERS = 3


def memory(*, with_holders: bool = False) -> Reading:
    """Read the machine's memory; who holds the most takes a look at every process."""
    found = psutil.virtual_memory()
    holders = biggest_holders() if with_holders else ()
    pressure, swap = platform.memory_pressure(), _swap_used()
    return Reading(found.total, found.available, pressure, holders, swap)


def _swap_used() -> int:
    try:
        return int(psutil.swap_memory().used)
    except (OSError, RuntimeError, psutil.Error):
        return 0


def battery() -> Battery | None:
    """Read the battery; None on a machine without one, or where nothing is known of it."""
    try:
        found = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError, psutil.Error):
        return None
    return Battery(float(found.percent), found.power_plugged) if found else None


def biggest_holders() -> tuple[Holder, ...]:
    """Return the processes that hold the most memory, the biggest first."""
    seen = (_holder(process) for process in psutil.process_iter(["name", "memory_info"]))
    return tuple(sorted((h for h in seen if h), key=lambda h: -h.size)[:HOLDERS])


def _holder(process: psutil.Process) -> Holder | None:
    name, memory_info = process.info["name"], process.info["memory_info"]
    return Holder(str(name), process.pid, int(memory_info.rss)) if name and memory_info else None


def swap_used() -> int:
    """Return how much swap is in use, in bytes."""
    return int(psutil.swap_memory().used)


def free_disk(folders: Iterable[Path]) -> dict[str, int]:
    """Return the free bytes around each folder that is there."""
    free: dict[str, int] = {}
    for folder in folders:
        try:
            free[str(folder)] = shutil.disk_usage(folder).free
        except OSError:
            continue
    return free
