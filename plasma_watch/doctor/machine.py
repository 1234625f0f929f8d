"""The machine: memory, disk, power, and the system's own version."""

from __future__ import annotations

import platform as python_platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plasma_watch.config import GB, Config
from plasma_watch.doctor.line import Line, green, red, yellow
from plasma_watch.gate import probe
from plasma_watch.gate.memory import Reading, gb
from plasma_watch.gate.power import Battery
from plasma_watch.home import Home
from plasma_watch.system import platform
from plasma_watch.system.pressure import Pressure

_SWAP_WORTH_TELLING = 2 * GB


@dataclass(frozen=True, slots=True)
class Machine:
    """What was read of it."""

    system: str
    memory: Reading
    free: Mapping[str, int]
    """Folder to the free bytes around it."""
    battery: Battery | None
    power: Mapping[str, str]
    """The power settings in force; empty where they cannot be read."""


def read(home: Home, config: Config) -> Machine:
    """Read the machine."""
    mac = python_platform.mac_ver()[0]
    folders = [home.root, home.at(config.paths.output), *platform.swap_folders()]
    return Machine(
        system=f"macOS {mac}" if mac else f"{python_platform.system()}",
        memory=probe.memory(with_holders=True),
        free=probe.free_disk(folders),
        battery=probe.battery(),
        power=platform.power_settings(),
    )


def judge(machine: Machine, config: Config) -> Iterator[Line]:
    """Judge what was read."""
    yield _memory(machine.memory, config)
    yield _pressure(machine.memory)
    yield from _disk(machine.free, config)
    yield from _power(machine.power)
    if machine.battery and machine.battery.is_plugged is False:
        said = f"on its battery, {machine.battery.percent:.0f} %"
        yield yellow("battery", said, "Trainings wait for the mains, unless [power] allows them.")


def _memory(memory: Reading, config: Config) -> Line:
    needs = config.memory
    page = int((needs.generate_gb + needs.reserve_gb) * GB)
    training = int((needs.train_gb + needs.reserve_gb) * GB)
    said = f"{gb(memory.available)} of {gb(memory.total)} free"
    if page > memory.total:
        repair = "Lower [memory] in config.toml, if it is too careful; else this machine is small."
        return red("memory", f"{said}; a page needs {gb(page)}", repair)
    if memory.available < page:
        holders = ", ".join(f"{h.name} {gb(h.size)}" for h in memory.holders)
        said = f"{said}; a page waits for {gb(page)}"
        return yellow("memory", said, f"Close programs. {holders} hold the most.")
    if memory.available < training:
        return yellow("memory", f"{said}; a training waits for {gb(training)}", "Close programs.")
    return green("memory", said)


def _pressure(memory: Reading) -> Line:
    swap = f", {gb(memory.swap_used)} swapped out"
    if memory.pressure is None:
        return yellow("pressure", f"unknown{swap}")
    said = f"{memory.pressure.name.lower()}{swap}"
    if memory.pressure >= Pressure.WARN or memory.swap_used > _SWAP_WORTH_TELLING:
        return yellow("pressure", said, "Close programs; jobs wait while the system is short.")
    return green("pressure", said)


def _disk(free: Mapping[str, int], config: Config) -> Iterator[Line]:
    reserve = int(config.disk.reserve_gb * GB)
    for folder, size in sorted(free.items()):
        if size < reserve:
            said = f"{gb(size)} free at {folder}, {gb(reserve)} must stay free"
            repair = "Make room: swap grows there, and a full volume gets programs killed."
            yield red("disk", said, repair)
            return
    if free:
        yield green("disk", f"{gb(min(free.values()))} free")


def _power(power: Mapping[str, str]) -> Iterator[Line]:
    if power.get("lowpowermode") == "1":
        said = "Low Power Mode is on: everything takes longer"
        yield yellow("power", said, "System Settings > Battery > Low Power Mode.")
    if sleep := power.get("sleep"):
        asleep = "never" if sleep == "0" else f"after {sleep} min without a job"
        yield green("sleep", f"{asleep}; not while a job runs. A closed lid sleeps in any case")


# Versions of PyTorch that are known to make bad pictures on a Mac.

_KNOWN_BAD = (
    (r"2\.8\.0", "attention gives wrong results (pytorch #163597)"),
    (r"2\.10\.", "NaN on MPS (pytorch #182726)"),
)
_MACOS_27_NEEDS = (2, 13)


def torch_line(what: str, torch: str, system: str) -> Line | None:
    """Judge a version of PyTorch on this system; None where nothing is known against it."""
    if not system.startswith("macOS"):
        return None
    for pattern, why in _KNOWN_BAD:
        if re.match(pattern, torch):
            return yellow(what, f"PyTorch {torch}: {why}", "Update PyTorch in that environment.")
    if numbers(system) >= (27,) and numbers(torch) < _MACOS_27_NEEDS:
        said = f"PyTorch {torch} on {system}: pictures come out corrupted (pytorch #187280)"
        return red(what, said, "Update PyTorch to 2.13 or newer.")
    return None


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, in order."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
