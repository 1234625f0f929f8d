"""`benchmark`: the reference run, for people who want to know what their machine does."""

from __future__ import annotations

from typing import Annotated

import typer

from plasma_watch.cli.common import HomeOption, home_of, say
from plasma_watch.cli.requests import EXIT_FAILED


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(benchmark)


def benchmark(
    home: HomeOption = None,
    *,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="With the stand-in engine: it tries the way only."),
    ] = False,
    reproduce: Annotated[
        int, typer.Option("--reproduce", min=0, help="Make one seed so many times, and compare.")
    ] = 0,
    train: Annotated[
        bool, typer.Option("--train", help="Calibrate the trainer too: fifty steps.")
    ] = False,
    minutes: Annotated[float, typer.Option(min=1, help="When a run is given up.")] = 60,
) -> None:
    """Make the reference picture cold and warm; write BENCHMARK.md and .json into the home."""
    from plasma_watch.benchmark.running import Bench, benchmark  # noqa: PLC0415 - start-up time
    from plasma_watch.benchmark.verdict import Mark  # noqa: PLC0415 - the same

    found = home_of(home)
    options = ["--sandbox"] if sandbox else []
    report = benchmark(Bench(found, say, minutes * 60, reproduce, trains=train), *options)
    for verdict in report.verdicts:
        say(f"{verdict.mark:<8} {verdict.claim}: {verdict.why}")
    say(f"written: {found.root / 'BENCHMARK.md'}, {found.root / 'BENCHMARK.json'}")
    if report.verdicts[-1].mark is Mark.FAIL:
        raise typer.Exit(EXIT_FAILED)
