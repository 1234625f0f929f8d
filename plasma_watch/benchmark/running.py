"""Makes the pictures of the reference run, through the line, and writes down what was seen."""

from __future__ import annotations

import contextlib
import os
import platform as python_platform
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch import __version__, errand
from plasma_watch.benchmark import training
from plasma_watch.benchmark.reference import NAME, SEED, request
from plasma_watch.benchmark.report import Report
from plasma_watch.benchmark.verdict import Again, Run, verdicts
from plasma_watch.benchmark.watching import Watching
from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts, read_facts
from plasma_watch.config import load_config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.outputs.likeness import likeness
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.picture import decode, examine
from plasma_watch.status import read_status, stamp, utc_now
from plasma_watch.system import platform, processes

RUN_SECONDS = 3600.0
"""When a run is given up."""
TRAINING_SECONDS = 4 * 3600.0
FREE_PAUSE_SECONDS = 1.5
ENGINE_SECONDS = 600.0
"""How long an engine of our own may take to be there, when the first picture asks for it."""
TOLD_SECONDS = 5.0
"""Within this the daemon tells of an engine that just made a picture; it tells twice a second."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the runs are made, and who hears of them."""

    home: Home
    say: Say
    run_seconds: float = RUN_SECONDS
    again: int = 0
    """How often one seed is made anew, to see whether it makes one picture."""
    trains: bool = False
    """Whether the trainer is calibrated too."""


def benchmark(bench: Bench, *options: str) -> Report:
    """Make the cold and the warm run; write both reports into the home.

    `options` are for the daemon that is started where none is. Raises PlasmaError when there is no
    engine to be measured.
    """
    with errand.daemon_of(bench.home, *options):
        client = Client(_url(bench))
        try:
            report = _measured(bench, client)
        finally:
            client.close()
    bench.home.root.joinpath("BENCHMARK.md").write_text(report.to_markdown(), "utf-8")
    bench.home.root.joinpath("BENCHMARK.json").write_text(report.to_json(), "utf-8")
    return report


def _url(bench: Bench) -> str:
    """Return where the daemon's engine answers; a small picture brings one up that is not there."""
    if url := _told_url(bench.home):
        return url
    bench.say("a first small picture, so that the engine is there")
    small = request(SEED - 1) | {"steps": 1, "width": 64, "height": 64, "output": "studies/first"}
    status = _made(bench, f"{NAME}-first", small, ENGINE_SECONDS)
    url = _told_url(bench.home, TOLD_SECONDS)
    if status["state"] != "done" or not url:
        raise PlasmaError(
            Code.ENGINE_UNREACHABLE,
            f"no picture can be made: {status['why']}",
            "`plasma-watch doctor` says what is missing.",
        )
    return url


def _told_url(home: Home, seconds: float = 0.0) -> str:
    """Return where the engine answers, as the daemon tells it within some seconds."""
    until = time.monotonic() + seconds
    while True:
        engine = read_status(home.status / "daemon.toml").get("engine", {})
        if engine.get("reachable"):
            return str(engine.get("url", ""))
        if time.monotonic() >= until:
            return ""
        time.sleep(errand.LOOK_SECONDS)


def _made(bench: Bench, name: str, asked: dict[str, Any], seconds: float) -> dict[str, Any]:
    return errand.await_end(bench.home, errand.send(bench.home, name, asked), seconds)


def _measured(bench: Bench, client: Client) -> Report:
    stats = client.raw_stats()
    facts = read_facts(stats, client.url)
    _free(client)
    runs = [
        _run(bench, client, "cold", SEED),
        _run(bench, client, "warm", SEED + 1),
    ]
    engine, again = _engine(facts), tuple(_made_again(bench, client))
    return Report(
        date=stamp(utc_now()),
        version=__version__,
        machine=platform.machine(),
        system=_system(),
        engine=engine,
        stats=stats,
        runs=runs,
        verdicts=verdicts(runs, engine, again),
        again=again,
        training=_calibrated(bench) if bench.trains else "",
    )


