"""What the doctor says of the service, the daemon, and the folders that it may see."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plasma_watch import installing, toml_text
from plasma_watch.config import Comfyui, Config, Paths
from plasma_watch.doctor import service
from plasma_watch.doctor.line import Colour, Line
from plasma_watch.doctor.service import Folder, Service
from plasma_watch.home import Home
from plasma_watch.system import access, platform
from plasma_watch.system.launchd import Launchd
from plasma_watch.system.locks import Lock
from plasma_watch.system.services import DAEMON, State
from plasma_watch.system.systemd import Systemd

FILE = Path("/Users/ada/Library/LaunchAgents/com.plasma-watch.daemon.plist")
UP = State(is_installed=True, file=FILE, is_loaded=True, is_enabled=True, pid=401, words="running")
HOME = Folder("home", Path("/Users/ada/PlasmaWatch"), is_there=True, refusal="", guard="")
TOLD: dict[str, Any] = {"state": "idle", "why": "the inbox is empty", "watching": "events"}
GOOD = Service(
    calls_it="launchd agent",
    state=UP,
    is_current=True,
    interpreter="/opt/x/bin/python",
    interpreter_is_there=True,
    told=TOLD,
    folders=(HOME,),
)


def lines(found: Service) -> dict[str, Line]:
    """Return the lines on a service, by what they are about."""
    return {line.what: line for line in service.judge(found)}


def test_a_good_service_has_only_green_lines() -> None:
    """Five of them."""
    told = lines(GOOD)

    assert {line.colour for line in told.values()} == {Colour.GREEN}
    assert set(told) == {"launchd agent", "interpreter", "daemon", "access", "inbox"}


def test_a_broken_environment_is_red() -> None:
    """An update of Homebrew took the interpreter away."""
    line = lines(replace(GOOD, interpreter_is_there=False))["interpreter"]

    assert line.colour is Colour.RED
    assert "/opt/x/bin/python is gone" in line.said
    assert "service install" in line.repair


def test_an_old_file_is_worth_knowing() -> None:
    """It was written by another version, or from another environment."""
    assert lines(replace(GOOD, is_current=False))["interpreter"].colour is Colour.YELLOW


@pytest.mark.parametrize(
    ("state", "colour", "said"),
    [
        (replace(UP, is_enabled=False), Colour.RED, "switched off"),
        (
            replace(UP, pid=None, words="not running", last_exit="78: EX_CONFIG"),
            Colour.YELLOW,
            "78",
        ),
        (State(is_installed=False, file=FILE), Colour.YELLOW, "not installed"),
    ],
)
def test_a_service_that_does_not_run_is_told(state: State, colour: Colour, said: str) -> None:
    """With what starts it."""
    line = lines(replace(GOOD, state=state))["launchd agent"]

    assert line.colour is colour
    assert said in line.said
    assert line.repair


@pytest.mark.parametrize(
    ("told", "colour"),
    [
        ({}, Colour.YELLOW),
        ({"state": "degraded", "why": "config.toml: line 3", "hint": "Mend it."}, Colour.RED),
        ({"state": "idle", "why": "", "restart_due": True}, Colour.YELLOW),
        ({"state": "starting", "why": ""}, Colour.YELLOW),
        ({"state": "idle", "why": ""}, Colour.GREEN),
    ],
)
def test_the_daemons_own_word_counts(told: dict[str, Any], colour: Colour) -> None:
    """What it says of itself."""
    assert lines(replace(GOOD, told=told))["daemon"].colour is colour


def test_a_volume_without_events_is_worth_knowing() -> None:
    """The daemon found it out by its canary."""
    told = lines(replace(GOOD, told=TOLD | {"watching": "polling"}))

    assert told["inbox"].colour is Colour.YELLOW


def test_a_guarded_folder_is_red_until_the_daemon_works_in_it() -> None:
    """What a terminal may says nothing of what launchd starts."""
    guarded = replace(HOME, path=Path("/Users/ada/Desktop/x"), guard="the Desktop folder")
    alone = lines(replace(GOOD, folders=(guarded,), told={}))["access"]
    proved = lines(replace(GOOD, folders=(guarded,)))["access"]

    assert alone.colour is Colour.RED
    assert "lies in the Desktop folder" in alone.said
    assert os.path.realpath(sys.executable) in alone.repair
    assert proved.colour is Colour.GREEN


def test_a_folder_that_the_daemon_may_not_enter_is_red() -> None:
    """Though this process may."""
    told = TOLD | {"refused": {str(HOME.path): "Operation not permitted"}}

    line = lines(replace(GOOD, told=told))["access"]

    assert line.colour is Colour.RED
    assert "Operation not permitted" in line.said


def test_a_folder_that_nobody_may_write_to_is_red() -> None:
    """By its rights."""
    line = lines(replace(GOOD, folders=(replace(HOME, refusal="Permission denied"),)))["access"]

    assert line.colour is Colour.RED
    assert "rights" in line.repair


# Reading it.


def test_every_configured_folder_is_tried(home: Home, tmp_path: Path) -> None:
    """ComfyUI's too; one that is not there refuses nobody."""
    (tmp_path / "ComfyUI").mkdir()
    config = Config(
        comfyui=Comfyui(dir=str(tmp_path / "ComfyUI")),
        paths=Paths(allowed_roots=[str(tmp_path / "refs")]),
    )

    found = service.read(home, config, Systemd(tmp_path / "units"), tmp_path)

    assert [(folder.name, folder.is_there, folder.refusal) for folder in found.folders] == [
        ("home", True, ""),
        ("output", True, ""),
        ("loras", True, ""),
        ("datasets", True, ""),
        ("workflows", True, ""),
        ("allowed root", False, ""),
        ("ComfyUI", True, ""),
        ("ComfyUI's loras", False, ""),
    ]
    assert found.told == {}
    assert not found.is_current


