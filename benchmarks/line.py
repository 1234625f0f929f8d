"""What does a long line cost? `python -m benchmarks.line [COUNT]`.

Requests lie in the inbox before the daemon starts. Measured is how soon the first is sent, how long
it takes until all are in line, what is held then, how long `plasma-watch status` takes, and what a
job costs with the line behind it over what one costs in a line of ten.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import cold
from benchmarks.folders import a_folder
from benchmarks.pages import Bare, gaps
from benchmarks.processes import Usage, bare, imports, usage
from benchmarks.results import Goal, Result, Spread, milliseconds, tell
from benchmarks.surroundings import WIDTHS, Daemon, Relay, a_sandbox, lay_noise, request, until

COUNT = 100_000
SHORT = 10
"""The line that a job is compared with."""
ROUNDS = 6
"""How often the short line is run, and a command; the long one does as many jobs."""
PATIENCE_SECONDS = 600.0
"""How long is waited until all are in line."""
_STATUS = "name = 'x'\njob = 'x'\nkind = 'generate'\nstate = 'waiting'\nwhy = 'in line'\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one job cost after another."""

    gap: Spread
    page: Spread


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a long line; times in seconds."""

    first: float
    in_line: float
    held: Usage
    status: float
    bare_status: float
    cost: Cost


def lay(inbox: Path, count: int) -> None:
    """Put requests into an inbox."""
    for n in range(count):
        width = WIDTHS[n % len(WIDTHS)]
        (inbox / f"r{n:06d}.toml").write_text(request(width), encoding="utf-8")


def bare_first(inbox: Path, client: Bare) -> float:
    """Return the seconds it takes to list an inbox, find the oldest, read it and send a prompt."""
    began = time.perf_counter()
    found = [(path.stat().st_ctime_ns, path) for path in inbox.glob("*.toml")]
    _, oldest = min(found)
    client.post(tomllib.loads(oldest.read_text("utf-8"))["seed"])
    return time.perf_counter() - began


def bare_line(inbox: Path, status: Path) -> float:
    """Return the seconds it takes to read each request and write one file about it."""
    status.mkdir()
    began = time.perf_counter()
    for path in inbox.glob("*.toml"):
        content = path.read_bytes()
        tomllib.loads(content.decode())
        (status / path.name).write_text(
            f"{_STATUS}sha256 = '{hashlib.sha256(content).hexdigest()}'"
        )
    return time.perf_counter() - began


def short(daemon: Daemon, relay: Relay, rounds: int) -> Cost:
    """Return what a job costs in a line of ten, run empty again and again."""
    idle = []
    with daemon.running(tells_imports=True):
        for number in range(rounds):
            daemon.pause.touch()
            until(lambda: daemon.told()["state"] == "paused")
            for n in range(number * SHORT, (number + 1) * SHORT):
                daemon.drop(f"r{n:06d}", WIDTHS[n % len(WIDTHS)])
            until(lambda: daemon.length() == SHORT)
            relay.noted.turns.clear()
            daemon.pause.unlink()
            until(lambda number=number: daemon.done() == (number + 1) * SHORT)  # type: ignore[misc]
            idle += gaps(relay)
    ends = daemon.ends()
    lines = [ends[n : n + SHORT] for n in range(0, len(ends), SHORT)]
    return Cost(Spread.of(idle), Spread.of([b - a for each in lines for a, b in pairwise(each)]))


def long(daemon: Daemon, relay: Relay, count: int, rounds: int) -> Seen:
    """Return what is seen of a line that lies in the inbox already."""
    relay.noted.posts.clear()
    began = time.perf_counter()
    daemon.start()
    try:
        until(lambda: bool(relay.noted.posts), PATIENCE_SECONDS)
        daemon.pause.touch()
        until(lambda: daemon.length() + daemon.done() >= count, PATIENCE_SECONDS, 0.05)
        in_line = time.perf_counter() - began
        until(lambda: daemon.told()["state"] == "paused")
        held = usage(daemon.pid)
        command = cold.COMMANDS["plasma-watch status"]
        status, bare_status = (
            cold.seconds(each, daemon.home, rounds).p50 for each in (command, cold.FLOOR)
        )
        cost = _cost(daemon, relay, rounds)
    finally:
        daemon.stop()
    return Seen(relay.noted.posts[0] - began, in_line, held, status, bare_status, cost)


def _cost(daemon: Daemon, relay: Relay, rounds: int) -> Cost:
    """Let the line go on for some jobs."""
    before = daemon.ends()
    jobs = min(SHORT * rounds, daemon.length())
    relay.noted.turns.clear()
    daemon.pause.unlink()
    until(lambda: daemon.done() >= len(before) + jobs)
    ends = daemon.ends()[len(before) :]
    return Cost(Spread.of(gaps(relay)), Spread.of([b - a for a, b in pairwise(ends)]))


def measure(count: int = COUNT, rounds: int = ROUNDS) -> list[Result]:
    """Measure the short line, then the long one."""
    assert count >= 2 * SHORT, "a line of that length is the short one"
    with a_folder() as folder, contextlib.ExitStack() as stack:
        relay = stack.enter_context(Relay(stack.enter_context(a_sandbox(folder))))
        client = stack.enter_context(Bare(relay.url))
        lay_noise(relay.url)
        brief = Daemon(folder / "short", relay.url)
        ten = short(brief, relay, rounds)
        with bare(imports(brief)) as nothing:
            least_held = usage(nothing)
        daemon = Daemon(folder / "long", relay.url)
        lay(daemon.inbox, count)
        least = bare_first(daemon.inbox, client)
        passing = bare_line(daemon.inbox, folder / "passing")
        seen = long(daemon, relay, count, rounds)
    line, much = f"{count:,} waiting", Goal(most=150)
    return [
        Result(f"{line}: start to first POST", seen.first, "s", least, Goal(most=10)),
        Result(f"{line}: start to all in line", seen.in_line, "s", passing),
        Result(f"{line}: memory", seen.held.resident_mb, "MB", least_held.resident_mb, much),
        Result(f"{line}: memory at its peak", seen.held.peak_mb, "MB", least_held.peak_mb, much),
        Result(f"{line}: plasma-watch status", seen.status, "s", seen.bare_status, Goal(most=1)),
        _over_ten(f"{line}: engine idle between jobs", seen.cost.gap, ten.gap),
        _over_ten(f"{line}: a page", seen.cost.page, ten.page),
    ]


def _over_ten(what: str, seconds: Spread, ten: Spread) -> Result:
    return milliseconds(what, seconds, ten, Goal(most_ratio=1.5))


def main(count: int) -> int:
    """Measure, and print each figure with its floor; return 1 if a goal was missed."""
    return tell(measure(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
