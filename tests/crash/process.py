"""Homes that are run by forked daemons with a trap in them, and what must be true afterwards."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.crash.server import HUNG
from tests.crash.trap import Spec
from tests.door.process import DaemonProcess, EngineProcess, make_home

REFUSALS = ("ENOSPC", "EIO", "EPERM")
"""How a disk refuses: it is full, it is broken, it may not."""


class Forks:
    """The server that forks daemons; one for all cases of a test process."""

    def __init__(self, engine: EngineProcess, state: Path) -> None:
        self._environ = {
            "COMFYUI_URL": engine.url,
            "COMFYUI_DIR": str(engine.base),
            "XDG_STATE_HOME": str(state),
        }
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def drain(
        self,
        home: Path,
        trap: Spec | None = None,
        record: Path | None = None,
        meanwhile: dict[str, str] | None = None,
    ) -> int:
        """Run a daemon until the line is empty or it dies; return its exit code."""
        told = asdict(trap) if trap else None
        return self._run(home, trap=told, record=record, meanwhile=meanwhile or {})

    def live(self, home: Path, seconds: float, *, is_asked: bool) -> int:
        """Run a daemon for so long, then kill it, or ask it to end; return its exit code."""
        return self._run(home, life={"seconds": seconds, "is_asked": is_asked})

    def _run(self, home: Path, **orders: Any) -> int:
        order = dict.fromkeys(("trap", "record", "life")) | {"meanwhile": {}}
        order |= {"home": home, "environ": self._environ}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order | orders, default=str) + "\n")
        self._server.stdin.flush()
        code = int(json.loads(self._server.stdout.readline())["code"])
        assert code != HUNG, f"the daemon hangs: {(home / 'stderr.log').read_text('utf-8')}"
        return code

    def close(self) -> None:
        """End the server."""
        for pipe in (self._server.stdin, self._server.stdout):
            if pipe:
                pipe.close()
        self._server.wait()


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is dropped, as `page` and under other names, and where it must be in the end."""

    name: str
    drop: Callable[[DaemonProcess], None]
    ends: tuple[str, ...]
    """The folders that each request may end in."""
    pictures: int
    """How many pictures must lie in the output folder if it is done; else there is none."""
    meanwhile: dict[str, str] = field(default_factory=dict)
    """What is put into the home by somebody when a point is passed."""
    sheets: int = 0
    """How many sheets must lie beside them."""
    names: tuple[str, ...] = ("page",)
    """What was dropped. With more than one, the daemon is killed where the last of them comes."""


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario with one trap."""

    scenario: Scenario
    trap: Spec

    @property
    def asks(self) -> range:
        """How often the engine may be asked: once for each picture, or not if that was not due."""
        most = self.scenario.pictures
        return range(0 if self.scenario.meanwhile else most, most + 1)

    @property
    def is_sure_to_kill(self) -> bool:
        """Tell whether each run comes to the point, and is killed there."""
        is_one_way = len(self.scenario.names) == 1 and not self.scenario.meanwhile
        return self.trap.act == "before" and is_one_way and not _is_request(self.trap.point)

    def is_of(self, part: int, parts: int) -> bool:
        """Tell whether the case belongs to a part: the same one in each process that asks."""
        return crc32(str(self).encode()) % parts == part

    def __str__(self) -> str:
        return f"{self.scenario.name}: {self.trap.act} {self.trap.point} #{self.trap.nth}"


def cases(ways: Sequence[tuple[Scenario, Sequence[str]]], *, is_whole: bool) -> Iterator[Case]:
    """Yield two ways to fail at each point of all scenarios, each with the points that it passed.

    As long as a scenario passes only what an earlier one passed as often, it goes the same way, and
    what was tried there is not tried again, unless it is to be the whole; from its first new step
    on everything is tried.
    """
    walked: set[tuple[str, int]] = set()
    tried: set[Spec] = set()
    for scenario, points in ways:
        steps = list(_numbered(points))
        new = set(itertools.dropwhile(walked.__contains__, steps))
        traps = list(_traps(Counter(points), is_line=len(scenario.names) > 1))
        for trap in traps:
            if is_whole or trap not in tried or (trap.point, trap.nth) in new:
                yield Case(scenario, trap)
        walked.update(steps)
        tried.update(traps)


def _numbered(points: Sequence[str]) -> Iterator[tuple[str, int]]:
    passed: Counter[str] = Counter()
    for point in points:
        passed[point] += 1
        yield point, passed[point]


def _traps(passed: Counter[str], *, is_line: bool) -> Iterator[Spec]:
    """Yield what happens at each point.

    The first time the daemon is killed before it, in a line the last time; the last time a request
    is sent and not heard of, or the disk refuses, here with one reason and there with another. A
    disk that refuses does the same to a page in a line as to one alone.
    """
    for point, times in passed.items():
        refusal = REFUSALS[crc32(f"{point} {times}".encode()) % len(REFUSALS)]
        yield Spec(point, times if is_line else 1, "before")
        if _is_request(point) or not is_line:
            yield Spec(point, times, "after" if _is_request(point) else refusal)


def _is_request(point: str) -> bool:
    return point.startswith(("GET", "POST", "body of"))


def recorded(forks: Forks, scenario: Scenario, folder: Path) -> list[str]:
    """Run a scenario without a trap, and return the points in the order they were passed."""
    daemon = a_home(folder)
    scenario.drop(daemon)
    forks.drain(daemon.home, None, folder / "points.txt", scenario.meanwhile)
    return (folder / "points.txt").read_text("utf-8").splitlines()


def a_home(folder: Path) -> DaemonProcess:
    """Return a home that takes what lies still for a blink."""
    return DaemonProcess(make_home(folder / "home", settle_seconds=0.05), None)


def wrong_after(daemon: DaemonProcess, scenario: Scenario) -> list[str]:
    """Return everything that is not as it must be when all is over."""
    return [
        *_misplaced(daemon, scenario),
        *_miscounted(daemon, scenario),
        *_left_behind(daemon),
        *_mistold(daemon, scenario),
    ]


def _misplaced(daemon: DaemonProcess, scenario: Scenario) -> Iterator[str]:
    folders = ("running", "done", "failed", "cancelled")
    for file in (f"{name}.toml" for name in scenario.names):
        found = [f.parent.parent.name for s in folders for f in daemon.home.glob(f"{s}/*/{file}")]
        found += ["inbox" for _ in daemon.home.glob(f"inbox/**/{file}")]
        if len(found) != 1 or found[0] not in scenario.ends:
            yield f"{file} lies in {found}, not in one of {scenario.ends}"


def _miscounted(daemon: DaemonProcess, scenario: Scenario) -> Iterator[str]:
    files = daemon.outputs()
    made = [name for name in files if name.endswith(".png")]
    sheets = [name for name in made if "_sheet_v" in name]
    pictures = [name for name in made if name not in sheets]
    manifests = [name for name in files if name.endswith(".toml")]
    wanted = (scenario.pictures, scenario.sheets) if daemon.folders("done") else (0, 0)
    if (len(pictures), len(sheets)) != wanted:
        yield f"{len(pictures)} pictures and {len(sheets)} sheets, not {wanted}"
    if [p.removesuffix(".png") for p in made] != [m.removesuffix(".toml") for m in manifests]:
        yield f"pictures and manifests do not match: {files}"
    logged = sorted(_logged(daemon.home / "output"))
    if logged != pictures:
        yield f"the generation log has {logged}"


def _logged(output: Path) -> Iterator[str]:
    for path in output.rglob("generation-log.json"):
        for entry in json.loads(path.read_text("utf-8")):
            yield str((path.parent / entry["file"]).relative_to(output))


def _left_behind(daemon: DaemonProcess) -> Iterator[str]:
    stray = [str(p.relative_to(daemon.home)) for p in daemon.home.rglob("*.tmp")]
    if stray:
        yield f"left behind: {stray}"
    if running := daemon.folders("running"):
        yield f"still in running/: {running}"


def _mistold(daemon: DaemonProcess, scenario: Scenario) -> Iterator[str]:
    for name in scenario.names:
        told = daemon.told(name).get("state")
        if not told or not any((daemon.home / told).glob(f"*/{name}.toml")):
            yield f"the status of {name} says {told}"
