"""`doctor`: one screen on whether this machine is ready."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plasma_watch.cli.common import (
    HomeOption,
    JsonOption,
    config_of,
    home_of,
    is_terminal,
    say,
    say_json,
)
from plasma_watch.cli.requests import EXIT_FAILED
from plasma_watch.doctor.line import Colour, Line
from plasma_watch.words import visible

_SIGNS = {Colour.GREEN: "✓", Colour.YELLOW: "!", Colour.RED: "✗"}


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(doctor)


def doctor(
    home: HomeOption = None,
    *,
    picture: Annotated[
        bool, typer.Option("--picture", help="At the end, make one real test picture.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look whether this machine is ready; exit 1 when something has to be mended."""
    lines = []
    for line in _lines(home, picture=picture):
        lines.append(line)
        if not json:
            _print(line)
    if json:
        say_json([asdict(line) for line in lines])
    if any(line.colour is Colour.RED for line in lines):
        raise typer.Exit(EXIT_FAILED)


def _lines(given: Path | None, *, picture: bool) -> Iterator[Line]:
    from plasma_watch.doctor import examination  # noqa: PLC0415 - start-up time
    from plasma_watch.system.supervision import services  # noqa: PLC0415 - the same

    home = home_of(given)
    config = config_of(home)
    found = []
    for line in examination.examine(home, config, services(os.environ), Path.home()):
        found.append(line)
        yield line
    if picture:
        yield examination.no_picture(home, found) or examination.picture(home, config)


def _print(line: Line) -> None:
    text = f"{_SIGNS[line.colour]} {line.what:<18} {line.said}"
    repair = f"\n  {'':<18} → {line.repair}" if line.repair and line.colour != "green" else ""
    if not is_terminal():
        say(text + repair)
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.text import Text  # noqa: PLC0415 - the same

    Console(highlight=False, soft_wrap=True).print(Text(visible(text), style=line.colour), repair)
