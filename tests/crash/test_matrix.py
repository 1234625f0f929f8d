"""Killed, or refused by the disk, at every step that changes something: nothing lost or doubled.

Each case lets a daemon run into its trap, then a second one without a trap; the home must then look
as if nothing had happened, and the engine must have been asked once for each picture.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.process import Case, Forks, Scenario, a_home, cases, recorded, wrong_after
from tests.door.process import DaemonProcess, EngineProcess, request

PARTS = 16


def _page(daemon: DaemonProcess) -> None:
    daemon.drop("page", chapter=1, page=3, steps=1)


def _two(daemon: DaemonProcess) -> None:
    daemon.drop("page", steps=1, count=2)


def _sweep(daemon: DaemonProcess) -> None:
    daemon.drop("page", request(steps=1) + "[sweep]\ncfg = [4.0]\n")


def _line(daemon: DaemonProcess) -> None:
    """Drop two pages: the second is sent when the engine is free of the first."""
    daemon.drop("page", steps=1)
    daemon.drop("next", steps=1)


def _bad(daemon: DaemonProcess) -> None:
    daemon.drop("page", 'kind = "generate"\nprompt = 3\n')


def _cancelled(daemon: DaemonProcess) -> None:
    (daemon.home / "inbox" / "PAUSE").touch()
    daemon.drop("page", steps=1)
    (daemon.home / "inbox" / "page.cancel").touch()


def _late(daemon: DaemonProcess) -> None:
    """Drop a picture that does not exist in the engine: it fails when its turn has come."""
    daemon.drop("page", request(checkpoint="nowhere.safetensors"))


def _long(daemon: DaemonProcess) -> None:
    """Drop a page that takes long enough to be cancelled."""
    daemon.drop("page", steps=150)


def _retried(daemon: DaemonProcess) -> None:
    """Move a failed request back, as `retry` does; it fails again."""
    folder = daemon.home / "failed" / "20261122T041512-page"
    folder.mkdir(parents=True)
    (folder / "why.txt").write_text("page.toml was not made")
    (folder / "page.toml").write_text('kind = "generate"\nprompt = 3\n')
    (folder / "page.toml").rename(daemon.home / "inbox" / "page.toml")


SCENARIOS = [
    Scenario("page", _page, ("done",), 1),
    Scenario("two", _two, ("done",), 2),
    Scenario("sweep", _sweep, ("done",), 1, sheets=1),
    Scenario("line", _line, ("done",), 2, names=("page", "next")),
    Scenario("bad", _bad, ("failed",), 0),
    Scenario("late", _late, ("failed",), 0),
    Scenario("retried", _retried, ("failed",), 0),
    Scenario("cancelled", _cancelled, ("cancelled",), 0),
    Scenario(
        "cancelled while it runs",
        _long,
        ("cancelled", "done"),
        1,
        {"POST /prompt": "inbox/page.cancel"},
    ),
]


@pytest.fixture(scope="session")
def forks(engine: EngineProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A server that forks daemons."""
    forks = Forks(engine, tmp_path_factory.mktemp("state"))
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def all_cases(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Every case, from what the scenarios pass when nothing happens to them."""
    ways = [(each, recorded(forks, each, tmp_path_factory.mktemp("way"))) for each in SCENARIOS]
    assert all(points for _, points in ways)
    return list(cases(ways, is_whole="WHOLE_MATRIX" in os.environ))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_crash_and_no_full_disk_loses_or_doubles_anything(
    forks: Forks, engine: EngineProcess, tmp_path: Path, all_cases: list[Case], part: int
) -> None:
    """F39, §7.1: a share of all the points of all scenarios."""
    wrong: dict[str, list[str]] = {}
    for number, case in enumerate(case for case in all_cases if case.is_of(part, PARTS)):
        (tmp_path / str(number)).mkdir()
        daemon = a_home(tmp_path / str(number))
        engine.forget()
        case.scenario.drop(daemon)
        code = forks.drain(daemon.home, case.trap, meanwhile=case.scenario.meanwhile)
        forks.drain(daemon.home)
        found = wrong_after(daemon, case.scenario)
        if (asked := len(engine.prompts())) not in case.asks:
            found.append(f"the engine was asked {asked} times")
        if case.is_sure_to_kill and code != -signal.SIGKILL:
            found.append("the daemon never came to the point")
        if found:
            wrong[str(case)] = found

    assert wrong == {}
