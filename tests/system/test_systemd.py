"""The unit file, and the way to systemd, held against a stand-in for its tool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system.services import COMFYUI, DAEMON, State, Unit
from plasma_watch.system.systemd import Systemd, unit_text
from tests.fakes.systemctl import STOPPED, FakeSystemctl

UNIT = Unit(DAEMON, ("/opt/x/python", "-m", "plasma_watch", 'a "b" $c 100%'), Path("/home/ada/50%"))


@pytest.fixture
def units(tmp_path: Path) -> Systemd:
    """Systemd for a user of the test's own; it looks again without a pause worth the name."""
    return Systemd(tmp_path / "units", lambda _: None)


def test_the_unit_means_what_the_plist_means() -> None:
    """A stop stays stopped, a kill comes back, log-in starts it, nothing is taken down with it."""
    lines = unit_text(UNIT).splitlines()

    for line in (
        "Restart=on-failure",
        "RestartSec=30",
        "TimeoutStopSec=60",
        "KillMode=process",
        "UMask=0077",
        "StartLimitIntervalSec=0",
        "WantedBy=default.target",
        'Environment="PLASMA_SUPERVISED=1"',
    ):
        assert line in lines


def test_what_systemd_would_read_otherwise_is_escaped() -> None:
    """Quotes, dollars and per cents mean themselves."""
    text = unit_text(UNIT)

    assert r'"a \"b\" $$c 100%%"' in text
    assert "WorkingDirectory=/home/ada/50%%" in text


def test_comfyui_has_a_unit_of_its_own(units: Systemd) -> None:
    """It is no daemon of ours."""
    unit = Unit(COMFYUI, ("/bin/sh",), Path("/opt/comfyui"))

    assert "PLASMA_SUPERVISED" not in units.text(unit)
    assert units.file(COMFYUI).name == "plasma-watch-comfyui.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_itself_has_no_objection(tmp_path: Path) -> None:
    """Its own reader knows every line."""
    unit = Unit(DAEMON, ("/bin/sh", "-c", 'echo "$HOME" 100%'), tmp_path)
    file = tmp_path / "plasma-watch.service"
    file.write_text(unit_text(unit), "utf-8")

    command = ["systemd-analyze", "verify", "--user", "--man=no", str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)

    assert str(file.name) not in answer.stderr


def test_install_writes_enables_and_starts(units: Systemd, systemctl: FakeSystemctl) -> None:
    """An older one is started anew."""
    units.install(UNIT)

    unit = "plasma-watch.service"
    assert systemctl.asked() == ["daemon-reload", f"enable {unit}", f"restart {unit}"]
    assert units.file(DAEMON).read_text("utf-8") == unit_text(UNIT)
    assert units.state(DAEMON) == State(
        is_installed=True,
        file=units.file(DAEMON),
        is_loaded=True,
        is_enabled=True,
        pid=4711,
        words="active (running)",
        runs=1,
    )


def test_a_service_that_does_not_come_up_is_told(units: Systemd, systemctl: FakeSystemctl) -> None:
    """With its last exit."""
    systemctl.shows(STOPPED)

    with pytest.raises(PlasmaError, match=r"failed \(failed\) \(exit-code 78\)") as caught:
        units.install(UNIT)

    assert caught.value.code is Code.DAEMON_SERVICE
    state = units.state(DAEMON)
    assert (state.pid, state.runs, state.is_enabled) == (None, 3, False)


def test_start_stop_uninstall(units: Systemd, systemctl: FakeSystemctl) -> None:
    """Each asks for the one thing."""
    units.install(UNIT)
    before = len(systemctl.asked())

    units.start(DAEMON)
    units.stop(DAEMON)
    units.uninstall(DAEMON)

    unit = "plasma-watch.service"
    told = [f"start {unit}", f"stop {unit}", f"disable --now {unit}", "daemon-reload"]
    assert systemctl.asked()[before:] == told
    assert not units.file(DAEMON).exists()


@pytest.mark.parametrize("act", ["start", "uninstall"])
def test_what_is_not_installed_is_told(units: Systemd, act: str) -> None:
    """The way out is named."""
    with pytest.raises(PlasmaError) as caught:
        getattr(units, act)(DAEMON)

    assert caught.value.code is Code.DAEMON_NOT_INSTALLED


def test_a_machine_without_systemd_is_told(units: Systemd, systemctl: FakeSystemctl) -> None:
    """In its own words; looking raises nothing."""
    systemctl.fails("Failed to connect to bus: No medium found")

    with pytest.raises(PlasmaError, match="No medium found"):
        units.install(UNIT)
    assert units.state(DAEMON).words == "unknown"


def test_a_failed_install_takes_its_unit_back(units: Systemd, systemctl: FakeSystemctl) -> None:
    """The next log-in would start it, though it was said that it is not installed."""
    systemctl.fails("Failed to connect to bus: No medium found")

    with pytest.raises(PlasmaError, match="No medium found"):
        units.install(UNIT)

    assert not units.file(DAEMON).exists()
    with pytest.raises(PlasmaError) as caught:
        units.uninstall(DAEMON)
    assert caught.value.code is Code.DAEMON_NOT_INSTALLED


def test_a_start_that_systemd_refuses_is_undone(units: Systemd, systemctl: FakeSystemctl) -> None:
    """What was enabled before it is disabled, and systemd forgets the unit."""
    systemctl.refuses("restart", "Unit has a bad unit file setting")

    with pytest.raises(PlasmaError, match="bad unit file setting"):
        units.install(UNIT)

    unit = "plasma-watch.service"
    assert systemctl.asked()[-3:] == [f"restart {unit}", f"disable {unit}", "daemon-reload"]
    assert not units.file(DAEMON).exists()


def test_a_failed_install_leaves_the_older_one(units: Systemd, systemctl: FakeSystemctl) -> None:
    """With its words: it runs on."""
    older = Unit(DAEMON, ("/opt/older/python",), Path("/home/ada"))
    units.install(older)
    systemctl.fails("Failed to connect to bus")

    with pytest.raises(PlasmaError):
        units.install(UNIT)

    assert units.file(DAEMON).read_text("utf-8") == unit_text(older)


def test_uninstall_removes_the_unit_in_any_case(
    units: Systemd, systemctl: FakeSystemctl, tmp_path: Path
) -> None:
    """With the link that log-in follows; what systemd said is told."""
    units.install(UNIT)
    link = tmp_path / "units" / "default.target.wants" / "plasma-watch.service"
    link.parent.mkdir()
    link.symlink_to(units.file(DAEMON))
    systemctl.fails("Failed to connect to bus: No medium found")

    with pytest.raises(PlasmaError, match=r"service is removed, but .* No medium found") as caught:
        units.uninstall(DAEMON)

    assert caught.value.code is Code.DAEMON_SERVICE
    assert not units.file(DAEMON).exists()
    assert not link.is_symlink()


def test_a_folder_that_cannot_be_made_is_told(units: Systemd, tmp_path: Path) -> None:
    """A file lies in its place."""
    (tmp_path / "units").write_text("")

    with pytest.raises(PlasmaError, match="cannot be written"):
        units.install(UNIT)


def test_the_meanings_are_told(units: Systemd) -> None:
    """Log-in, stop, disabling, uninstalling."""
    told = " ".join(f"{what} {means}" for what, means in units.meanings(DAEMON))

    for word in ("log-in", "systemctl --user stop", "disable", "uninstall", "linger"):
        assert word in told
