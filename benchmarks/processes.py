"""What a process takes, as the kernel counts it; and a bare one beside it that imports the same.

Reads /proc, so it needs Linux. Memory is resident memory, in MB of a million bytes.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.surroundings import Daemon

_IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \| +(\S+)$", re.MULTILINE)
_BARE = """
import importlib, sys
for name in sys.stdin.readline().split():
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print("done", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process holds now, and what it took since it began."""

    resident_mb: float
    peak_mb: float
    cpu_seconds: float
    wakeups: int
    """How often one of its threads that live gave the processor up by itself: each is a wake-up."""


def usage(pid: int) -> Usage:
    """Return what a process takes."""
    process = Path(f"/proc/{pid}")
    told, times = _fields(process / "status"), psutil.Process(pid).cpu_times()
    threads = [_fields(path) for path in process.glob("task/*/status")]
    return Usage(
        resident_mb=told["VmRSS"] * 1024 / 1e6,
        peak_mb=told["VmHWM"] * 1024 / 1e6,
        cpu_seconds=times.user + times.system,
        wakeups=sum(thread["voluntary_ctxt_switches"] for thread in threads),
    )


def _fields(path: Path) -> dict[str, int]:
    """Return the lines of a file of the kernel's that hold a number."""
    found = re.findall(r"^(\w+):\s+(\d+)", path.read_text("utf-8"), re.MULTILINE)
    return {key: int(value) for key, value in found}


def imports(daemon: Daemon) -> list[str]:
    """Return what a daemon has imported so far, in order, as the interpreter tells it."""
    names = _IMPORTED.findall(daemon.stderr.read_text("utf-8"))
    assert names, "it was not asked to tell"
    return [name for name in names if not name.endswith("__main__")]


@contextlib.contextmanager
def bare(names: list[str]) -> Iterator[int]:
    """Have a process that imports these, and then waits for nothing; give its process id."""
    command = [sys.executable, "-c", _BARE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(" ".join(names) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        try:
            yield process.pid
        finally:
            process.kill()
