"""What Linux does its own way."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Mapping
from pathlib import Path

from plasma_watch.system import renames
from plasma_watch.system.pressure import Pressure

GUARDS_FOLDERS = False
"""Whether some folders are kept from programs that nobody permitted."""
NAMES_FOLD_CASE = False
"""Whether `Page` and `page` are usually one file here."""
DEFAULT_DEVICE = "any"
"""What `required_device = "auto"` means here."""

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_WARN_STALL_PERCENT = 10.0
_CRITICAL_STALL_PERCENT = 40.0


def full_sync(fd: int) -> None:
    """Put a file's bytes on the disk itself."""
    os.fsync(fd)


def rename_exclusive(source: Path, target: Path) -> None:
    """Rename, and raise FileExistsError rather than replace what is there."""
    renames.rename(source, target, _renameat2)


def _renameat2(source: bytes, target: bytes) -> int:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:  # a C library older than 2018
        return errno.ENOSYS
    done = call(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE) == 0
    return 0 if done else ctypes.get_errno()


def memory_pressure(path: Path = Path("/proc/pressure/memory")) -> Pressure | None:
    """Return the pressure from the share of time that tasks stalled on memory, or None."""
    try:
        return parse_psi(path.read_text())
    except (OSError, ValueError):
        return None


def parse_psi(text: str) -> Pressure:
    """Turn the text of /proc/pressure/memory into a pressure, by the 10-second average of `some`.

    Raises ValueError when the text is something else.
    """
    some = next(line for line in (*text.splitlines(), "") if line.startswith("some") or not line)
    fields = dict(field.split("=", 1) for field in some.split()[1:])
    if "avg10" not in fields:
        raise ValueError(f"no avg10 in {text!r}")
    stalled = float(fields["avg10"])
    if stalled >= _CRITICAL_STALL_PERCENT:
        return Pressure.CRITICAL
    return Pressure.WARN if stalled >= _WARN_STALL_PERCENT else Pressure.NORMAL


def start_mark(pid: int, proc: Path = Path("/proc")) -> str | None:
    """Return what tells a process from any other that has its number: which boot, which tick of it.

    A clock that is set leaves it alone, unlike the time of day that a process began.
    """
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return f"{boot}/{int(fields[19])}"
    except (OSError, ValueError, IndexError):
        return None


def memory_kills(path: Path = Path("/proc/vmstat")) -> int | None:
    """Return how many processes the kernel has ended for want of memory since it started."""
    try:
        lines = (line.split() for line in path.read_text().splitlines())
        return next((int(words[1]) for words in lines if words[0] == "oom_kill"), None)
    except (OSError, ValueError, IndexError):
        return None


def was_killed_for_memory(
    pid: int,  # noqa: ARG001 - the kernel counts, and gives no names away
    kills_before: int | None,
    vmstat: Path = Path("/proc/vmstat"),
) -> bool | None:
    """Tell whether the kernel ended a process that died by SIGKILL; None when it cannot be known.

    `kills_before` is what `memory_kills` said before the process was started.
    """
    now = memory_kills(vmstat)
    return None if now is None or kills_before is None else now > kills_before


def stay_awake(pid: int) -> list[str]:  # noqa: ARG001 - the tool of macOS wants to know
    """Return no command: when a machine may sleep is the desktop's own matter here."""
    return []


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return what this machine is called: its processor and its memory."""
    import psutil  # noqa: PLC0415 - start-up time

    name = "unknown processor"
    with contextlib.suppress(OSError):
        lines = cpuinfo.read_text(errors="replace").splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        name = next(named, name)
    return f"{name}, {psutil.virtual_memory().total / 2**30:.0f} GB"


def gpu_use() -> None:
    """Return None: every driver has its own tool."""


def power_settings() -> dict[str, str]:
    """Return nothing: every desktop has its own."""
    return {}


def download(path: Path) -> list[str]:  # noqa: ARG001 - iCloud is Apple's
    """Return no command: there is no iCloud here."""
    return []


def notification(title: str, text: str) -> list[str]:
    """Return the command that shows a notification."""
    return ["notify-send", "--app-name", title, "--", title, text]


def swap_folders() -> tuple[Path, ...]:
    """Return where swap grows: here it has its size from the start."""
    return ()


def user_state(environ: Mapping[str, str]) -> Path:
    """Return the user's folder for what must survive a log-out but may be thrown away."""
    named = Path(environ.get("XDG_STATE_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    # The XDG specification: a relative path is invalid and ignored.
    return (named if named.is_absolute() else home / ".local" / "state") / "plasma-watch"


def footprint(pid: int) -> int | None:
    """Return the memory that a process holds, in bytes; here what is resident."""
    import psutil  # noqa: PLC0415 - start-up time

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
