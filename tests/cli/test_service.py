"""The commands around the service: here on Linux, with a stand-in for systemctl."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from plasma_watch import installing
from plasma_watch.config import Comfyui, Config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.system import platform
from plasma_watch.system.services import COMFYUI, DAEMON, Unit
from tests.cli.conftest import Run
from tests.fakes.systemctl import RUNNING, STOPPED, FakeSystemctl

on_linux = pytest.mark.skipif(sys.platform == "darwin", reason="systemd is not for a Mac")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemctl:
    """The stand-in for systemctl, on PATH."""
    fake = FakeSystemctl(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.folder}:{os.environ['PATH']}")
    return fake


def unit_file(name: str = "plasma-watch.service") -> Path:
    """Return where the unit of the test's user lies."""
    return Path(os.environ["HOME"]) / ".config" / "systemd" / "user" / name


@on_linux
def test_install_is_one_command(run: Run, home: Path, systemctl: FakeSystemctl) -> None:
    """It says where, under which pid, and what log-in, stop and uninstall mean."""
    answer = run("service", "install")

    assert answer.code == 0
    assert f"installed and running (pid 4711): {unit_file()}" in answer.out
    assert "log-in: starts it" in answer.out
    assert f'"--home" "{home}"' in unit_file().read_text("utf-8")
    assert systemctl.asked()[-1] == "restart plasma-watch.service"


@on_linux
def test_print_says_what_install_would_write(run: Run, systemctl: FakeSystemctl) -> None:
    """And writes nothing."""
    said = run("service", "print").out

    assert systemctl.asked() == []
    run("service", "install")
    assert unit_file().read_text("utf-8") == said


@on_linux
@pytest.mark.usefixtures("systemctl")
def test_status_start_stop_uninstall(run: Run) -> None:
    """In the order of a life."""
    run("service", "install")

    assert "active (running) (pid 4711)" in run("service", "status").out
    assert run("service", "stop").out.startswith("stopped; jobs are kept")
    assert run("service", "start").out == "running (pid 4711)\n"
    assert run("service", "uninstall").code == 0
    assert not unit_file().exists()
    assert "not installed" in run("service", "status").out


@on_linux
def test_without_a_bus_nothing_is_left(run: Run, systemctl: FakeSystemctl) -> None:
    """As in a container or over `su`: a failed install leaves no file, uninstall removes one."""
    said = "Failed to connect to user scope bus"
    systemctl.fails(said)
    failed = run("service", "install")
    was_left = unit_file().exists()
    systemctl.shows(RUNNING)
    run("service", "install")
    was_there = unit_file().exists()
    systemctl.fails(said)

    removed = run("service", "uninstall")

    assert (failed.code, was_left, was_there) == (1, False, True)
    assert said in failed.err
    assert removed.code == 1
    assert f"{unit_file()} is removed, but systemd did not do it: {said}" in removed.err
    assert not unit_file().exists()


@on_linux
def test_status_of_a_service_that_is_down(run: Run, systemctl: FakeSystemctl) -> None:
    """Exit code 3, the last exit, and that it is switched off; the same for programs."""
    run("service", "install")
    systemctl.shows(STOPPED)

    answer = run("service", "status")

    assert answer.code == 3
    assert "last exit exit-code 78, switched off" in answer.out
    told = json.loads(run("service", "status", "--json").out)
    assert (told["pid"], told["is_installed"], told["runs"]) == (None, True, 3)


@on_linux
@pytest.mark.usefixtures("systemctl")
def test_start_without_install_ends_with_three(run: Run) -> None:
    """The daemon cannot be reached that way."""
    answer = run("service", "start")

    assert answer.code == 3
    assert "`plasma-watch service install` installs it." in answer.err


