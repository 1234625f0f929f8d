"""Could the engine run this graph? Pure: the graph and the engine's own `/object_info` in.

Asked before the prompt is sent, so that every wrong name is told at once, with the nearest right
one and the request key that said it. The engine itself would blame a node number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plasma_watch import toml_check
from plasma_watch.errors import Code, Problem
from plasma_watch.generate.template import SLOTS, Graph, Template, is_link

MODEL_FOLDERS: dict[str, str] = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "control_net_name": "controlnet",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "style_model_name": "style_models",
    "clip_vision_name": "clip_vision",
    "upscale_model_name": "upscale_models",
}
"""Inputs that name a model file, and the folder below ComfyUI's `models/` that it lies in."""

_MOST_SHOWN = 12

Infos = Mapping[str, Mapping[str, Any]]
"""Node class to what `/object_info/{class}` says of it; an empty table for an unknown class."""


def node_classes(graph: Graph) -> list[str]:
    """Return the node classes of a graph, each once."""
    return sorted({node["class_type"] for node in graph.values()})


def model_names(graph: Graph) -> list[tuple[str, str]]:
    """Return folder and name of every model file that a graph names, each once."""
    named = (
        (MODEL_FOLDERS[name], value)
        for node in graph.values()
        for name, value in node["inputs"].items()
        if name in MODEL_FOLDERS and isinstance(value, str)
    )
    return sorted(set(named))


def problems(template: Template, graph: Graph, infos: Infos) -> Iterator[Problem]:
    """Yield everything in a graph that the engine would refuse."""
    origins = _origins(template)
    for node_id, node in graph.items():
        info = infos[node["class_type"]]
        if not info:
            yield _missing_node(template, node["class_type"])
        for name, value in node["inputs"].items():
            field = origins.get(f"{node_id}.{name}", f"{node['class_type']}.{name}")
            yield from _input_problems(name, value, _spec(info, name), field)
    yield from _output_problems(template, graph, infos)


def _origins(template: Template) -> dict[str, str]:
    """Map `node.input` to the request key that fills it."""
    return {
        target: SLOTS[slot]
        for slot, targets in template.map.slots.items()
        for target in targets
        if SLOTS[slot]
    }


def _missing_node(template: Template, node_class: str) -> Problem:
    pack = template.map.requires.nodes.get(node_class)
    hint = f"It comes with {pack}." if pack else "A custom node pack brings it, or a newer ComfyUI."
    said = f"needs the node '{node_class}', which this ComfyUI does not have"
    return Problem(Code.ENGINE_MISSING_NODE, "workflow", said, f"{hint} Install it and restart it.")


def _spec(info: Mapping[str, Any], name: str) -> list[Any]:
    sections = info.get("input")
    sections = sections if isinstance(sections, dict) else {}
    for section in ("required", "optional"):
        inputs = sections.get(section)
        if isinstance(inputs, dict) and isinstance(inputs.get(name), list):
            return list(inputs[name])
    return []


def _input_problems(name: str, value: object, spec: list[Any], field: str) -> Iterator[Problem]:
    if is_link(value) or not spec:
        return
    choices = _choices(spec)
    if choices is not None and name != "image":  # an image may lie where no list shows it
        if value not in choices:
            yield _not_in_list(name, value, choices, field)
        return
    limits = spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
    yield from _out_of_range(value, limits, field)


def _choices(spec: list[Any]) -> list[Any] | None:
    """Return the values of a combo, as older and newer versions write it."""
    match spec:
        case [list(choices), *_]:
            return choices
        case ["COMBO", {"options": list(choices)}, *_]:
            return choices
        case _:
            return None


def _not_in_list(name: str, value: object, choices: list[Any], field: str) -> Problem:
    known = [str(choice) for choice in choices]
    near = toml_check.nearest(str(value), known)
    if folder := MODEL_FOLDERS.get(name):
        said = f"is {toml_check.shown(value)}, which is not in ComfyUI's models/{folder}"
        there = f"Did you mean {toml_check.shown(near)}? " if near else _listed(known)
        hint = f"{there}Or put the file into models/{folder}; ComfyUI sees it at once."
        return Problem(Code.ENGINE_MISSING_MODEL, field, said, hint)
    said = f"is {toml_check.shown(value)}, which ComfyUI does not know"
    hint = f"Did you mean {toml_check.shown(near)}?" if near else _listed(known)
    return Problem(Code.ENGINE_BAD_VALUE, field, said, hint.strip())


def _listed(known: list[str]) -> str:
    if not known:
        return "There are none. "
    more = ", …" if len(known) > _MOST_SHOWN else ""
    return f"There are: {', '.join(known[:_MOST_SHOWN])}{more}. "


def _out_of_range(value: object, limits: Mapping[str, Any], field: str) -> Iterator[Problem]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    least, most = limits.get("min", value), limits.get("max", value)
    if not least <= value <= most:
        said = f"is {value}; ComfyUI takes {least} to {most}"
        yield Problem(Code.ENGINE_BAD_VALUE, field, said)


def _output_problems(template: Template, graph: Graph, infos: Infos) -> Iterator[Problem]:
    """Hold a graph to its one output node: of several, ComfyUI may run a part and call it good."""
    outputs = [n for n, node in graph.items() if infos[node["class_type"]].get("output_node")]
    if others := [n for n in outputs if n != template.map.output]:
        said = f"has more output nodes than {template.map.output}: {', '.join(others)}"
        hint = "Take previews and second savers out in ComfyUI, and export it again."
        yield Problem(Code.WORKFLOW_BROKEN, "workflow", said, hint)
