"""Could the engine run this graph? Pure: the graph and the engine's own `/object_info` in.

Asked before the prompt is sent, so that every wrong name is told at once, with the nearest right
ones and the request key that said it. The engine itself would blame a node number.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from plasma_watch import toml_check
from plasma_watch.errors import Code, Problem
from plasma_watch.generate.packs import pack_of
from plasma_watch.generate.template import Graph, Template, is_link

MODEL_FOLDERS: dict[str, str] = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "control_net_name": "controlnet",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "style_model_name": "style_models",
    "clip_vision_name": "clip_vision",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
}
"""Inputs that name a model file, and the folder below ComfyUI's `models/` that it lies in."""

_FOLDERS_OF_CLASSES: dict[tuple[str, str], str] = {
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("UpscaleModelLoader", "model_name"): "upscale_models",
}
"""Inputs that say what they mean only together with the class of their node."""

_EMBEDDING = re.compile(r"embedding:([^\s,:()\[\]{}<>]+)")
"""How a text names an embedding, which is a model file too."""

_MOST_SHOWN = 12
_MOST_NEAR = 3

Infos = Mapping[str, Mapping[str, Any]]
"""Node class to what `/object_info/{class}` says of it; an empty table for an unknown class."""


def node_classes(graph: Graph) -> list[str]:
    """Return the node classes of a graph, each once."""
    return sorted({node["class_type"] for node in graph.values()})


def model_names(graph: Graph) -> list[tuple[str, str]]:
    """Return folder and name of every model file that a graph names, each once."""
    texts = [
        (node["class_type"], name, value)
        for node in graph.values()
        for name, value in node["inputs"].items()
        if isinstance(value, str)
    ]
    named = {(folder, text) for c, name, text in texts if (folder := model_folder(c, name))}
    embedded = {("embeddings", name) for *_, text in texts for name in _EMBEDDING.findall(text)}
    return sorted(named | embedded)


def model_folder(node_class: str, name: str) -> str:
    """Return the folder of the model that an input names, or an empty string."""
    return _FOLDERS_OF_CLASSES.get((node_class, name)) or MODEL_FOLDERS.get(name, "")


def packs(infos: Infos) -> list[str]:
    """Return the custom node packs that nodes come from, as the engine calls their modules."""
    modules = {str(info.get("python_module", "")) for info in infos.values()}
    return sorted(m.partition(".")[2] for m in modules if m.startswith("custom_nodes."))


def needed(graph: Graph, output: str) -> set[str]:
    """Return the nodes that lead to the output, itself included; the engine looks at no other."""
    found, ahead = set(), [output]
    while ahead:
        node = ahead.pop()
        if node in graph and node not in found:
            found.add(node)
            ahead += [value[0] for value in graph[node]["inputs"].values() if is_link(value)]
    return found


def problems(template: Template, graph: Graph, infos: Infos) -> Iterator[Problem]:
    """Yield everything in a graph that the engine would refuse."""
    for node_class in dict.fromkeys(node["class_type"] for node in graph.values()):
        if not infos[node_class]:
            yield _missing_node(template, node_class)
    used = needed(graph, template.map.output)
    for node_id, node in graph.items():
        if node_id in used:
            yield from _node_problems(template, node_id, node, infos[node["class_type"]])
    yield from _output_problems(template, graph, infos)


def _node_problems(
    template: Template, node_id: str, node: Mapping[str, Any], info: Mapping[str, Any]
) -> Iterator[Problem]:
    for name, value in node["inputs"].items():
        keys = template.keys_of(node_id, name)
        field = keys[0] if keys else f"'{template.title(node_id)}'.{name}"
        folder = model_folder(node["class_type"], name)
        for problem in _input_problems(name, value, _spec(info, name), (field, folder)):
            yield _with_source(problem, template, value)
    for name in _section(info, "required").keys() - node["inputs"].keys():
        said = "is missing, and this ComfyUI needs it"
        hint = "Open the workflow in ComfyUI, and export it again."
        field = f"'{template.title(node_id)}'.{name}"
        yield Problem(Code.WORKFLOW_BROKEN, field, said, hint)


