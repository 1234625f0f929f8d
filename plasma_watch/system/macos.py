"""What macOS does its own way. Written from documented facts; it never ran on a Mac here."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from plasma_watch.system import renames
from plasma_watch.system.pressure import Pressure

MEASURE = "footprint"
"""What `footprint` measures here."""
GUARDS_FOLDERS = True
"""Whether some folders are kept from programs that nobody permitted."""
NAMES_FOLD_CASE = True
"""Whether `Page` and `page` are usually one file here."""
DEFAULT_DEVICE = "mps"
"""What `required_device = "auto"` means here."""

_F_FULLFSYNC = 51
_RENAME_EXCL = 4
_PROBE_SECONDS = 5


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


def user_state(environ: Mapping[str, str]) -> Path:
    """Return the user's folder for what must survive a log-out but may be thrown away."""
    return Path(environ.get("HOME") or Path.home()) / "Library" / "Caches" / "plasma-watch"


_RUSAGE_INFO_V2 = 2
_LIBPROC = "/usr/lib/libproc.dylib"


class _RusageInfo(ctypes.Structure):
    """`rusage_info_v2` of the kernel."""

    _fields_ = (
        ("uuid", ctypes.c_uint8 * 16),
        ("times", ctypes.c_uint64 * 4),
        ("pageins", ctypes.c_uint64),
        ("wired_size", ctypes.c_uint64),
        ("resident_size", ctypes.c_uint64),
        ("phys_footprint", ctypes.c_uint64),
        ("rest", ctypes.c_uint64 * 10),
    )


def footprint(pid: int, library: str = _LIBPROC) -> int | None:
    """Return the memory that a process holds, in bytes, as Activity Monitor counts it.

    What is resident leaves out what Metal holds. None for another user's process.
    """
    try:
        call = ctypes.CDLL(library).proc_pid_rusage
    except (OSError, AttributeError):
        return None
    told = _RusageInfo()
    is_told = call(pid, _RUSAGE_INFO_V2, ctypes.byref(told)) == 0
    return int(told.phys_footprint) if is_told else None
