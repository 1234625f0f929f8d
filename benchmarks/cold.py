"""How fast do commands start? `python -m benchmarks.cold [TIMES]`.

The floor is the same interpreter with typer imported and nothing done.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plasma_watch.cli.homes import init

GOAL = 3.0
FLOOR = ("-c", "import typer")
COMMANDS = {
    "plasma-watch --help": ("-m", "plasma_watch", "--help"),
    "plasma-watch status": ("-m", "plasma_watch", "status"),
    "plasma-watch history": ("-m", "plasma_watch", "history"),
    "plasma-watch submit FILE": ("-m", "plasma_watch", "submit", "examples/first-page.toml"),
}


def seconds(arguments: tuple[str, ...], home: Path, times: int) -> float:
    """Return how long a command takes as a process, in the middle of some times."""
    environ = dict(os.environ) | {"PLASMA_HOME": str(home)}
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], env=environ, cwd=home, capture_output=True, check=False
        )
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main(times: int) -> int:
    """Measure; return 1 if a goal was missed."""
    is_kept = True
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        init(Path(name) / "home")
        home = Path(name) / "home"
        floor = seconds(FLOOR, home, times)
        measured = {what: seconds(command, home, times) for what, command in COMMANDS.items()}
    for what, taken in measured.items():
        is_kept &= taken <= GOAL * floor
        over = "" if taken <= GOAL * floor else "  OVER"
        print(
            f"{what:28} {taken * 1000:7.0f} ms  {taken / floor:5.2f} x the floor of "
            f"{floor * 1000:.0f} ms{over}"
        )
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
