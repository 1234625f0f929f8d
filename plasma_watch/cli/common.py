"""What the commands share: the home, the options, the two ways of printing."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home, find_home
from plasma_watch.words import visible

if TYPE_CHECKING:
    from plasma_watch.config import Config

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The home; else $PLASMA_HOME, the nearest upwards, ~/PlasmaWatch."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace the file that is to be written, if it is there.")
]


def home_of(given: Path | None) -> Home:
    """Return the home that a command is about."""
    return find_home(given, os.environ, Path.cwd())


def home_if_any(given: Path | None) -> Home | None:
    """Return the home that a command may be about; None where none is named and none is there."""
    try:
        return home_of(given)
    except PlasmaError as exc:
        if given is not None or exc.code is not Code.CONFIG_LAYOUT:
            raise
        return None


def file_of(path: Path, home: Home | None) -> Path:
    """Return a file that somebody names: as it is given, else below the home.

    Commands print paths as they are below the home, and the shell may stand elsewhere. Raises
    PlasmaError `request.missing-file` when there is nothing at either place.
    """
    places = [path, *([home.root / path] if home else [])]
    if found := next(filter(os.path.lexists, places), None):
        return found
    is_one = home is None or path.is_absolute()
    where = "" if is_one else f": neither in {Path.cwd()} nor in the home, {home and home.root}"
    raise PlasmaError(Code.REQUEST_MISSING_FILE, f"{path} is not there{where}", "Mend the path.")


def png_name(out: Path | None) -> Path | None:
    """Return a name for a PNG; refuse one that would tell of something else."""
    if out and out.suffix.lower() != ".png":
        raise typer.BadParameter(f"{out}: a PNG is written, so its name ends in .png")
    return out


def may_write(out: Path, read: Iterable[Path], *, force: bool) -> None:
    """Refuse to write over what is there, unless it is to be replaced; what is read never is.

    Raises PlasmaError `disk.taken`.
    """
    if not os.path.lexists(out):
        return
    if any(_is_same(out, file) for file in read):
        said, hint = f"{out} is read by this command, and not written over", "Name another file."
        raise PlasmaError(Code.DISK_TAKEN, said, hint)
    if not force:
        hint = "Name another file, or replace it with --force."
        raise PlasmaError(Code.DISK_TAKEN, f"{out} is there already", hint)


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):  # a link that leads nowhere is nothing else
        return one.samefile(other)
    return False


def config_of(home: Home) -> Config:
    """Return a home's config, with the environment over it."""
    from plasma_watch.config import load_config  # noqa: PLC0415 - start-up time

    return load_config(home.config, os.environ)


def names_of(incomplete: str) -> Iterator[str]:
    """Complete a name: everything that has a status."""
    try:
        found = home_of(None).status.glob("*.toml")
    except Exception:  # noqa: BLE001 - completion never speaks
        return
    names = (path.stem for path in found if path.stem != "daemon")
    yield from sorted(name for name in names if name.startswith(incomplete))


NameArgument = Annotated[
    str, typer.Argument(help="The request's file name without .toml.", autocompletion=names_of)
]


def say(text: str) -> None:
    """Print a line for people; control characters are shown, never sent to the terminal."""
    print(visible(text))  # noqa: T201 - this is what it is for


def say_json(facts: Any) -> None:  # noqa: ANN401 - any JSON
    """Print facts for programs."""
    print(json.dumps(facts, indent=2, default=_plain))  # noqa: T201 - this is what it is for


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def say_of(shown: int, of: int) -> None:
    """Say that only a part is shown, and how to see all; beside what was asked for."""
    if shown < of:
        typer.echo(f"{shown} of {of} shown, the newest; --last {of} shows all", err=True)


def is_terminal() -> bool:
    """Tell whether people look at what is printed."""
    return sys.stdout.isatty()


def is_daemon_up(home: Home) -> bool:
    """Tell whether a daemon looks after a home, by the lock that it holds."""
    from plasma_watch.system.locks import is_held  # noqa: PLC0415 - start-up time

    return is_held(home.lock)
