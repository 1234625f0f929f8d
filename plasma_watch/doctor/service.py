"""Is the service that log-in starts the right one, does it run, may it see what it must."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import installing
from plasma_watch.config import Config
from plasma_watch.doctor.line import Line, green, red, yellow
from plasma_watch.errors import PlasmaError
from plasma_watch.holder import STARTING, last_told
from plasma_watch.home import Home
from plasma_watch.system import access, guarded, platform
from plasma_watch.system.services import DAEMON, Services, State

_INSTALL = "`plasma-watch service install`"


@dataclass(frozen=True, slots=True)
class Folder:
    """One configured folder, as this process finds it."""

    name: str
    path: Path
    is_there: bool
    refusal: str
    """Why this process may not work in it; empty if it may."""
    guard: str
    """What guarded place it lies in, in words; empty if in none."""


@dataclass(frozen=True, slots=True)
class Service:
    """What was read of the service, the daemon and the folders."""

    calls_it: str
    state: State
    is_current: bool
    """Whether the installed file is what would be written now."""
    interpreter: str
    """What the installed file starts; empty if that is unknown."""
    interpreter_is_there: bool
    told: Mapping[str, Any]
    """What the daemon tells of itself, while one is up; else empty."""
    folders: tuple[Folder, ...]

    @property
    def is_told(self) -> bool:
        """Whether a daemon has told what it sees: one that starts has not yet."""
        return bool(self.told) and self.told.get("state") != STARTING["state"]


def read(home: Home, config: Config, services: Services, user_home: Path) -> Service:
    """Read all of it."""
    state = services.state(DAEMON)
    command = services.command(DAEMON)
    is_up, told = last_told(home)
    interpreter = command[0] if command else ""
    return Service(
        calls_it=services.calls_it,
        state=state,
        is_current=_is_current(state, services, home),
        interpreter=interpreter,
        interpreter_is_there=Path(interpreter).exists(),
        told=told if is_up else {},
        folders=tuple(_folders(home, config, user_home)),
    )


def _is_current(state: State, services: Services, home: Home) -> bool:
    try:
        written = state.file.read_text("utf-8")
        return written == services.text(installing.daemon_unit(home))
    except (OSError, ValueError, PlasmaError):
        return False


def _folders(home: Home, config: Config, user_home: Path) -> Iterator[Folder]:
    for name, path, writes in folders(home, config):
        place = guarded.kind(Path(os.path.realpath(path)), user_home)
        guard = place if platform.GUARDS_FOLDERS else ""
        yield Folder(name, path, path.exists(), access.refusal(path, writes=writes), guard)


def folders(home: Home, config: Config) -> Iterator[tuple[str, Path, bool]]:
    """Yield every configured folder: its name, its path, and whether something is written there."""
    yield "home", home.root, True
    yield "output", home.at(config.paths.output), True
    yield "loras", home.at(config.paths.loras), True
    yield "datasets", home.at(config.paths.datasets), False
    yield "workflows", home.at(config.paths.workflows), False
    for root in config.paths.allowed_roots:
        yield "allowed root", Path(root).expanduser(), False
    if config.comfyui.dir:
        comfyui = Path(config.comfyui.dir).expanduser()
        yield "ComfyUI", comfyui, False
        yield "ComfyUI's loras", comfyui / "models" / "loras", True


def judge(service: Service) -> Iterator[Line]:
    """Judge what was read."""
    yield from _state(service)
    yield from _interpreter(service)
    yield _daemon(service.told)
    yield from _access(service)
    if service.is_told:
        yield _events(service.told)


def _state(service: Service) -> Iterator[Line]:
    state, what = service.state, service.calls_it
    if not state.is_installed:
        said = "not installed: the daemon does not start at log-in"
        yield yellow(what, said, f"{_INSTALL}, if it should.")
        return
    if state.is_enabled is False:
        repair = f"{_INSTALL} switches it on again."
        yield red(what, "switched off: log-in does not start it", repair)
    elif state.pid:
        yield green(what, f"{state.words} (pid {state.pid})")
    else:
        end = f", last exit {state.last_exit}" if state.last_exit else ""
        yield yellow(what, f"{state.words}{end}", "`plasma-watch service start`")


def _interpreter(service: Service) -> Iterator[Line]:
    if not service.state.is_installed:
        return
    if service.interpreter and not service.interpreter_is_there:
        said = f"{service.interpreter} is gone: the service cannot start"
        yield red("interpreter", said, f"{_INSTALL} from the environment that there is.")
    elif not service.is_current:
        said = f"the installed file is not what this version and environment ({sys.prefix}) write"
        yield yellow("interpreter", said, f"{_INSTALL} again.")
    else:
        yield green("interpreter", service.interpreter)


def _daemon(told: Mapping[str, Any]) -> Line:
    if not told:
        return yellow("daemon", "none looks after this home", "`plasma-watch run`, or the service.")
    said = f"{told.get('state', 'unknown')}: {told.get('why', '')}"
    if told.get("state") == "degraded":
        return red("daemon", said, str(told.get("hint", "status/daemon.log says more.")))
    if told.get("state") == STARTING["state"]:
        return yellow("daemon", said, "It takes a moment; ask again.")
    if told.get("restart_due"):
        return yellow("daemon", said, "config.toml has changed: restart the daemon to use it.")
    return green("daemon", said)


def _access(service: Service) -> Iterator[Line]:
    """Judge each folder as the daemon sees it, if one is up; else as this process does."""
    refused: Mapping[str, Any] = service.told.get("refused", {})
    bad = False
    for folder in service.folders:
        said = str(refused.get(str(folder.path), "")) or folder.refusal
        if said:
            bad = True
            yield red("access", f"{folder.name} ({folder.path}): {said}", _way_in(folder))
        elif folder.guard and not service.is_told:
            bad = True
            said = f"{folder.name} ({folder.path}) lies in {folder.guard}: macOS keeps it from what"
            yield red("access", f"{said} launchd starts", _way_in(folder))
    if not bad:
        who = "the daemon" if service.is_told else "this terminal"
        counts = ", and has full disk access: what it starts has not" if _has_all() else ""
        yield green("access", f"{who} may work in every configured folder{counts}")


def _has_all() -> bool:
    """Tell whether this very process may see everything; a hint only, as Homebrew takes it."""
    guarded_by_all = Path("~/Library/Application Support/com.apple.TCC").expanduser()
    return platform.GUARDS_FOLDERS and os.access(guarded_by_all, os.R_OK)


def _way_in(folder: Folder) -> str:
    if not folder.guard:
        return "Look at the rights of the folder."
    python = os.path.realpath(sys.executable)
    pane = guarded.pane(folder.guard)
    return f"Move it out of {folder.guard}; or permit {python} in {pane}."


def _events(told: Mapping[str, Any]) -> Line:
    if told.get("watching") == "polling":
        said = "no events come from its volume: it is read every 2 s"
        return yellow("inbox", said, "A local APFS volume reports them; this works, only slower.")
    return green("inbox", "events come from its volume")
