"""What is about a home as a whole: init, config, schema."""

from __future__ import annotations

import shutil
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from plasma_watch.cli.common import (
    HomeOption,
    JsonOption,
    config_of,
    home_if_any,
    home_of,
    say,
    say_json,
)
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.shipped import shipped
from plasma_watch.system.files import make_private
from plasma_watch.words import pasted, without_userinfo

if TYPE_CHECKING:
    from plasma_watch.config import Config


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(init)
    app.command()(schema)
    config = typer.Typer(help="The configuration of a home.", no_args_is_help=True)
    config.command("show")(show)
    app.add_typer(config, name="config")


def init(
    folder: Annotated[
        Path | None, typer.Argument(help="The home; ~/PlasmaWatch if left out.")
    ] = None,
) -> None:
    """Make a folder a home: config, templates, folders, example requests. Keeps what is there."""
    root = (folder or Path("~/PlasmaWatch")).expanduser().absolute()
    try:
        home = _furnished(root)
    except OSError as exc:
        raise _no_place(root, exc) from exc
    say(f"{home.root} is a home now")
    page = f"{home.root}/examples/first-page.toml"
    say(f"  try it:  {pasted('submit', home.root, page)}")
    say(f"           plasma-watch run --home {quote(str(home.root))} --sandbox --drain")


def _furnished(root: Path) -> Home:
    from plasma_watch import starters  # noqa: PLC0415 - start-up time
    from plasma_watch.config import Config  # noqa: PLC0415 - the same

    root.mkdir(parents=True, exist_ok=True)
    home = Home(root.resolve())
    _copy(shipped("config.toml"), home.config)
    for path in home.folders(Config().paths):
        path.mkdir(parents=True, exist_ok=True)
    for path in home.closed():
        make_private(path)
    for name in ("workflows", "examples"):
        for file in shipped(name).iterdir():
            if file.suffix in (".toml", ".json"):
                _copy(file, home.root / name / file.name)
    starters.draw_into(home.root / "examples")
    return home


def _no_place(root: Path, exc: OSError) -> PlasmaError:
    """Return the error for a home that could not be made: a file in its place, rights, the disk."""
    where = exc.filename or root
    why = (
        f"{where} is no folder" if isinstance(exc, FileExistsError) else f"{where}: {exc.strerror}"
    )
    said = f"{root} cannot be made a home: {why}"
    return PlasmaError(Code.CONFIG_LAYOUT, said, "Name a folder, or a new one where you may write.")


def _copy(source: Path, target: Path) -> None:
    """Copy a shipped file, unless a person's own lies there."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def show(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Print the config as it is used: file, defaults and environment together; no password."""
    from plasma_watch import toml_text  # noqa: PLC0415 - start-up time

    table = config_of(home_of(home)).model_dump()
    table["comfyui"]["url"] = without_userinfo(table["comfyui"]["url"])
    if json:
        say_json(table)
    else:
        say(toml_text.dumps(table).rstrip())


def schema(
    kind: Annotated[str, typer.Argument(help="generate, train or config.")],
    home: HomeOption = None,
) -> None:
    """Print the JSON Schema of a kind of request, or of the config."""
    from plasma_watch import request  # noqa: PLC0415 - start-up time
    from plasma_watch.config import Config  # noqa: PLC0415 - the same

    if kind == "config":
        say_json(Config.model_json_schema())
        return
    if kind not in ("generate", "train"):
        raise typer.BadParameter("expected generate, train or config")
    say_json(request.schema(kind, _config(home)))


def _config(home: Path | None) -> Config:
    """Return the home's config for its limits; the defaults where there is no home."""
    from plasma_watch.config import Config  # noqa: PLC0415 - start-up time

    found = home_if_any(home)
    return config_of(found) if found else Config()