def test_a_daemon_that_is_up_is_listened_to(home: Home, tmp_path: Path) -> None:
    """An old word of one that has died is not, nor when another one starts."""
    table = TOLD | {"pid": os.getpid()}
    home.status.joinpath("daemon.toml").write_text(toml_text.dumps(table), "utf-8")
    units = Systemd(tmp_path / "units")
    assert service.read(home, Config(), units, tmp_path).told == {}
    lock = Lock(home.lock)
    assert lock.acquire()

    assert service.read(home, Config(), units, tmp_path).told == table
    home.status.joinpath("daemon.toml").write_text(toml_text.dumps(table | {"pid": 1}), "utf-8")
    found = service.read(home, Config(), units, tmp_path)
    lock.release()
    assert found.told["state"] == "starting"
    told = lines(found)
    assert "this terminal" in told["access"].said
    assert "inbox" not in told


@pytest.mark.parametrize("kind", ["launchd", "systemd"])
def test_the_installed_file_is_read(home: Home, tmp_path: Path, kind: str) -> None:
    """Its interpreter, and whether it is what would be written now."""
    services = Launchd(501, tmp_path) if kind == "launchd" else Systemd(tmp_path / "units")
    assert services.command(DAEMON) == ()
    file = services.file(DAEMON)
    file.parent.mkdir(parents=True)
    file.write_text(services.text(installing.daemon_unit(home)), "utf-8")

    found = service.read(home, Config(), services, tmp_path)

    assert found.interpreter == sys.executable
    assert found.interpreter_is_there
    assert found.is_current
    file.write_text("no plist, no unit", "utf-8")
    assert services.command(DAEMON) == ()
    assert not service.read(home, Config(), services, tmp_path).is_current


def test_guarded_places_are_seen_where_there_are_any(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Mac."""
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", True)
    (tmp_path / "Documents").mkdir()
    config = Config(paths=Paths(output=str(tmp_path / "Documents" / "pages")))

    found = service.read(home, config, Systemd(tmp_path / "units"), tmp_path)

    assert [f.guard for f in found.folders if f.name == "output"] == ["the Documents folder"]


# Trying a folder.


def test_a_folder_that_may_be_worked_in_refuses_nobody(tmp_path: Path) -> None:
    """And nothing is left in it."""
    assert access.refusal(tmp_path) == ""
    assert access.refusal(tmp_path / "missing") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing, or writing; on a Mac with what it usually means."""
    (tmp_path / "file").touch()
    assert access.refusal(tmp_path / "file") == "Not a directory"
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", True)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "touch", refused)
    said = access.refusal(tmp_path)
    monkeypatch.undo()

    assert said.startswith("Operation not permitted: macOS keeps this program out")
    assert access.refusal(tmp_path, writes=False) == ""
