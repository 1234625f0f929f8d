"""What people do with workflows: bring one here, look whether the engine could run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import (
    HomeOption,
    JsonOption,
    config_of,
    file_of,
    home_of,
    say,
    say_json,
)
from plasma_watch.cli.requests import EXIT_FAILED
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.home import Home
from plasma_watch.words import pasted

if TYPE_CHECKING:
    from plasma_watch.comfyui.client import Client
    from plasma_watch.comfyui.facts import Facts
    from plasma_watch.config import Config
    from plasma_watch.generate.adopt.write import Adopted
    from plasma_watch.generate.standing import Standing
    from plasma_watch.generate.template import Template

_MOST_BYTES = 64_000_000


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    workflow = typer.Typer(help="The workflows of a home.", no_args_is_help=True)
    workflow.command("adopt")(adopt)
    workflow.command("check")(check)
    workflow.command("list")(listed)
    app.add_typer(workflow, name="workflow")


def adopt(
    export: Annotated[Path, typer.Argument(help="An API export, or a PNG that ComfyUI made.")],
    name: Annotated[str, typer.Option(help="What to call it; else as the file.")] = "",
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Bring a workflow here that was designed in ComfyUI's editor."""
    from plasma_watch.generate.adopt.export import read_export  # noqa: PLC0415 - start-up time
    from plasma_watch.generate.adopt.write import adopt as read  # noqa: PLC0415 - the same
    from plasma_watch.generate.adopt.write import put  # noqa: PLC0415 - the same

    found = home_of(home)
    config = config_of(found)
    adopted = read(
        read_export(_content(file_of(export, found)), export.name),
        _named(name or export.stem),
        config.limits,
    )
    put(adopted, found.at(config.paths.workflows))
    if json:
        say_json(_told(adopted))
    else:
        _print_adopted(adopted, found)


def _named(name: str) -> str:
    from plasma_watch.rules import is_output_name  # noqa: PLC0415 - start-up time

    if "/" in name or not is_output_name(name):
        raise typer.BadParameter(f"{name!r} cannot be a template's name", param_hint="--name")
    return name


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as exc:
        said = f"{path} cannot be read: {exc.strerror}"
        raise PlasmaError(Code.REQUEST_MISSING_FILE, said, "Mend the path.") from exc


def _told(adopted: Adopted) -> dict[str, Any]:
    return {
        "workflow": adopted.template.name,
        "placed": adopted.placed,
        "unplaced": adopted.unplaced,
        "kept": adopted.kept,
    }


def _print_adopted(adopted: Adopted, home: Home) -> None:
    name = adopted.template.name
    say(f'workflows/{name}.json and {name}.toml are written; a request says workflow = "{name}"')
    for head, lines in (
        ("what a request fills:", adopted.placed),
        ("what could not be placed:", adopted.unplaced),
        ("what stays as it was exported:", adopted.kept),
    ):
        if lines:
            say(f"  {head}")
        for line in lines:
            say(f"    {line}")
    asked = pasted("workflow check", home.root, name)
    say(f"  whether ComfyUI has what it needs: {asked}")


