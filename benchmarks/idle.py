"""What does a daemon take that has nothing to do? `python -m benchmarks.idle [MINUTES] [JOBS]`.

The floor is a bare process that imports the same modules, waits beside it for as long, and does
nothing else. After that, jobs run one after another, and what is held then is compared with before.
"""

from __future__ import annotations

import sys
import time

from benchmarks.folders import a_folder
from benchmarks.processes import Usage, bare, imports, usage
from benchmarks.results import Goal, Result, tell
from benchmarks.surroundings import WIDTHS, Daemon, a_sandbox, lay_noise, request, until

MINUTES = 10.0
JOBS = 10_000
AT_ONCE = 50
"""How many wait at most, so that it is the jobs that were done which are held, not a line."""
PAGES_A_CHAPTER = 200
CALM_SECONDS = 5.0
"""How long after its start or its last job it counts as idle."""


def measure(minutes: float = MINUTES, jobs: int = JOBS) -> list[Result]:
    """Measure at rest, then after some jobs."""
    with a_folder() as folder, a_sandbox(folder) as url:
        lay_noise(url)
        daemon = Daemon(folder, url)
        with daemon.running(tells_imports=True) as pid:
            until(lambda: daemon.told()["state"] == "idle")
            _calm(minutes * 60)
            with bare(imports(daemon)) as nothing:
                at_rest = _at_rest(nothing, pid, minutes * 60)
            run(daemon, jobs)
            _calm(minutes * 60)
            worked = usage(pid)
    resting = at_rest[-1].resident_mb
    after = f"memory after {jobs:,} jobs"
    return [
        *_idle(*at_rest),
        Result(after, worked.resident_mb, "MB", resting, Goal(most_ratio=1.2)),
    ]


def _calm(seconds: float) -> None:
    time.sleep(min(CALM_SECONDS, seconds))


def _at_rest(nothing: int, pid: int, seconds: float) -> tuple[float, Usage, Usage, Usage, Usage]:
    """Return for how long both waited, and what each took before and after."""
    before, began = (usage(nothing), usage(pid)), time.monotonic()
    time.sleep(seconds)
    waited = time.monotonic() - began
    return waited, before[0], usage(nothing), before[1], usage(pid)


def _idle(
    seconds: float, bare_before: Usage, bare_after: Usage, before: Usage, after: Usage
) -> list[Result]:
    cpu, bare_cpu = (
        100 * (b.cpu_seconds - a.cpu_seconds) / seconds
        for a, b in ((before, after), (bare_before, bare_after))
    )
    wakeups, bare_wakeups = (
        (b.wakeups - a.wakeups) / seconds for a, b in ((before, after), (bare_before, bare_after))
    )
    held, bare_held = after.resident_mb, bare_after.resident_mb
    return [
        Result("idle: processor", cpu, "%", bare_cpu, Goal(most=0.1)),
        Result("idle: wake-ups", wakeups, "a second", bare_wakeups, Goal(most=2)),
        Result("idle: memory", held, "MB", bare_held, Goal(most_ratio=1.3)),
    ]


def run(daemon: Daemon, jobs: int) -> None:
    """Have a daemon do jobs one after another, in chapters as a book has them."""
    for n in range(jobs):
        if n % AT_ONCE == 0:
            until(lambda: _waiting(daemon) == 0)
        chapter, page = divmod(n, PAGES_A_CHAPTER)
        text = request(WIDTHS[n % len(WIDTHS)], chapter + 1, page + 1)
        daemon.drop_text(f"j{n:05d}", text)
    until(lambda: daemon.done() == jobs)


def _waiting(daemon: Daemon) -> int:
    return sum(1 for _ in daemon.inbox.glob("*.toml"))


def main(minutes: float, jobs: int) -> int:
    """Measure, and print each figure with its floor; return 1 if a goal was missed."""
    return tell(measure(minutes, jobs))


if __name__ == "__main__":
    sys.exit(
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES,
            int(sys.argv[2]) if len(sys.argv) > 2 else JOBS,
        )
    )
