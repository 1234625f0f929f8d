"""What is claimed of the house itself: an import goes down, never up, and never in a circle."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import plasma_watch

HOUSE = Path(plasma_watch.__file__).parent

FLOORS: list[set[str]] = [
    {"cli", "__main__"},
    {"startup", "checker", "doctor", "benchmark"},
    {"installing", "errand", "stand_ins", "starters"},
    {"daemon"},
    {"worker", "bulletin", "catching_up", "notices"},
    {"intake", "line", "others", "generate", "train", "dataset"},
    {"comfyui", "gate", "holder", "loras", "outputs", "report"},
    {"status", "system", "tripwire", "starts", "control", "retention", "shipped", "surroundings"},
    {"home", "config", "request", "rules", "job", "errors", "toml_check", "toml_text", "words"},
]
"""The rooms, the highest floor first."""

FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
APART = {"generate", "train"}
"""Rooms of one floor that know nothing of each other."""

WORKROOM = "dataset"
"""The room where numpy is loaded: only the command line enters it, the daemon never does."""

SANDBOX = "sandbox"
"""No floor of the house: it stands outside and speaks HTTP; only the command line starts it."""

HEAVY = {"torch", "numpy", "matplotlib"}
PLOTS = f"{HOUSE.name}.report.loss.drawing"
"""The one module that may load a plotting library."""
PROGRAMS = {f"{HOUSE.name}.report.loss.__main__"}
"""The programs of their own that load it; nobody imports those."""


def modules() -> dict[str, Path]:
    """Return every module of the package, by its dotted name."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = path.relative_to(HOUSE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> Iterator[str]:
    """Yield the dotted name of all that a module imports, wherever in it that is written."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in MODULES else base


def room(name: str) -> str:
    """Return the room of a module; the package's own front door is none."""
    return name.split(".")[1] if "." in name else ""


def is_ours(name: str) -> bool:
    """Tell whether a module is of this package."""
    return name.partition(".")[0] == HOUSE.name


MODULES = modules()


@cache
def imports(name: str) -> list[str]:
    """Return all that a module imports; it is read when a test asks for it, and once."""
    return sorted(set(imported(name, MODULES[name])))


def every_import() -> dict[str, list[str]]:
    """Return what each module imports."""
    return {name: imports(name) for name in MODULES}


def breach(importer: str, target: str) -> str:
    """Return why a room may not know another, or an empty string."""
    if importer == target or not target:
        return ""
    if SANDBOX in (importer, target):
        return "" if importer == "cli" else f"{importer} and {target} speak over HTTP only"
    if {importer, target} == APART:
        return f"{importer} and {target} know nothing of each other"
    if target == WORKROOM and importer != "cli":
        return f"{importer} would load arrays with {target}"
    return f"{importer} lies below {target}" if FLOOR[importer] > FLOOR[target] else ""


def test_every_room_has_its_floor() -> None:
    """When a room is new, somebody has to say where it belongs."""
    assert {room(name) for name in MODULES} - {""} - {SANDBOX} <= set(FLOOR)


@pytest.mark.parametrize("name", [name for name in MODULES if room(name)])
def test_an_import_never_goes_up(name: str) -> None:
    """It goes down, stays in its room, or goes to a neighbour that may be known."""
    targets = [target for target in imports(name) if is_ours(target)]

    breaches = {target: breach(room(name), room(target)) for target in targets}
    assert {target: why for target, why in breaches.items() if why} == {}


def test_the_front_door_opens_nothing() -> None:
    """When only the version is asked for, nothing else is loaded."""
    assert not any(map(is_ours, imports(HOUSE.name)))


def test_no_two_modules_need_each_other() -> None:
    """Directly or in a circle of many."""
    graph = {
        name: {target for target in targets if is_ours(target) and target != HOUSE.name}
        for name, targets in every_import().items()
    }

    assert set(TopologicalSorter(graph).static_order()) >= set(graph) - {HOUSE.name}


@pytest.mark.parametrize("name", MODULES)
def test_no_module_loads_what_is_heavy(name: str) -> None:
    """Tensors and plots in other programs only; arrays in the workroom; servers outside."""
    libraries = {target.partition(".")[0] for target in imports(name)}

    allowed = {"numpy"} if room(name) == WORKROOM else {"matplotlib"} if name == PLOTS else set()
    assert libraries & HEAVY <= allowed
    assert "aiohttp" not in libraries or room(name) == SANDBOX


def test_only_a_program_of_its_own_loads_what_plots() -> None:
    """So the daemon cannot come to it, over however many modules."""
    importers = {
        name for name, targets in every_import().items() if {PLOTS, *PROGRAMS} & set(targets)
    }

    assert importers == PROGRAMS


GALLERY = f"{HOUSE.name}.report.gallery"


def test_the_daemon_loads_of_the_gallery_who_has_it_made() -> None:
    """What makes it is a program of its own, and the command line."""
    importers = {
        name: targets
        for name, targets in every_import().items()
        if not name.startswith(GALLERY) and room(name) != "cli"
    }

    inner = {target for targets in importers.values() for target in targets}
    assert {target for target in inner if target.startswith(GALLERY)} == {GALLERY}
    assert not any(target.startswith(HOUSE.name) for target in imports(GALLERY))


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("status", "worker"),
        ("job", "status"),
        ("errors", "system"),
        ("comfyui", "generate"),
        ("line", "daemon"),
        ("daemon", "startup"),
        ("startup", "cli"),
        ("generate", "train"),
        ("train", "generate"),
        ("daemon", "sandbox"),
        ("startup", "sandbox"),
        ("sandbox", "errors"),
        ("train", "dataset"),
        ("daemon", "dataset"),
    ],
)
def test_the_law_of_the_floors_has_teeth(importer: str, target: str) -> None:
    """When somebody adds such an import, the tests above fail."""
    assert breach(importer, target)


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("cli", "sandbox"),
        ("cli", "errors"),
        ("cli", "dataset"),
        ("dataset", "train"),
        ("daemon", "worker"),
        ("generate", "line"),
        ("generate", "generate"),
        ("outputs", "status"),
        ("status", "job"),
        ("request", "rules"),
        ("startup", ""),
    ],
)
def test_the_law_of_the_floors_lets_pass(importer: str, target: str) -> None:
    """Down, sideways to a neighbour, inside a room, and to the version at the front door."""
    assert not breach(importer, target)
