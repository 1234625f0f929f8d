"""`service`: what starts the daemon at log-in, asked in the same words on macOS and on Linux."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plasma_watch.cli.common import HomeOption, JsonOption, home_of, say, say_json
from plasma_watch.cli.requests import EXIT_UNREACHABLE
from plasma_watch.system.services import COMFYUI, DAEMON, Services, State

ComfyuiOption = Annotated[
    bool, typer.Option("--comfyui", help="ComfyUI as a service of its own, not the daemon.")
]


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    service = typer.Typer(help="What starts the daemon at log-in.", no_args_is_help=True)
    for command in (install, uninstall, start, stop, status):
        service.command()(command)
    service.command("print")(print_)
    app.add_typer(service, name="service")


def _services() -> Services:
    from plasma_watch.system.supervision import services  # noqa: PLC0415 - start-up time

    return services(os.environ)


def _name(*, comfyui: bool) -> str:
    return COMFYUI if comfyui else DAEMON


def install(
    home: HomeOption = None,
    *,
    comfyui: ComfyuiOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where macOS guards a folder.")
    ] = False,
) -> None:
    """Install the service for this home and start it; install again after an update."""
    from plasma_watch import installing  # noqa: PLC0415 - start-up time

    found, services = home_of(home), _services()
    name = _name(comfyui=comfyui)
    unit = installing.unit_of(name, found, os.environ)
    if not force:
        installing.check(unit, found, Path.home())
    services.install(unit)
    state = services.state(name)
    say(f"installed and running (pid {state.pid}): {state.file}")
    _say_meanings(services, name)


def uninstall(*, comfyui: ComfyuiOption = False) -> None:
    """Stop the service and remove its file; homes, jobs and outputs stay."""
    services = _services()
    services.uninstall(_name(comfyui=comfyui))
    say("the service is gone; homes, jobs and outputs are as they were")


def start(*, comfyui: ComfyuiOption = False) -> None:
    """Start the installed service."""
    services, name = _services(), _name(comfyui=comfyui)
    services.start(name)
    say(f"running (pid {services.state(name).pid})")


def stop(*, comfyui: ComfyuiOption = False) -> None:
    """Stop the service: jobs are kept, and it stays stopped until started or the next log-in."""
    _services().stop(_name(comfyui=comfyui))
    say("stopped; jobs are kept. It starts again with `plasma-watch service start` or at log-in")


def status(*, comfyui: ComfyuiOption = False, json: JsonOption = False) -> None:
    """Say whether the service is installed and runs, and what log-in and stop mean."""
    services, name = _services(), _name(comfyui=comfyui)
    state = services.state(name)
    if json:
        say_json(asdict(state))
    else:
        say(f"{services.calls_it}: {_words(state)}")
        say(f"  file    {state.file}{'' if state.is_installed else ' (not there)'}")
        _say_meanings(services, name)
    if state.pid is None:
        raise typer.Exit(EXIT_UNREACHABLE)


def _words(state: State) -> str:
    if not state.is_installed:
        return "not installed"
    off = ", switched off: log-in does not start it" if state.is_enabled is False else ""
    end = f", last exit {state.last_exit}" if state.last_exit else ""
    return f"{state.words}{f' (pid {state.pid})' if state.pid else ''}{end}{off}"


def _say_meanings(services: Services, name: str) -> None:
    for what, means in services.meanings(name):
        say(f"  {what}: {means}")


def print_(home: HomeOption = None, *, comfyui: ComfyuiOption = False) -> None:
    """Print the file that `install` would write."""
    from plasma_watch import installing  # noqa: PLC0415 - start-up time

    unit = installing.unit_of(_name(comfyui=comfyui), home_of(home), os.environ)
    say(_services().text(unit).rstrip())
