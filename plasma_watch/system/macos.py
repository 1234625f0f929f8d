"""What macOS does its own way. Written from documented facts; it never ran on a Mac here."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from plasma_watch.system import renames, tools
from plasma_watch.system.pressure import Pressure

GUARDS_FOLDERS = True
"""Whether some folders are kept from programs that nobody permitted."""
NAMES_FOLD_CASE = True
"""Whether `Page` and `page` are usually one file here."""
DEFAULT_DEVICE = "mps"
"""What `required_device = "auto"` means here."""

_F_FULLFSYNC = 51
_RENAME_EXCL = 4
_PROBE_SECONDS = 5
_LOG_SECONDS = 20
"""Searching the system's log takes seconds; it is done only when something was killed."""
_RUSAGE_INFO_V0 = 0
_RUSAGE_WORDS = 12
"""`rusage_info_v0`: an identifier of two words, then ten numbers."""
_PHYS_FOOTPRINT = 9
_REPORTS = (Path("/Library/Logs/DiagnosticReports"), Path("~/Library/Logs/DiagnosticReports"))
_REPORT_SECONDS = 600
_IOREG = ("ioreg", "-r", "-d", "1", "-w", "0")
_SAY = (
    *("-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)
"""The texts are arguments and never part of the script, which would run what they say."""


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
    import psutil  # noqa: PLC0415 - start-up time

    try:
        return f"{psutil.Process(pid).create_time():.6f}"
    except psutil.Error:
        return None


def footprint(pid: int) -> int | None:
    """Return the memory that a process holds as the kernel accounts for it, Metal's included.

    Its resident size alone misses what the GPU holds and what was compressed.
    """
    import psutil  # noqa: PLC0415 - start-up time

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
    reports: tuple[Path, ...] = _REPORTS,
) -> bool | None:
    """Tell whether the kernel says that it ended a process for memory; None when it says nothing.

    Who may read the system's log is up to the user's rights, so silence proves nothing.
    """
    words = 'process == "kernel" AND eventMessage CONTAINS "memorystatus: killing"'
    command = [str(log), "show", "--last", "10m", "--style", "compact", "--predicate", words]
    said = tools.ask(command, seconds).out
    return True if names_killed(said, pid) or _is_in_report(pid, reports) else None


def names_killed(said: str, pid: int) -> bool:
    """Tell whether a line of the kernel says that it ended a process for memory."""
    new = rf"memorystatus: killing .*\[{pid}\]"
    old = rf"low swap: killing largest compressed process with pid {pid} "
    return bool(re.search(f"{new}|{old}", said))


def _is_in_report(pid: int, folders: tuple[Path, ...]) -> bool:
    """Tell whether a fresh JetsamEvent report names a process; often there is none."""
    with contextlib.suppress(OSError):
        for folder in folders:
            for report in folder.expanduser().glob("JetsamEvent-*.ips"):
                is_fresh = time.time() - report.stat().st_mtime < _REPORT_SECONDS
                if is_fresh and _says_killed(report.read_text(errors="replace"), pid):
                    return True
    return False


def _says_killed(report: str, pid: int) -> bool:
    """Tell whether a report gives a reason for the end of a process; others are only listed."""
    entries = re.findall(r"\{[^{}]*\}", report)
    mine = (entry for entry in entries if re.search(rf'"pid"\s*:\s*{pid}\b', entry))
    return any('"reason"' in entry for entry in mine)


def stay_awake(pid: int) -> list[str]:
    """Return the command that holds off idle sleep for as long as a process lives."""
    return ["caffeinate", "-i", "-s", "-w", str(pid)]


def machine() -> str:
    """Return what this machine is called: its processor and its memory."""
    names = ("machdep.cpu.brand_string", "hw.memsize")
    said = [tools.ask(["sysctl", "-n", name], _PROBE_SECONDS).out.strip() for name in names]
    size = f"{int(said[1]) / 2**30:.0f} GB" if said[1].isdigit() else "memory unknown"
    return f"{said[0] or 'unknown processor'}, {size}"


def gpu_use() -> int | None:
    """Return how busy the GPU is, in per cent, as the driver tells; None if it does not."""
    said = tools.ask(
        ["ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator"], _PROBE_SECONDS
    ).out
    told = re.findall(r'"Device Utilization %"\s*=\s*(\d+)', said)
    return max(int(percent) for percent in told) if told else None


def power_settings() -> dict[str, str]:
    """Return the power settings in force, by their names in `pmset -g`; empty if unknown."""
    said = tools.ask(["pmset", "-g"], _PROBE_SECONDS).out
    return dict(re.findall(r"^ (\w+)\s+(\S+)", said, re.MULTILINE))


def download(path: Path) -> list[str]:
    """Return the command that asks iCloud for a file."""
    return ["brctl", "download", str(path)]


def notification(title: str, text: str) -> list[str]:
    """Return the command that shows a notification."""
    return ["osascript", *_SAY, title, text]


def swap_folders() -> tuple[Path, ...]:
    """Return where swap grows: a volume that is full of it gets processes killed."""
    return (Path("/System/Volumes/VM"), Path("/"))


def user_state(environ: Mapping[str, str]) -> Path:
    """Return the user's folder for what must survive a log-out but may be thrown away."""
    return Path(environ.get("HOME") or Path.home()) / "Library" / "Caches" / "plasma-watch"