def _calibrated(bench: Bench) -> str:
    """Calibrate the trainer, and return what it came to in its own words."""
    bench.say(f"the trainer, {training.STEPS} steps")
    config = load_config(bench.home.config, os.environ)
    asked = training.request(bench.home, config.paths.datasets, config.limits.min_images)
    status = _made(bench, training.NAME, asked, TRAINING_SECONDS)
    bench.say(f"  {status['state']}: {status['why']}")
    return f"{status['state']}: {status['why']}"


def _made_again(bench: Bench, client: Client) -> Iterator[Again]:
    """Make one seed again and again, and hold each picture against the first."""
    first: Image.Image | None = None
    for number in range(1, bench.again + 1):
        bench.say(f"seed {SEED} again, {number} of {bench.again}")
        _free(client)
        status = _made(bench, f"{NAME}-again-{number}", request(SEED), bench.run_seconds)
        if status["state"] != "done":
            yield Again("", str(status["why"]), None)
            continue
        path = errand.picture_of(bench.home, status)
        picture = decode(path.read_bytes(), path.name)
        first = first or picture
        yield Again(str(status["outputs"][0]), "", likeness(first, picture))


def _free(client: Client) -> None:
    """Have the engine forget what it holds, so that the first run is cold; asked twice."""
    for _ in range(2):
        client.free()
        time.sleep(FREE_PAUSE_SECONDS)


def _engine(facts: Facts) -> dict[str, Any]:
    return {
        "version": facts.version,
        "device": facts.device,
        "torch": facts.torch,
        "python": facts.python,
        "arguments": list(facts.argv),
        "is_sandbox": facts.is_sandbox,
    }


def _system() -> str:
    mac = python_platform.mac_ver()[0]
    return f"macOS {mac}" if mac else f"{python_platform.system()} {python_platform.release()}"


def _run(bench: Bench, client: Client, name: str, seed: int) -> Run:
    bench.say(f"the {name} run: {name} engine, seed {seed}")
    file = f"{NAME}-{name}"
    with _watched(client) as watching:
        started, began = datetime.now(UTC), time.monotonic()
        status = _made(bench, file, request(seed), bench.run_seconds)
        elapsed, ended = time.monotonic() - began, datetime.now(UTC)
    picture = errand.picture_of(bench.home, status) if status["state"] == "done" else None
    bench.say(f"  {status['state']}: {status['why']} ({elapsed:.1f} s)")
    return Run(
        name=name,
        state=str(status["state"]),
        why=str(status["why"]),
        started=stamp(started),
        ended=stamp(ended),
        elapsed_seconds=round(elapsed, 2),
        seconds=_seconds(picture),
        seconds_per_step=_pace(bench.home.status / f"{file}.log"),
        picture=str(picture or ""),
        is_blank=_is_blank(picture, status),
        seen=watching.seen(),
    )


@contextmanager
def _watched(client: Client) -> Iterator[Watching]:
    port = int(client.url.rpartition(":")[2].partition("/")[0])
    found = processes.listener(port)
    watching, stopping = Watching(found.pid if found else None), threading.Event()
    watching.look()
    thread = threading.Thread(target=watching.run, args=(stopping,))
    thread.start()
    try:
        yield watching
    finally:
        stopping.set()
        thread.join()
        watching.look()


def _seconds(picture: Path | None) -> float | None:
    """Return what the manifest says that the making took."""
    if picture:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            manifest = Manifest.from_toml(picture.with_suffix(".toml").read_text("utf-8"))
            return float(manifest.result["seconds"])
    return None


def _pace(log: Path) -> float | None:
    """Return the pace at the last step, as the log of the newest job tells it."""
    with contextlib.suppress(OSError):
        told = re.findall(r" ([\d.e+-]+)s/step$", log.read_text("utf-8"), re.MULTILINE)
        return float(told[-1]) if told else None
    return None


def _is_blank(picture: Path | None, status: dict[str, Any]) -> bool | None:
    if picture is None:
        return True if status.get("error", {}).get("code") == Code.IMAGE_BLANK else None
    try:
        examine(picture.read_bytes())
    except PlasmaError as exc:
        return exc.code is Code.IMAGE_BLANK
    return False
