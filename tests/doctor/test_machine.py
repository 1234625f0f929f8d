"""What the doctor says of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plasma_watch.config import GB, Config
from plasma_watch.doctor import machine
from plasma_watch.doctor.line import Colour, Line
from plasma_watch.doctor.machine import Machine, torch_line
from plasma_watch.gate.memory import Holder, Reading
from plasma_watch.gate.power import Battery
from plasma_watch.home import Home
from plasma_watch.system.pressure import Pressure

READING = Reading(16 * GB, 12 * GB, Pressure.NORMAL, (Holder("Safari", 7, 4 * GB),))
GOOD = Machine("macOS 15.7", READING, {"/": 80 * GB}, None, {"lowpowermode": "0", "sleep": "10"})


def lines(found: Machine) -> dict[str, Line]:
    """Return the lines on a machine, by what they are about."""
    return {line.what: line for line in machine.judge(found, Config())}


def test_a_good_machine_has_only_green_lines() -> None:
    """With the numbers."""
    told = lines(GOOD)

    assert {line.colour for line in told.values()} == {Colour.GREEN}
    assert told["memory"].said == "12.0 GB of 16.0 GB free"
    assert "after 10 min" in told["sleep"].said


@pytest.mark.parametrize(
    ("available", "said"), [(5, "a page waits for 7.5 GB"), (9, "a training waits for 10.5 GB")]
)
def test_memory_that_is_taken_is_worth_knowing(available: int, said: str) -> None:
    """Jobs wait for it; who holds the most is named."""
    line = lines(replace(GOOD, memory=replace(READING, available=available * GB)))["memory"]

    assert line.colour is Colour.YELLOW
    assert said in line.said


def test_a_machine_that_is_too_small_is_red() -> None:
    """A page would never start."""
    line = lines(replace(GOOD, memory=Reading(7 * GB, 6 * GB)))["memory"]

    assert line.colour is Colour.RED
    assert line.repair


def test_a_full_disk_is_red() -> None:
    """The first that is too full is named, swap's volume among them."""
    line = lines(replace(GOOD, free={"/": 80 * GB, "/System/Volumes/VM": 9 * GB}))["disk"]

    assert line.colour is Colour.RED
    assert line.said == "9.0 GB free at /System/Volumes/VM, 15.0 GB must stay free"
    assert "swap" in line.repair


def test_a_disk_that_cannot_be_read_is_left_out() -> None:
    """Nothing is known of it."""
    assert "disk" not in lines(replace(GOOD, free={}))


@pytest.mark.parametrize(
    "memory",
    [
        replace(READING, pressure=Pressure.WARN),
        replace(READING, pressure=Pressure.CRITICAL),
        replace(READING, pressure=None),
        replace(READING, swap_used=3 * GB),
    ],
)
def test_a_system_that_is_short_of_memory_is_worth_knowing(memory: Reading) -> None:
    """Or one that does not say."""
    assert lines(replace(GOOD, memory=memory))["pressure"].colour is Colour.YELLOW


def test_what_slows_down_is_told() -> None:
    """Low Power Mode, and a battery."""
    power = {"lowpowermode": "1", "sleep": "0"}
    told = lines(replace(GOOD, power=power, battery=Battery(60, is_plugged=False)))

    assert told["power"].colour is told["battery"].colour is Colour.YELLOW
    assert "never" in told["sleep"].said


@pytest.mark.parametrize(
    ("torch", "system", "colour"),
    [
        ("2.7.1", "macOS 15.7", None),
        ("2.8.0", "macOS 15.7", Colour.YELLOW),
        ("2.8.1", "macOS 15.7", None),
        ("2.10.0", "macOS 26.1", Colour.YELLOW),
        ("2.12.1", "macOS 27.0", Colour.RED),
        ("2.13.0", "macOS 27.0", None),
        ("2.8.0", "Linux", None),
        ("unknown", "macOS 26.0", None),
    ],
)
def test_bad_pairs_of_torch_and_macos_are_known(
    torch: str, system: str, colour: Colour | None
) -> None:
    """By the reports there are."""
    line = torch_line("PyTorch", torch, system)

    assert (line.colour if line else None) is colour


def test_this_very_machine_is_read(home: Home) -> None:
    """Whatever it is; nothing is raised."""
    found = machine.read(home, Config())

    assert found.memory.total > 0
    assert str(home.root) in found.free
    assert list(machine.judge(found, Config()))
