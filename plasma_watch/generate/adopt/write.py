"""Makes template and slot map of an export, and puts both among the workflows of a home.

The workflow is written as it was exported. Nothing is ever replaced: a name that is taken is
refused. The slot map goes first, because it is the workflow whose name makes a template of both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plasma_watch import toml_check, toml_text
from plasma_watch.config import Limits
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.adopt.export import Export
from plasma_watch.generate.adopt.find import find
from plasma_watch.generate.adopt.findings import Findings, name_of
from plasma_watch.generate.adopt.trace import value_at
from plasma_watch.generate.packs import pack_of
from plasma_watch.generate.template import SLOTS, Template, read_template
from plasma_watch.request import GenerateRequest
from plasma_watch.rules import generate_rules
from plasma_watch.system import files

_KINDS: dict[str, tuple[type, ...]] = {
    "negative": (str,),
    "steps": (int, float),
    "cfg": (int, float),
    "sampler": (str,),
    "scheduler": (str,),
    "width": (int, float),
    "height": (int, float),
    "checkpoint": (str,),
}
"""The slots whose exported values become the template's defaults, and of what kind they are."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An export as it will be here: its template, and what is told of how it was read."""

    template: Template
    workflow: bytes
    slot_map: str
    placed: tuple[str, ...]
    unplaced: tuple[str, ...]
    kept: tuple[str, ...]


def adopt(export: Export, name: str, limits: Limits) -> Adopted:
    """Read an export as a template.

    Raises PlasmaError `workflow.not-adoptable` when no request could be made with it.
    """
    found = find(export.graph)
    defaults, odd = _defaults(export, found, limits)
    table = _table(export, found, name, defaults)
    slot_map = (
        f"# Adopted by Plasma Watch: which input of which node each request key fills.\n{table}"
    )
    return Adopted(
        template=read_template(name, export.content, slot_map.encode()),
        workflow=export.content,
        slot_map=slot_map,
        placed=tuple(_placed(export, found)),
        unplaced=tuple(found.unplaced),
        kept=(*dict.fromkeys(found.kept), *odd),
    )


def _table(export: Export, found: Findings, name: str, defaults: Mapping[str, Any]) -> str:
    slots = {s: [spot.target for spot in found.slots[s]] for s in SLOTS if s in found.slots}
    packs = {
        c: pack
        for c in sorted({n["class_type"] for n in export.graph.values()})
        if (pack := pack_of(c))
    }
    table: dict[str, Any] = {
        "description": f"{name}, adopted from an export.",
        "output": found.output,
        "resizes": found.resizes,
        "slots": {s: t[0] if len(t) == 1 else t for s, t in slots.items()},
        "optional": found.optional,
        "defaults": dict(defaults),
        "requires": {"nodes": packs} if packs else {},
    }
    return toml_text.dumps({key: value for key, value in table.items() if value not in ({}, False)})


def _placed(export: Export, found: Findings) -> Iterator[str]:
    for slot, key in SLOTS.items():
        spots = found.slots.get(slot, ()) if key else ()
        where = (f"{name_of(export.graph, spot.node)} ({spot.name})" for spot in spots)
        if spots:
            can_go = key.partition(".")[0] in found.optional and slot in ("lora", "controlnet")
            yield f"{key}: {', '.join(where)}" + ("; can be left out" if can_go else "")


# What the template means where a request is silent: what it was exported with.


def _defaults(
    export: Export, found: Findings, limits: Limits
) -> tuple[dict[str, Any], tuple[str, ...]]:
    exported = {
        slot: _exported(export, found, slot, kinds)
        for slot, kinds in _KINDS.items()
        if slot in found.slots
    }
    known = {slot: value for slot, value in exported.items() if value is not None}
    good = {slot: value for slot, value in known.items() if _is_good(slot, value)}
    wrong = {problem.field for problem in generate_rules(good, limits)}
    wrong |= {"width", "height"} if wrong & {"width", "height"} else set()
    odd = tuple(
        f"{slot} = {toml_check.shown(value)} is no default here: no request may have it"
        for slot, value in known.items()
        if slot not in good or slot in wrong
    )
    return {slot: value for slot, value in good.items() if slot not in wrong}, odd


def _exported(export: Export, found: Findings, slot: str, kinds: tuple[type, ...]) -> Any:  # noqa: ANN401 - an input's value
    """Return the value that a slot was exported with, in the kind of number that it takes."""
    value = value_at(export.graph, found.slots[slot][0], kinds)
    if slot == "cfg" and value is not None:
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_good(slot: str, value: object) -> bool:
    table = {"kind": "generate", "prompt": "", slot: value}
    with contextlib.suppress(ValidationError):
        return GenerateRequest.model_validate(table) is not None
    return False


# Putting it there.


def put(adopted: Adopted, folder: Path) -> None:
    """Write slot map and workflow, both under names that are free.

    Raises PlasmaError `workflow.taken`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    slot_map, workflow = (folder / f"{adopted.template.name}.{end}" for end in ("toml", "json"))
    if workflow.exists():
        raise _taken(workflow)
    _write(slot_map, adopted.slot_map.encode())
    try:
        _write(workflow, adopted.workflow)
    except PlasmaError:
        slot_map.unlink()
        raise


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    files.write_new(temporary, content, durable=False)
    try:
        files.publish(temporary, path)
    except FileExistsError as exc:
        temporary.unlink(missing_ok=True)
        raise _taken(path) from exc


def _taken(path: Path) -> PlasmaError:
    return PlasmaError(
        Code.WORKFLOW_TAKEN, f"{path} is there already", "Give this one another name with --name."
    )
