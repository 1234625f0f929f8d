"""`lora list` and `lora choose`: the LoRAs that were trained here, and which version is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plasma_watch.cli.common import HomeOption, JsonOption, home_of, say, say_json

if TYPE_CHECKING:
    from plasma_watch.home import Home
    from plasma_watch.loras import Loras


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    lora = typer.Typer(help="The LoRAs that were trained here.", no_args_is_help=True)
    lora.command("list")(list_)
    lora.command()(choose)
    app.add_typer(lora, name="lora")


def list_(
    name: Annotated[str | None, typer.Argument(help="One LoRA; all without it.")] = None,
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """List the versions of a LoRA, with the chosen one marked."""
    loras = _loras(home_of(home))
    names = loras.names() if name is None else [name]
    told = {each: _versions(loras, each) for each in names}
    if json:
        say_json(told)
        return
    if not any(told.values()):
        say("no LoRA was trained here" if name is None else f"{name}: no version is there")
    for each, versions in told.items():
        for version in versions:
            mark = "*" if version["chosen"] else " "
            say(
                f"{mark} {each}  epoch {version['epoch']:>3}  {version['short']}  {version['file']}"
            )


def choose(
    name: Annotated[str, typer.Argument(help="The LoRA.")],
    version: Annotated[
        str, typer.Argument(help="An epoch of the newest training, 8 digits of a hash, or a file.")
    ],
    home: HomeOption = None,
) -> None:
    """Make a version the one that `[lora] name = "NAME"` means, and install it into ComfyUI."""
    from plasma_watch.loras import changing  # noqa: PLC0415 - start-up time

    place = home_of(home)
    loras = _loras(place)
    found = loras.find(name, version)
    loras.install(name, found)  # the copy may take a while, and nobody has to wait for it
    with changing(place):
        installed = loras.choose(name, found)
    say(f"{name} is now epoch {found.epoch} ({found.short}); ComfyUI knows it as {installed}")
    if loras.comfyui is None:
        say("  it is not installed: set comfyui.dir, or COMFYUI_DIR")


def _loras(home: Home) -> Loras:
    from plasma_watch.config import load_config  # noqa: PLC0415 - start-up time
    from plasma_watch.loras import Loras  # noqa: PLC0415 - the same

    config = load_config(home.config, os.environ)
    return Loras(home.at(config.paths.loras), _comfyui(home, config.comfyui.dir))


def _comfyui(home: Home, configured: str) -> Path | None:
    """Return where pages look for LoRAs: in the stand-in's folder where the daemon works with it.

    Where no ComfyUI is named, a daemon that has ended tells it too.
    """
    from plasma_watch.holder import told_by_holder  # noqa: PLC0415 - start-up time
    from plasma_watch.status import read_status  # noqa: PLC0415 - the same

    told = told_by_holder(home) if configured else read_status(home.status / "daemon.toml")
    if told.get("sandbox") is True:
        return home.sandbox
    return Path(configured).expanduser() if configured else None


def _versions(loras: Loras, name: str) -> list[dict[str, Any]]:
    chosen = loras.chosen(name)
    return [
        version.told() | {"short": version.short, "chosen": version == chosen}
        for version in loras.versions(name)
    ]
