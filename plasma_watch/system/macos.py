"""What macOS does its own way. Written from documented facts; it never ran on a Mac here."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from plasma_watch.system import renames
from plasma_watch.system.pressure import Pressure

NAMES_FOLD_CASE = True
"""Whether `Page` and `page` are usually one file here."""
DEFAULT_DEVICE = "mps"
"""What `required_device = "auto"` means here."""

_F_FULLFSYNC = 51
_RENAME_EXCL = 4
_PROBE_SECONDS = 5
_LOG_SECONDS = 20
"""Searching the system's log takes seconds; it is done only when a trainer was killed."""
_RUSAGE_INFO_V0 = 0
_RUSAGE_WORDS = 12
"""`rusage_info_v0`: an identifier of two words, then ten numbers."""
_PHYS_FOOTPRINT = 9


def full_sync(fd: int) -> None:
    """Put a file's bytes on the disk itself; plain fsync leaves them in the drive's cache."""
    try:
        fcntl.fcntl(fd, _F_FULLFSYNC)
    except OSError:  # a network volume may not know it
        os.fsync(fd)


def rename_exclusive(source: Path, target: Path) -> None:
    """Rename, and raise FileExistsError rather than replace what is there."""
    renames.rename(source, target, _renamex_np)


def _renamex_np(source: bytes, target: bytes) -> int:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renamex_np", None)
    if call is None:  # older than macOS 10.12
        return errno.ENOSYS
    return 0 if call(source, target, _RENAME_EXCL) == 0 else ctypes.get_errno()


def memory_pressure(
    sysctl: Path = Path("/usr/sbin/sysctl"), seconds: float = _PROBE_SECONDS
) -> Pressure | None:
    """Return the kernel's pressure level, or None when it cannot be had in time."""
    try:
        answer = subprocess.run(
            [sysctl, "-n", "kern.memorystatus_vm_pressure_level"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
        return Pressure(int(answer.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def start_mark(pid: int) -> str | None:
    """Return what tells a process from any other that has its number: when it began, by the clock.

    The kernel keeps that time as it was, also when the clock is set.
    """
    try:
        return f"{psutil.Process(pid).create_time():.6f}"
    except psutil.Error:
        return None


def footprint(pid: int) -> int | None:
    """Return the memory that a process holds as the kernel accounts for it, Metal's included.

    Its resident size alone misses what the GPU holds and what was compressed.
    """
    usage = (ctypes.c_uint64 * _RUSAGE_WORDS)()
    call = getattr(ctypes.CDLL(None, use_errno=True), "proc_pid_rusage", None)
    if call and call(pid, _RUSAGE_INFO_V0, ctypes.byref(usage)) == 0:
        return int(usage[_PHYS_FOOTPRINT])
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def memory_kills() -> int | None:
    """Return None: the kernel keeps no count, it names whom it ended (`was_killed_for_memory`)."""
    return None


def was_killed_for_memory(
    pid: int,
    kills_before: int | None,  # noqa: ARG001 - Linux counts instead
    log: Path = Path("/usr/bin/log"),
    seconds: float = _LOG_SECONDS,
) -> bool | None:
    """Tell whether the kernel says that it ended a process for memory; None when it says nothing.

    Who may read the system's log is up to the user's rights, so silence proves nothing.
    """
    words = 'process == "kernel" AND eventMessage CONTAINS "memorystatus: killing"'
    command = [str(log), "show", "--last", "10m", "--style", "compact", "--predicate", words]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return True if re.search(rf"\[{pid}\]".encode(), answer.stdout) else None


def user_state(environ: Mapping[str, str]) -> Path:
    """Return the user's folder for what must survive a log-out but may be thrown away."""
    return Path(environ.get("HOME") or Path.home()) / "Library" / "Caches" / "plasma-watch"
