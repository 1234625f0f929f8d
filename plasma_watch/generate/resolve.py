"""From what was asked to what will be made: defaults filled in, pictures planned. Pure.

A sweep's combinations become pictures like those of a count: each knows what it changes of the
resolved request, and so has a request, a graph and a manifest of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plasma_watch import toml_check
from plasma_watch.config import Defaults
from plasma_watch.errors import Code, Problem
from plasma_watch.generate.template import PARTS, SLOTS, Template
from plasma_watch.job import Picture
from plasma_watch.request import (
    LORA_STRENGTH,
    MANIFEST_TABLES,
    MAX_DRAWN_SEED,
    GenerateRequest,
    flat,
)

_PART_SLOTS = frozenset(slot for slots in PARTS.values() for slot in slots)
_OURS = "filename_prefix"

SWEPT: dict[str, str] = {
    "checkpoint": "checkpoint",
    "lora": "lora.name",
    "lora_strength": "lora.strength",
    "prompt": "prompt",
    "sampler": "sampler",
    "steps": "steps",
    "cfg": "cfg",
    "seed": "seed",
}
"""Every key of a sweep, and the request key that it stands for; the dearest to change comes first.

So a checkpoint is loaded once for all the pictures that want it.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be made: the resolved request as a table, and what each slot gets."""

    request: dict[str, Any]
    slots: Mapping[str, Any]
    """Slot to value, without the seed and the file name, which each picture has its own of."""
    left_out: frozenset[str]
    """The optional parts that the request does not want."""


def slot_problems(
    request: GenerateRequest, template: Template, lines: Mapping[toml_check.KeyPath, int]
) -> Iterator[Problem]:
    """Yield what the request says that the template has no place for, and what it must say."""
    asked = _asked(request)
    for slot, key in SLOTS.items():
        if key in asked and not template.has(slot):
            line = toml_check.line_of(key.split("."), lines)
            said = f"has no place in the workflow '{template.name}'"
            hint = f"It has: {', '.join(_keys(template))}."
            yield Problem(Code.WORKFLOW_NO_SLOT, key, said, hint, line)
    for swept in _swept(request):
        if SWEPT[swept] not in _keys(template):
            line = toml_check.line_of(["sweep", swept], lines)
            said = f"has no place in the workflow '{template.name}'"
            hint = f"It has: {', '.join(_keys(template))}."
            yield Problem(Code.WORKFLOW_NO_SLOT, f"sweep.{swept}", said, hint, line)
    for part in _missing_parts(request, template):
        said = f"is needed by the workflow '{template.name}'"
        yield Problem(Code.WORKFLOW_SLOT_EMPTY, part, said, f"Add a table [{part}].")


def _asked(request: GenerateRequest) -> dict[str, Any]:
    table = request.model_dump(exclude_unset=True, exclude_none=True)
    parts = {f"{p}.{key}": v for p in PARTS for key, v in table.get(p, {}).items()}
    return {key: value for key, value in table.items() if key not in PARTS} | parts


def _swept(request: GenerateRequest) -> dict[str, list[Any]]:
    """Return what a request sweeps over, in the order of `SWEPT`."""
    found = request.sweep.model_dump() if request.sweep else {}
    return {key: found[key] for key in SWEPT if found.get(key)}


def _keys(template: Template) -> list[str]:
    return [SLOTS[slot] for slot in template.map.slots if SLOTS[slot]]


def _missing_parts(request: GenerateRequest, template: Template) -> Iterator[str]:
    """Yield the parts that need a picture, cannot be taken out, and were not given one."""
    for part, picture in (("controlnet", "controlnet_image"), ("input", "image")):
        is_fixed = template.has(picture) and part not in template.map.optional
        if is_fixed and getattr(request, part) is None:
            yield part


def resolve(
    request: GenerateRequest, template: Template, defaults: Defaults, drawn_seed: int
) -> Plan:
    """Fill in every default.

    The request's own word comes first, then the template's default, then the config's, and last the
    value that the workflow was exported with.
    """
    plain = {
        slot: _value(slot, key, request, template, defaults)
        for slot, key in SLOTS.items()
        if template.has(slot) and slot not in _PART_SLOTS and slot != _OURS
    }
    if "seed" in plain and request.seed is None:
        plain["seed"] = drawn_seed
    return planned(_resolved(request, template, plain), template)


def planned(resolved: Mapping[str, Any], template: Template) -> Plan:
    """Return what a resolved request means for a template: each slot's value, what is left out."""
    values = flat(resolved)
    slots = {s: values[k] for s, k in SLOTS.items() if template.has(s) and k in values}
    left_out = frozenset(part for part in template.map.optional if part not in resolved)
    return Plan(dict(resolved), slots, left_out)


