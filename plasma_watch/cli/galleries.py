"""`gallery`: the pages to look at all pictures with."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from plasma_watch.cli.common import HomeOption, JsonOption, home_of, is_terminal, say, say_json
from plasma_watch.home import Home
from plasma_watch.words import counted

if TYPE_CHECKING:
    from plasma_watch.report.gallery.update import Place


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(gallery)


def gallery(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Make the gallery of the output folder, or bring it up to date: a page for the browser."""
    from plasma_watch.report.gallery.update import update  # noqa: PLC0415 - start-up time

    place = place_of(home_of(home))
    new = update(place, workers=os.cpu_count() or 1, progress=_progress)
    told = {"page": place.index.as_uri(), "new": new}
    if json:
        say_json(told)
    else:
        were = "was" if new == 1 else "were"
        say(f"{place.index}: {counted(new, 'picture')} {were} new; open it in a browser")


def place_of(home: Home) -> Place:
    """Return where the gallery of a home lies."""
    from plasma_watch.config import load_config  # noqa: PLC0415 - start-up time
    from plasma_watch.report.gallery.update import Place  # noqa: PLC0415 - the same

    paths = load_config(home.config, os.environ).paths
    return Place(home, home.at(paths.output), home.at(paths.loras))


def _progress(done: int, of: int) -> None:
    if is_terminal():
        sys.stderr.write(f"\r{done} of {of} pictures" + "\n" * (done == of))
        sys.stderr.flush()
