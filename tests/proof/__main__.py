"""`python -m tests.proof`: plays rounds until enough was killed, and writes what it counted.

What is counted is kept round by round in the state folder, so that a run that was interrupted goes
on where it stopped. The home of a round that shows a fault is kept there to be looked at. A round
mostly waits, so four lanes are played at once, each with an engine of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from plasma_watch import __version__
from tests.crash.process import Forks
from tests.door.process import EngineProcess
from tests.proof.count import Count, counted
from tests.proof.plan import drawn
from tests.proof.play import ATTEMPTS, play

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_FIGURES = re.compile(r"<!-- figures -->.*<!-- end of figures -->", re.DOTALL)


def main() -> int:
    """Run, and return 1 if anything was found that must not be."""
    asked = _arguments()
    lanes = [asked.state / f"lane-{number}" for number in range(asked.at_once)]
    if asked.lane is None:
        _run_all(lanes)
    else:
        _run(asked, lanes[asked.lane])
    total = Count()
    for lane in lanes:
        _add(total, _kept(lane))
    if asked.write:
        _write(total, asked)
    is_whole = total.daemon_kills >= asked.daemon_kills and total.engine_kills >= asked.engine_kills
    return 1 if total.faults() or not is_whole else 0


def _run_all(lanes: Sequence[Path]) -> None:
    """Run every lane in a process of its own."""
    command = [sys.executable, "-m", "tests.proof", *sys.argv[1:]]
    running = [
        subprocess.Popen([part for part in [*command, "--lane", str(n)] if part != "--write"])
        for n in range(len(lanes))
    ]
    for process in running:
        process.wait()


def _run(asked: argparse.Namespace, folder: Path) -> None:
    """Play the rounds of one lane, until its share was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    total = _kept(folder)
    engine = EngineProcess(folder / "engine", 0.002, folder / "engine.log")
    forks = Forks(engine, folder / "user")
    try:
        while not _is_enough(total, asked) and not (total.faults() and asked.stop):
            _one_round(asked, folder, total, forks, engine)
    finally:
        forks.close()
        engine.kill()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--daemon-kills", type=int, default=2000)
    parser.add_argument("--engine-kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path, default=Path(".proof"))
    parser.add_argument("--at-once", type=int, default=4, help="how many lanes there are")
    parser.add_argument("--lane", type=int, help="play this one alone")
    parser.add_argument("--stop", action="store_true", help="stop at the first fault")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md's figures")
    return parser.parse_args()


def _is_enough(total: Count, asked: argparse.Namespace) -> bool:
    """Tell whether a lane has its share of the kills."""
    killed = (total.daemon_kills, total.engine_kills)
    wanted = (asked.daemon_kills, asked.engine_kills)
    return all(have * asked.at_once >= want for have, want in zip(killed, wanted, strict=True))


def _kept(state: Path) -> Count:
    """Return what earlier runs counted."""
    total = Count()
    rounds = state / "rounds.jsonl"
    for line in rounds.read_text("utf-8").splitlines() if rounds.exists() else ():
        _add(total, Count(**json.loads(line)))
    return total


def _add(total: Count, count: Count) -> None:
    for each in fields(Count):
        setattr(total, each.name, getattr(total, each.name) + getattr(count, each.name))


def _one_round(
    asked: argparse.Namespace, lane: Path, total: Count, forks: Forks, engine: EngineProcess
) -> None:
    number = total.rounds * asked.at_once + asked.lane
    folder = lane / f"round-{number:05d}"
    shutil.rmtree(folder, ignore_errors=True)
    played = play(drawn(asked.seed, number), forks, engine, folder)
    count = counted(played, lambda prompt: bool(engine.get(f"/history/{prompt}")))
    with (lane / "rounds.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(count)) + "\n")
    _add(total, count)
    if not count.faults():
        shutil.rmtree(folder)
    _say(number, total, count)


def _say(number: int, total: Count, count: Count) -> None:
    for fault in count.faults():
        sys.stdout.write(f"FAULT {fault}\n")
    sys.stdout.write(
        f"round {number}; this lane: {total.requests} requests, {total.pictures} pictures, "
        f"{total.daemon_kills} kills of the daemon, {total.engine_kills} of the engine, "
        f"{len(total.faults())} faults\n"
    )
    sys.stdout.flush()


def figures(total: Count, seed: int) -> str:
    """Return what was counted as a table."""
    rows = {
        "rounds": total.rounds,
        "requests dropped": total.requests,
        "pictures made": total.pictures,
        "kills of the daemon (SIGKILL)": total.daemon_kills,
        "stops of the daemon (SIGTERM)": total.daemon_stops,
        "kills of the engine (SIGKILL)": total.engine_kills,
        "attempts anew: the engine had lost it, or never got it": total.asked_again,
        "**lost**": len(total.lost),
        "**doubled**": len(total.doubled),
        "**torn**": len(total.torn),
        "**ended or told wrongly**": len(total.wrong),
    }
    table = "".join(f"| {what} | {number:,} |\n" for what, number in rows.items())
    command = f"make proof SEED={seed}"
    return (
        f"Plasma Watch {__version__}, `{command}`, {os.uname().sysname}, Python "
        f"{sys.version.split()[0]}; `limits.attempts` raised to {ATTEMPTS}.\n\n"
        f"| what | counted |\n|---|---|\n{table}"
    )


def _write(total: Count, asked: argparse.Namespace) -> None:
    said = f"<!-- figures -->\n{figures(total, asked.seed)}<!-- end of figures -->"
    PAGE.write_text(_FIGURES.sub(lambda _: said, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