def _with_source(problem: Problem, template: Template, value: object) -> Problem:
    """Add to a missing model where it is found, if the slot map says so."""
    source = template.map.requires.models.get(str(value))
    if problem.code is not Code.ENGINE_MISSING_MODEL or not source:
        return problem
    return replace(problem, hint=f"{problem.hint} It is found at {source}.")


def _missing_node(template: Template, node_class: str) -> Problem:
    pack = template.map.requires.nodes.get(node_class) or pack_of(node_class)
    hint = f"It comes with {pack}." if pack else "A custom node pack brings it, or a newer ComfyUI."
    said = f"needs the node '{node_class}', which this ComfyUI does not have"
    return Problem(Code.ENGINE_MISSING_NODE, "workflow", said, f"{hint} Install it and restart it.")


def _spec(info: Mapping[str, Any], name: str) -> list[Any]:
    for section in ("required", "optional"):
        found = _section(info, section).get(name)
        if isinstance(found, list):
            return list(found)
    return []


def _section(info: Mapping[str, Any], section: str) -> dict[str, Any]:
    sections = info.get("input")
    found = sections.get(section) if isinstance(sections, dict) else None
    return found if isinstance(found, dict) else {}


def _input_problems(
    name: str, value: object, spec: list[Any], told: tuple[str, str]
) -> Iterator[Problem]:
    """Yield what is wrong with a value; it is told as the field, and the folder of its model."""
    field, folder = told
    if is_link(value) or not spec:
        return
    choices = _choices(spec)
    if choices is not None and name != "image":  # an image may lie where no list shows it
        if value not in choices:
            known = [str(choice) for choice in choices]
            yield (
                _missing_model(value, known, field, folder)
                if folder
                else _bad_value(value, known, field)
            )
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


def _missing_model(value: object, known: list[str], field: str, folder: str) -> Problem:
    said = f"is {toml_check.shown(value)}, which is not in ComfyUI's models/{folder}"
    hint = f"{_near(value, known)} Or put the file into models/{folder}; ComfyUI sees it at once."
    return Problem(Code.ENGINE_MISSING_MODEL, field, said, hint)


def _bad_value(value: object, known: list[str], field: str) -> Problem:
    said = f"is {toml_check.shown(value)}, which ComfyUI does not know"
    return Problem(Code.ENGINE_BAD_VALUE, field, said, _near(value, known))


def _near(value: object, known: list[str]) -> str:
    """Return the names that are nearest, or else the first of those there are."""
    stems = {name.rpartition(".")[0] or name: name for name in known}  # endings are all alike
    stem = str(value).rpartition(".")[0] or str(value)
    nearest = toml_check.nearest(str(value), known)
    near = [stems[found] for found in difflib.get_close_matches(stem, stems, _MOST_NEAR)]
    found = list(dict.fromkeys(near or ([nearest] if nearest else [])))
    return f"Did you mean {' or '.join(map(toml_check.shown, found))}?" if found else _listed(known)


def _listed(known: list[str]) -> str:
    if not known:
        return "There are none."
    more = ", …" if len(known) > _MOST_SHOWN else ""
    return f"There are: {', '.join(known[:_MOST_SHOWN])}{more}."


def _out_of_range(value: object, limits: Mapping[str, Any], field: str) -> Iterator[Problem]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    least, most = limits.get("min", value), limits.get("max", value)
    if not least <= value <= most:
        said = f"is {value}; ComfyUI takes {least} to {most}"
        yield Problem(Code.ENGINE_BAD_VALUE, field, said)


def _output_problems(template: Template, graph: Graph, infos: Infos) -> Iterator[Problem]:
    """Hold the output to a node that puts something out; the engine is asked for it alone."""
    output = template.map.output
    info = infos[graph[output]["class_type"]]
    if info and not info.get("output_node"):
        said = f"has the output '{template.title(output)}', which saves nothing"
        hint = f"Name the node that saves the picture as output in workflows/{template.name}.toml."
        yield Problem(Code.WORKFLOW_BROKEN, "workflow", said, hint)
