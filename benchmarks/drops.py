"""How soon is a drop answered? `python -m benchmarks.drops [COUNT]`.

From the rename to the status file of that name, and from the rename of a bad request to `failed/`
with `why.txt`, each with the daemon idle and while a job runs. The floor is a bare listener: the
same kind of rename wakes it, and it writes one small file as a status is written.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.folders import a_folder
from benchmarks.listener import listening
from benchmarks.results import Goal, Result, Spread, at_p99, milliseconds, tell
from benchmarks.surroundings import WIDTHS, Daemon, a_sandbox, lay_noise, request, until

COUNT = 200
GOAL_MS = 100
TICK = 0.0005
"""How often is looked; what is seen is late by at most this, in the floor as well."""
APART = 0.05
STEPS = 150
LONG = "long"
_LONG = f"""kind = "generate"
workflow = "txt2img"
prompt = "what takes its time"
output = "long"
steps = {STEPS}
"""
_BAD = 'kind = "generate"\nprompt = "x"\npage = "three"\nchapters = 1\n'
_STATUS = 'name = "{}"\nstate = "waiting"\nwhy = "in line"\n'


def floor(folder: Path, count: int) -> Spread:
    """Return how soon a bare listener answers with a file, put in its place by rename."""
    answers, seconds = folder / "answers", []
    answers.mkdir(parents=True)

    def answer(path: Path) -> None:
        temporary = answers / f".{path.name}.tmp"
        temporary.write_text(_STATUS.format(path.stem))
        temporary.rename(answers / path.name)

    with listening(folder, answer) as folders:
        for name in _names("f", count):
            time.sleep(APART)
            dropped = folders.drop(name, _BAD)
            seconds.append(_seen((answers / name).exists) - dropped)
    return Spread.of(seconds)


def _seen(is_there: Callable[[], bool]) -> float:
    """Return when something was there."""
    until(is_there, 60, TICK)
    return time.perf_counter()


def to_status(daemon: Daemon, names: list[str], rested: Callable[[int], bool]) -> Spread:
    """Return how soon a drop has its status file, which says that it waits or more."""
    seconds = []
    for n, name in enumerate(names):
        until(lambda n=n: rested(n))  # type: ignore[misc]
        time.sleep(APART)
        status = daemon.home / "status" / f"{name}.toml"
        dropped = daemon.drop_text(name, request(WIDTHS[n % len(WIDTHS)], chapter=2))
        seconds.append(_seen(status.exists) - dropped)
        assert daemon.told(name)["state"] in ("waiting", "running", "done")
    return Spread.of(seconds)


def to_failed(daemon: Daemon, names: list[str]) -> Spread:
    """Return how soon a bad drop lies in `failed/`, with the reason beside it."""
    seconds, failed = [], daemon.home / "failed"
    for name in names:
        time.sleep(APART)
        dropped = daemon.drop_text(name, _BAD)
        seconds.append(_seen(lambda name=name: any(failed.glob(f"*-{name}"))) - dropped)  # type: ignore[misc]
        (folder,) = failed.glob(f"*-{name}")
        assert (folder / "why.txt").exists()
    return Spread.of(seconds)


def idle(folder: Path, count: int) -> tuple[Spread, Spread]:
    """Return how soon good and bad are answered when there is nothing else to do."""
    with a_sandbox(folder) as url:
        lay_noise(url)
        daemon = Daemon(folder, url)
        with daemon.running():
            good = to_status(daemon, _names("g", count), lambda n: daemon.done() == n)
            until(lambda: daemon.done() == count)
            return good, to_failed(daemon, _names("b", count))


def at_work(folder: Path, count: int) -> tuple[Spread, Spread]:
    """Return the same while a job runs that outlasts all drops, told of with every step."""
    with a_sandbox(folder, seconds_a_step=max(0.1, count / STEPS)) as url:
        lay_noise(url)
        daemon = Daemon(folder, url)
        with daemon.running():
            daemon.drop_text(LONG, _LONG)
            until(lambda: daemon.told(LONG).get("step", 0) > 0)
            good = to_status(daemon, _names("g", count), lambda _: True)
            bad = to_failed(daemon, _names("b", count))
            assert daemon.told(LONG)["state"] == "running", "the job ended meanwhile"
            return good, bad


def _names(letter: str, count: int) -> list[str]:
    return [f"{letter}{n:04d}" for n in range(count)]


def measure(count: int = COUNT) -> list[Result]:
    """Measure all four."""
    with a_folder() as folder:
        least = floor(folder / "floor", count)
        found: dict[str, Spread] = {}
        for when, way in (("idle", idle), ("while a job runs", at_work)):
            (folder / way.__name__).mkdir()
            good, bad = way(folder / way.__name__, count)
            found |= {f"drop to status, {when}": good, f"bad drop to failed/, {when}": bad}
    return [row for what, spread in found.items() for row in _rows(what, spread, least)]


def _rows(what: str, spread: Spread, least: Spread) -> tuple[Result, Result]:
    slowest = at_p99(f"{what}, p99", spread, least, Goal(most=GOAL_MS))
    return milliseconds(f"{what}, p50", spread, least), slowest


def main(count: int) -> int:
    """Measure, and print each time with its ratio to the floor; return 1 if a goal was missed."""
    return tell(measure(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