def _value(
    slot: str, key: str, request: GenerateRequest, template: Template, defaults: Defaults
) -> Any:  # noqa: ANN401 - a slot's value has the slot's type
    given = getattr(request, key)
    if given is not None:
        return given
    if slot in template.map.defaults:
        return template.map.defaults[slot]
    configured = getattr(defaults, key, None)
    return template.exported(slot) if configured is None else configured


def with_loras(request: GenerateRequest, file_of: Callable[[str], str]) -> GenerateRequest:
    """Return the request with the names of LoRAs that were trained here replaced by their files."""
    changed: dict[str, Any] = {}
    if request.lora is not None:
        name = file_of(request.lora.name)
        changed["lora"] = request.lora.model_copy(update={"name": name})
    if request.sweep is not None and request.sweep.lora:
        names = [file_of(name) for name in request.sweep.lora]
        changed["sweep"] = request.sweep.model_copy(update={"lora": names})
    return request.model_copy(update=changed) if changed else request


def lora_file(name: str) -> str:
    """Return the file that a LoRA's name means: `spyke` is `spyke.safetensors`."""
    return name if name.endswith(".safetensors") else f"{name}.safetensors"


def _resolved(
    request: GenerateRequest, template: Template, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the request as a table with every default in it, scalars before tables."""
    asked = request.model_dump(exclude_none=True, exclude=set(MANIFEST_TABLES))
    if swept := _swept(request):
        asked["sweep"] = swept | {"lora": [lora_file(name) for name in swept.get("lora", ())]}
        asked["sweep"] = {key: found for key, found in asked["sweep"].items() if found}
    if "lora" in swept and request.lora is None:
        asked["lora"] = {"name": swept["lora"][0], "strength": LORA_STRENGTH}
    if "lora" in asked:
        asked["lora"]["name"] = lora_file(asked["lora"]["name"])
    filled = asked | {SLOTS[slot]: value for slot, value in plain.items()}
    filled["workflow"] = template.name
    order = list(GenerateRequest.model_fields)
    return {key: filled[key] for key in sorted(filled, key=order.index)}


def draw_limit(request: GenerateRequest) -> int:
    """Return below which number a seed is drawn, so that the last picture's is still exact."""
    return MAX_DRAWN_SEED - request.count


def pictures(resolved: Mapping[str, Any]) -> tuple[Picture, ...]:
    """Return the pictures that a resolved request asks for: seed, seed + 1, …, or a sweep's."""
    first = int(resolved.get("seed", 0))
    if sweep := resolved.get("sweep"):
        return tuple(_combinations(sweep, first))
    return tuple(Picture(number=n + 1, seed=first + n) for n in range(int(resolved["count"])))


def _combinations(sweep: Mapping[str, list[Any]], seed: int) -> Iterator[Picture]:
    keys = [key for key in SWEPT if key in sweep]
    for number, values in enumerate(itertools.product(*(sweep[key] for key in keys)), 1):
        changes = {SWEPT[key]: value for key, value in zip(keys, values, strict=True)}
        yield Picture(number, seed=changes.pop("seed", seed), changes=changes)


def of_picture(resolved: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    """Return the request that makes one picture again: its own seed and changes, a count of one.

    What was said about this making alone (`once`, `allow_changed_models`, `sweep`) is left out.
    """
    own = {key: value for key, value in resolved.items() if key not in _ABOUT_THIS_MAKING}
    for key, value in picture.changes.items():
        table, _, inner = key.rpartition(".")
        own |= {table: own[table] | {inner: value}} if table else {key: value}
    own["count"] = 1
    return own | ({"seed": picture.seed} if "seed" in resolved else {})


_ABOUT_THIS_MAKING = frozenset({"once", "allow_changed_models", "sweep"})