@on_linux
@pytest.mark.usefixtures("systemctl")
def test_comfyui_may_be_a_service_of_its_own(run: Run, home: Path, tmp_path: Path) -> None:
    """From its folder, through a shell that makes a good end of SIGTERM."""
    folder = tmp_path / "ComfyUI"
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "main.py").touch()
    configure(home, f'dir = "{folder}"')

    answer = run("service", "install", "--comfyui")

    assert answer.code == 0
    text = unit_file("plasma-watch-comfyui.service").read_text("utf-8")
    assert f'"{folder}/venv/bin/python" "{folder}/main.py" "--listen" "127.0.0.1"' in text
    assert '"--port" "8188"' in text


@on_linux
@pytest.mark.usefixtures("systemctl")
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "comfyui.dir is not set"),
        ('dir = "/nowhere"', "/nowhere/venv/bin/python is not there"),
        ('dir = "/nowhere"\nmanage = true', "the daemon starts ComfyUI"),
    ],
)
def test_a_comfyui_that_cannot_be_a_service_is_refused(
    run: Run, home: Path, keys: str, said: str
) -> None:
    """Before anything is written."""
    configure(home, keys)

    answer = run("service", "install", "--comfyui")

    assert answer.code != 0
    assert said in answer.err
    assert not unit_file("plasma-watch-comfyui.service").exists()


def configure(home: Path, keys: str) -> None:
    """Set keys of [comfyui]."""
    (home / "config.toml").write_text(f"[comfyui]\n{keys}\n", "utf-8")


# What speaks against it.


def test_the_interpreter_is_the_environments_own(home: Path) -> None:
    """Its path, and not what the link leads to: an update of Homebrew takes that away."""
    unit = installing.daemon_unit(Home(home))

    assert unit.command[0] == sys.executable
    assert unit.command[1:] == ("-m", "plasma_watch", "run", "--home", str(home))


def test_an_environment_that_cannot_run_us_is_refused(home: Path, tmp_path: Path) -> None:
    """It would only loop."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"No module named 'plasma_watch'\" >&2; exit 1\n")
    python.chmod(0o755)
    unit = installing.daemon_unit(Home(home), str(python))

    with pytest.raises(PlasmaError, match=r"cannot run Plasma Watch.*No module named") as caught:
        installing.check(unit, Home(home), tmp_path)

    assert caught.value.code is Code.DAEMON_SERVICE


def test_what_lies_in_a_guarded_folder_is_refused(tmp_path: Path) -> None:
    """Also through a link: the kernel looks where it leads."""
    desktop = tmp_path / "Desktop" / "PlasmaWatch"
    desktop.mkdir(parents=True)
    (tmp_path / "link").symlink_to(desktop)

    with pytest.raises(PlasmaError, match="the Desktop folder") as caught:
        installing.check_guarded((tmp_path / "link",), tmp_path)

    assert caught.value.code is Code.DAEMON_GUARDED
    assert f"{tmp_path}/PlasmaWatch" in caught.value.hint
    installing.check_guarded((tmp_path / "elsewhere",), tmp_path)


def test_guarded_folders_are_looked_for_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Mac only."""
    monkeypatch.setattr(platform, "GUARDS_FOLDERS", True)
    folder = tmp_path / "Documents"
    folder.mkdir()

    with pytest.raises(PlasmaError) as caught:
        installing.check(Unit(COMFYUI, ("/bin/sh",), folder), Home(tmp_path), tmp_path)

    assert caught.value.code is Code.DAEMON_GUARDED


def test_comfyui_is_not_started_twice() -> None:
    """By the daemon and by launchd."""
    config = Config(comfyui=Comfyui(manage=True, dir="/opt/comfyui"))

    with pytest.raises(PlasmaError) as caught:
        installing.comfyui_unit(config)

    assert caught.value.code is Code.CONFIG_BROKEN


def test_units_are_made_by_name(home: Path) -> None:
    """With the config of the home."""
    configure(home, 'dir = "/opt/comfyui"')

    assert installing.unit_of(DAEMON, Home(home), {}).name == DAEMON
    assert installing.unit_of(COMFYUI, Home(home), {}).folder == Path("/opt/comfyui")