def check(
    name: Annotated[str, typer.Argument(help="A template's name.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Say what a workflow needs of the engine and whether it is there; exit 1 if it is not."""
    from plasma_watch.generate import library  # noqa: PLC0415 - start-up time
    from plasma_watch.generate.standing import standing  # noqa: PLC0415 - the same

    found = home_of(home)
    config = config_of(found)
    template = library.load(found.at(config.paths.workflows), name)
    client, facts = _engine(found, config)
    stands = standing(template, config.defaults, client)
    if json:
        say_json(_facts(template, stands) | {"sandbox": facts.is_sandbox})
    else:
        _print_standing(template, stands)
        _print_stand_in(facts)
    if not stands.is_ready:
        raise typer.Exit(EXIT_FAILED)


def listed(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List the workflows, what a request may say with each, and whether the engine could run it."""
    from plasma_watch.generate import library  # noqa: PLC0415 - start-up time

    found = home_of(home)
    config = config_of(found)
    folder = found.at(config.paths.workflows)
    client, facts, why = _engine_or_not(found, config)
    rows = [_row(folder, name, config, client) for name in library.names(folder)]
    if json:
        is_sandbox = facts is not None and facts.is_sandbox
        say_json({"workflows": rows, "engine": why or "answers", "sandbox": is_sandbox})
        return
    for row in rows:
        say(f"{row['name']}  {row['state']}")
        for key in ("description", "keys"):
            if row.get(key):
                say(f"  {row[key]}")
    if why:
        say(f"the engine was not asked: {why}")
    _print_stand_in(facts)


def _print_stand_in(facts: Facts | None) -> None:
    if facts and facts.is_sandbox:
        say("the stand-in engine was asked: what ComfyUI has may be otherwise")


def _row(folder: Path, name: str, config: Config, client: Client | None) -> dict[str, Any]:
    from plasma_watch.generate import library  # noqa: PLC0415 - start-up time
    from plasma_watch.generate.standing import standing  # noqa: PLC0415 - the same

    try:
        template = library.load(folder, name)
        stands = standing(template, config.defaults, client) if client else None
    except PlasmaError as exc:
        return {"name": name, "state": f"broken: {exc.message}"}
    keys = ", ".join(_keys(template))
    about = {"name": name, "description": template.map.description, "keys": keys}
    return about | {"state": _state(stands)}


def _state(stands: Standing | None) -> str:
    if stands is None:
        return "not asked"
    return "; ".join(["lacks"] * (not stands.is_ready) + [str(p) for p in stands.lacks]) or "ready"


def _keys(template: Template) -> Iterator[str]:
    from plasma_watch.generate.template import SLOTS  # noqa: PLC0415 - start-up time

    yield from (SLOTS[slot] for slot in SLOTS if SLOTS[slot] and template.has(slot))


def _facts(template: Template, stands: Standing) -> dict[str, Any]:
    return {
        "workflow": template.name,
        "ready": stands.is_ready,
        "keys": list(_keys(template)),
        "optional": list(template.map.optional),
        "nodes": stands.nodes,
        "packs": stands.packs,
        "models": stands.models,
        "lacks": [_problem(problem) for problem in stands.lacks],
        "asked": [_problem(problem) for problem in stands.asked],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "field": problem.field,
        "message": problem.message,
        "hint": problem.hint,
    }


def _print_standing(template: Template, stands: Standing) -> None:
    say(f"{template.name}: {'ready' if stands.is_ready else 'not ready'}")
    say(f"  {template.map.description}")
    say(f"  a request may say  {', '.join(_keys(template))}")
    say(f"  can be left out    {', '.join(template.map.optional) or 'nothing'}")
    say(f"  nodes              {', '.join(stands.nodes)}")
    if stands.packs:
        say(f"  from packs         {', '.join(stands.packs)}")
    say(f"  models             {', '.join(stands.models) or 'none'}")
    for problem in stands.lacks:
        say(f"  lacks: {problem}  [{problem.hint}]")
    for problem in stands.asked:
        say(f"  a request names its own: {problem}")


def _engine(home: Home, config: Config) -> tuple[Client, Facts]:
    """Return the engine that a running daemon uses, else the config's, and what it is."""
    from plasma_watch.comfyui.engine import Engine  # noqa: PLC0415 - start-up time
    from plasma_watch.holder import last_told  # noqa: PLC0415 - the same
    from plasma_watch.status import utc_now  # noqa: PLC0415 - the same

    comfyui = config.comfyui
    is_up, daemon = last_told(home)
    told = daemon.get("engine", {}) if is_up else {}
    if told.get("reachable"):
        comfyui = comfyui.model_copy(update={"url": told["url"], "required_device": "any"})
    return Engine(comfyui).ready(utc_now())


def _engine_or_not(home: Home, config: Config) -> tuple[Client | None, Facts | None, str]:
    try:
        return *_engine(home, config), ""
    except PlasmaError as exc:
        return None, None, exc.message
