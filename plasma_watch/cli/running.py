"""`run` and `sandbox`: the two that stay."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from plasma_watch.cli.common import HomeOption, home_of


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(run)
    app.command()(sandbox)


def run(
    home: HomeOption = None,
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Work with the stand-in engine: draws, needs no GPU.")
    ] = False,
    drain: Annotated[bool, typer.Option("--drain", help="Exit when the line is empty.")] = False,
) -> None:
    """Look after a home until stopped (SIGTERM, Ctrl-C); jobs are kept for the next start."""
    # From the first moment a stop is a good end; the daemon puts its own handlers in place later.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from plasma_watch import startup  # noqa: PLC0415 - start-up time
    from plasma_watch.cli import stand_in  # noqa: PLC0415 - the same
    from plasma_watch.daemon import Options  # noqa: PLC0415 - the same

    start = startup.Start(
        home_of(home),
        Options(is_sandbox=sandbox, drain=drain),
        os.environ,
        stand_in.started if sandbox else None,
    )
    code = startup.run(start)
    # A worker that waits for a slow answer must not keep the process: its job is safe on disk.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def sandbox(
    base: Annotated[Path, typer.Option(help="The folder for its models and pictures.")] = Path(
        ".plasma/sandbox"
    ),
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8188,
    seconds_per_step: Annotated[float, typer.Option(help="How long a step takes.")] = 0.05,
    *,
    previews: Annotated[bool, typer.Option("--previews", help="Send previews.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help="Do wrong: NAME[@N][xTIMES][=VALUE]; docs/sandbox.md."),
    ] = None,
) -> None:
    """Run the stand-in engine by itself: it answers as ComfyUI does, and draws."""
    from plasma_watch.sandbox.mischief.script import parse  # noqa: PLC0415 - start-up time
    from plasma_watch.sandbox.server import serve  # noqa: PLC0415 - needs the extra
    from plasma_watch.sandbox.settings import Settings  # noqa: PLC0415 - the same

    try:
        faults = tuple(parse(text) for text in fault or ())
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    serve(Settings(base, "127.0.0.1", port, seconds_per_step, previews=previews, faults=faults))
