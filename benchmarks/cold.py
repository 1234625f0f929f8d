"""How fast do commands start? `python -m benchmarks.cold [TIMES]`.

The floor is the same interpreter with typer imported and nothing done.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.folders import a_folder
from benchmarks.results import Goal, Result, Spread, milliseconds, tell
from plasma_watch.cli.homes import init

TIMES = 15
GOAL = Goal(most_ratio=3)
FLOOR = ("-c", "import typer")
COMMANDS = {
    "plasma-watch --help": ("-m", "plasma_watch", "--help"),
    "plasma-watch status": ("-m", "plasma_watch", "status"),
    "plasma-watch history": ("-m", "plasma_watch", "history"),
    "plasma-watch submit FILE": ("-m", "plasma_watch", "submit", "examples/first-page.toml"),
}

PROMISED = ("plasma-watch --help", "plasma-watch status")
"""What must be there at once; the others are shown beside them."""


def seconds(arguments: tuple[str, ...], home: Path, times: int) -> Spread:
    """Return how long a command takes as a process, some times over."""
    environ = dict(os.environ) | {"PLASMA_HOME": str(home)}
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], env=environ, cwd=home, capture_output=True, check=False
        )
        taken.append(time.perf_counter() - began)
    return Spread.of(taken)


def measure(times: int = TIMES) -> list[Result]:
    """Measure the floor, then each command."""
    with a_folder() as folder, contextlib.redirect_stdout(io.StringIO()):
        home = folder / "home"
        init(home)
        floor = seconds(FLOOR, home, times)
        taken = {what: seconds(command, home, times) for what, command in COMMANDS.items()}
    goals = dict.fromkeys(PROMISED, GOAL)
    return [milliseconds(what, spread, floor, goals.get(what)) for what, spread in taken.items()]


def main(times: int) -> int:
    """Measure, and print each time with its ratio to the floor; return 1 if a goal was missed."""
    return tell(measure(times))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES))
