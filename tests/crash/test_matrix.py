"""Killed, or refused by the disk, at every step that changes something: nothing lost or doubled.

Each case lets a daemon run into its trap, then a second one without a trap; the home must then look
as if nothing had happened, and the engine must have been asked once for each picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.process import Forks, Scenario, a_home, cases, recorded, wrong_after
from tests.door.process import DaemonProcess, EngineProcess, request

PARTS = 6


def _page(daemon: DaemonProcess) -> None:
    daemon.drop("page", chapter=1, page=3, steps=1)


def _two(daemon: DaemonProcess) -> None:
    daemon.drop("two", steps=1, count=2)


def _sweep(daemon: DaemonProcess) -> None:
    daemon.drop("tries", request(steps=1) + "[sweep]\ncfg = [4.0]\n")


def _bad(daemon: DaemonProcess) -> None:
    daemon.drop("bad", 'kind = "generate"\nprompt = 3\n')


def _cancelled(daemon: DaemonProcess) -> None:
    (daemon.home / "inbox" / "PAUSE").touch()
    daemon.drop("gone", steps=1)
    (daemon.home / "inbox" / "gone.cancel").touch()


def _again(daemon: DaemonProcess) -> None:
    """Drop a picture that does not exist in the engine: it fails when its turn has come."""
    daemon.drop("late", request(checkpoint="nowhere.safetensors"))


def _long(daemon: DaemonProcess) -> None:
    """Drop a page that takes long enough to be cancelled."""
    daemon.drop("long", steps=150)


def _retried(daemon: DaemonProcess) -> None:
    """Move a failed request back, as `retry` does; it fails again."""
    folder = daemon.home / "failed" / "20261122T041512-bad"
    folder.mkdir(parents=True)
    (folder / "why.txt").write_text("bad.toml was not made")
    (folder / "bad.toml").write_text('kind = "generate"\nprompt = 3\n')
    (folder / "bad.toml").rename(daemon.home / "inbox" / "bad.toml")


SCENARIOS = [
    Scenario("page", _page, {"page.toml": ("done",)}, 1),
    Scenario("two", _two, {"two.toml": ("done",)}, 2),
    Scenario("sweep", _sweep, {"tries.toml": ("done",)}, 1, sheets=1),
    Scenario("bad", _bad, {"bad.toml": ("failed",)}, 0),
    Scenario("late", _again, {"late.toml": ("failed",)}, 0),
    Scenario("retried", _retried, {"bad.toml": ("failed",)}, 0),
    Scenario("cancelled", _cancelled, {"gone.toml": ("cancelled",)}, 0),
    Scenario(
        "cancelled while it runs",
        _long,
        {"long.toml": ("cancelled", "done")},
        1,
        {"POST /prompt": "inbox/long.cancel"},
    ),
]


@pytest.fixture
def forks(engine: EngineProcess, tmp_path: Path) -> Iterator[Forks]:
    """A server that forks daemons."""
    forks = Forks(engine, tmp_path / "state")
    yield forks
    forks.close()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_crash_and_no_full_disk_loses_or_doubles_anything(
    forks: Forks, engine: EngineProcess, tmp_path: Path, scenario: Scenario, part: int
) -> None:
    """F39, §7.1: a share of all the points of one scenario."""
    (tmp_path / "recorded").mkdir()
    passed = recorded(forks, scenario, tmp_path / "recorded")
    assert passed

    wrong: dict[str, list[str]] = {}
    for number, case in enumerate(list(cases(scenario, passed))[part::PARTS]):
        (tmp_path / str(number)).mkdir()
        daemon = a_home(tmp_path / str(number))
        before = len(engine.prompts())
        scenario.drop(daemon)
        forks.drain(daemon.home, case.trap, meanwhile=scenario.meanwhile)
        forks.drain(daemon.home)
        found = wrong_after(daemon, scenario)
        if (asked := len(engine.prompts()) - before) not in case.asks:
            found.append(f"the engine was asked {asked} times")
        if found:
            wrong[str(case)] = found

    assert wrong == {}
