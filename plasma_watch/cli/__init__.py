"""The command line: a comfort over the same files, never a second way in. Parsing and printing.

One module a family of commands, imported when one of them is meant. Each imports what it needs when
it is called, so that `--help` and `status` start fast.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from plasma_watch import __version__
from plasma_watch.cli.front import Front
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.words import visible

app = typer.Typer(
    name="plasma-watch",
    cls=Front,
    no_args_is_help=True,
    rich_markup_mode=None,  # boxes around help would take as long as the rest of it
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"plasma-watch {__version__}")
        raise typer.Exit


@app.callback()
def door(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Say which it is."),
    ] = False,
) -> None:
    """Drop a request file into a folder; find the picture and its manifest in another."""


EXIT_FAILED = 1
EXIT_WRONG_USE = 2
EXIT_UNREACHABLE = 3
EXIT_HELD = 4

_EXITS = {
    Code.DAEMON_HELD: EXIT_HELD,
    Code.DAEMON_NOT_INSTALLED: EXIT_UNREACHABLE,
    Code.ENGINE_UNREACHABLE: EXIT_UNREACHABLE,
}


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app()
    except PlasmaError as exc:
        _say(exc)
        sys.exit(exit_code(exc))


def exit_code(exc: PlasmaError) -> int:
    """Return the exit code that an error means."""
    is_config = exc.code.startswith("config.")
    return _EXITS.get(exc.code, EXIT_WRONG_USE if is_config else EXIT_FAILED)


def _say(exc: PlasmaError) -> None:
    if "--json" in sys.argv:
        error = {"code": str(exc.code), "message": exc.message, "hint": exc.hint}
        print(json.dumps({"error": error}))  # noqa: T201 - this is what it is for
        return
    print(visible(f"{exc.message} ({exc.code})\n  {exc.hint}".rstrip()), file=sys.stderr)  # noqa: T201 - the same
