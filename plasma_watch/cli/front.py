"""The front door: every command by name, and the module that is imported when it is meant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

FAMILIES = {
    "running": ("run", "sandbox"),
    "requests": ("submit", "check", "cancel", "retry", "pause", "resume"),
    "looking": ("status", "follow", "history"),
    "pictures": ("compare", "sheet"),
    "finding": ("find", "approve"),
    "galleries": ("gallery",),
    "workflows": ("workflow",),
    "homes": ("init", "schema", "config"),
    "service": ("service",),
    "doctoring": ("doctor",),
    "benchmarking": ("benchmark",),
    "datasets": ("dataset",),
    "loras": ("lora",),
}
"""Module to the commands that it brings, in the order in which `--help` shows them."""
_MODULES = {name: module for module, names in FAMILIES.items() for name in names}


class Front(TyperGroup):
    """The commands; its state is those that were brought already."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the library's
        """Return the name of every command."""
        return list(_MODULES)

    def get_command(self, ctx: object, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - the library's
        """Return a command; for a name that is none, all are brought, to suggest a near one."""
        if cmd_name not in self.commands:
            known = cmd_name in _MODULES
            self.commands.update(brought_by(_MODULES[cmd_name]) if known else commands())
        return self.commands.get(cmd_name)


def commands() -> dict[str, Any]:
    """Return every command by name, groups of them as one."""
    return {name: command for module in FAMILIES for name, command in brought_by(module).items()}


def brought_by(module: str) -> Mapping[str, Any]:
    """Return the commands of a module, by name."""
    family = typer.Typer(rich_markup_mode=None)
    importlib.import_module(f"{__package__}.{module}").add_to(family)
    return get_group(family).commands
