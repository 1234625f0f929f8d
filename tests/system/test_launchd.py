"""The launchd template, as far as it can be judged without a Mac."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = "launchd/com.plasma-watch.daemon.plist"
TYPES: dict[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "WorkingDirectory": str,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Umask": int,
    "SoftResourceLimits": dict,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}


@pytest.fixture
def plist(repository: Path) -> dict[str, Any]:
    """Return the template as launchd would read it."""
    found: dict[str, Any] = plistlib.loads((repository / TEMPLATE).read_bytes())
    return found


def test_every_key_has_the_type_that_launchd_wants(plist: dict[str, Any]) -> None:
    """No other key is there, and every integer is one."""
    assert {key: type(value) for key, value in plist.items()} == TYPES


def test_a_stop_stays_stopped_and_a_kill_comes_back(plist: dict[str, Any]) -> None:
    """Exactly this: more keys are ORed, and would bring a stopped daemon back."""
    assert plist["KeepAlive"] == {"SuccessfulExit": False}
    assert plist["RunAtLoad"] is True


def test_the_file_is_named_after_its_label(plist: dict[str, Any]) -> None:
    """As launchd's tools expect."""
    assert f"launchd/{plist['Label']}.plist" == TEMPLATE


def test_the_daemon_knows_that_it_is_supervised(plist: dict[str, Any]) -> None:
    """So that it waits out what would only loop."""
    assert plist["EnvironmentVariables"]["PLASMA_SUPERVISED"] == "1"
    assert all(isinstance(value, str) for value in plist["EnvironmentVariables"].values())


def test_nothing_slows_it_down(plist: dict[str, Any]) -> None:
    """Any other process type, and Nice or low-priority I/O, would."""
    assert plist["ProcessType"] == "Interactive"
    assert plist["ProgramArguments"][1:4] == ["-m", "plasma_watch", "run"]
