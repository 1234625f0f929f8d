"""What `service install` installs, and what speaks against it: checked before anything is written.

A service that cannot work would only loop: launchd starts what is not there again and again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from plasma_watch.comfyui import launch
from plasma_watch.config import Config, load_config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.system import guarded, platform, tools
from plasma_watch.system.services import COMFYUI, DAEMON, Unit

_IMPORT_SECONDS = 60


def daemon_unit(home: Home, python: str = sys.executable) -> Unit:
    """Return the daemon as a service.

    The interpreter is the environment's own: a resolved link names a version that an update of
    Homebrew takes away.
    """
    python = str(Path(python).absolute())
    return Unit(DAEMON, (python, "-m", "plasma_watch", "run", "--home", str(home.root)), home.root)


def comfyui_unit(config: Config) -> Unit:
    """Return ComfyUI as a service of its own.

    Raises PlasmaError `config.broken` when it is not known where it is, or looked after already.
    """
    comfyui = config.comfyui
    if comfyui.manage:
        said = "comfyui.manage is true: the daemon starts ComfyUI, and a second one finds no port"
        raise PlasmaError(Code.CONFIG_BROKEN, said, "Set it to false, or leave this service out.")
    if not comfyui.dir:
        said, hint = "comfyui.dir is not set", "Name ComfyUI's folder in config.toml."
        raise PlasmaError(Code.CONFIG_BROKEN, said, hint)
    return Unit(COMFYUI, launch.as_agent(launch.command(comfyui)), launch.folder(comfyui))


def unit_of(name: str, home: Home, environ: Mapping[str, str]) -> Unit:
    """Return a service by its name.

    Raises PlasmaError `config.*`.
    """
    config = load_config(home.config, environ)
    return comfyui_unit(config) if name == COMFYUI else daemon_unit(home)


def check(unit: Unit, home: Home, user_home: Path) -> None:
    """Raise what would keep a service from working: a part missing, or in a guarded folder."""
    for path in _parts(unit):
        if not path.exists():
            said = f"{path} is not there"
            raise PlasmaError(Code.DAEMON_SERVICE, said, "Mend comfyui.dir or comfyui.python.")
    if unit.name == DAEMON:
        _check_import(unit.command[0])
    if platform.GUARDS_FOLDERS:
        check_guarded((*_parts(unit), home.root), user_home)


def _parts(unit: Unit) -> Iterator[Path]:
    """Yield the files and folders that a service is made of."""
    yield from (Path(word) for word in unit.command[:6] if os.path.isabs(word))  # noqa: PTH117
    yield unit.folder


def _check_import(python: str) -> None:
    answer = tools.ask([python, "-c", "import plasma_watch"], _IMPORT_SECONDS)
    if not answer.is_good:
        why = (answer.err.splitlines() or ["it said nothing"])[-1]
        raise PlasmaError(
            Code.DAEMON_SERVICE,
            f"{python} cannot run Plasma Watch: {why}",
            "Install it into that environment, and run `service install` from there.",
        )


def check_guarded(paths: tuple[Path, ...], user_home: Path) -> None:
    """Refuse what lies where macOS keeps programs out that launchd starts.

    Raises PlasmaError `daemon.guarded`.
    """
    for path in paths:
        if place := guarded.kind(Path(os.path.realpath(path)), user_home):
            raise PlasmaError(
                Code.DAEMON_GUARDED,
                f"{path} lies in {place}, which macOS keeps from what launchd starts",
                f"Move it, for example to {user_home}/PlasmaWatch. Or permit "
                f"{os.path.realpath(sys.executable)} in {guarded.pane(place)} and use --force.",
            )
