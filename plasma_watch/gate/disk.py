"""Is there disk enough? Pure: the free bytes of each volume in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping

from plasma_watch.config import GB, Disk
from plasma_watch.errors import Code
from plasma_watch.gate.memory import Start, Wait, gb


def verdict(disk: Disk, free: Mapping[str, int], need: int = 0) -> Start | Wait:
    """Judge by the fullest volume; `free` maps a folder's name to the free bytes around it.

    `need` is what the job itself will fill, on top of what is left alone.
    """
    reserve = int(disk.reserve_gb * GB) + need
    short = {folder: size for folder, size in free.items() if size < reserve}
    if not short:
        return Start()
    folder, size = min(short.items(), key=lambda item: item[1])
    why = f"needs {gb(reserve)} of free disk at {folder}, there is {gb(size)}"
    return Wait(Code.DISK_SHORT, why)
