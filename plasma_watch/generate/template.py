"""A workflow with slots: an API export from ComfyUI, untouched, and a slot map beside it. Pure.

Filling changes the slots and nothing else. A part that a request leaves out (its LoRA, its
ControlNet) is taken out by rewiring: what hung on its outputs is linked to what fed its inputs.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from plasma_watch import toml_check
from plasma_watch.errors import Code, PlasmaError, gathered

Graph = dict[str, dict[str, Any]]
"""Node id to node, as ComfyUI's API format has it: `class_type` and `inputs`."""

SLOTS: dict[str, str] = {
    "prompt": "prompt",
    "negative": "negative",
    "seed": "seed",
    "steps": "steps",
    "cfg": "cfg",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "width": "width",
    "height": "height",
    "checkpoint": "checkpoint",
    "lora": "lora.name",
    "lora_strength": "lora.strength",
    "controlnet": "controlnet.name",
    "controlnet_image": "controlnet.image",
    "controlnet_strength": "controlnet.strength",
    "image": "input.image",
    "denoise": "input.denoise",
    "filename_prefix": "",
}
"""Every slot there is, and the request key that fills it; the prefix is ours to fill."""

PARTS: dict[str, tuple[str, ...]] = {
    "lora": ("lora", "lora_strength"),
    "controlnet": ("controlnet", "controlnet_image", "controlnet_strength"),
    "input": ("image", "denoise"),
}
"""The tables of a request, and the slots that each fills."""


_WITHOUT_DEFAULT = frozenset({"filename_prefix", *(slot for p in PARTS.values() for slot in p)})


def _targets(value: object) -> object:
    return [value] if isinstance(value, str) else value


Targets = Annotated[list[str], BeforeValidator(_targets), Field(min_length=1)]


class Optional(BaseModel):
    """How a part is taken out: which node goes, and which of its inputs stands for which output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node: str
    bypass: dict[str, str]


class Requires(BaseModel):
    """What the engine must have, for whoever lacks it: where nodes and models come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: dict[str, str] = {}
    """Node class to the pack that brings it."""
    models: dict[str, str] = {}
    """Model file to where it is found."""


class SlotMap(BaseModel):
    """The TOML file beside a workflow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    output: str
    resizes: bool = False
    """Whether the workflow makes the picture larger or smaller than width and height say."""
    slots: dict[str, Targets] = Field(min_length=1)
    optional: dict[str, Optional] = {}
    defaults: dict[str, Any] = {}
    requires: Requires = Requires()


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow and its slot map, checked against each other."""

    name: str
    graph: Graph
    map: SlotMap
    sha256: str

    def has(self, slot: str) -> bool:
        """Tell whether the template has a slot."""
        return slot in self.map.slots

    def exported(self, slot: str) -> Any:  # noqa: ANN401 - whatever the export holds
        """Return the value that the export has in a slot."""
        node, _, name = self.map.slots[slot][0].partition(".")
        return self.graph[node]["inputs"].get(name)

    def title(self, node: str) -> str:
        """Return what the editor calls a node; its class where it has no title."""
        found = self.graph.get(node, {})
        about = found.get("_meta")
        title = about.get("title") if isinstance(about, dict) else None
        return str(title or found.get("class_type", node))

    def keys_of(self, node: str, name: str = "") -> list[str]:
        """Return the request keys that fill a node, or one input of it."""
        return [
            SLOTS[slot]
            for slot, targets in self.map.slots.items()
            for target in targets
            if SLOTS[slot]
            and target.partition(".")[::2] == (node, name or target.partition(".")[2])
        ]


@functools.lru_cache(maxsize=32)
def read_template(name: str, workflow: bytes, slot_map: bytes) -> Template:
    """Make a template of the two files.

    Raises PlasmaError `workflow.broken` that names the file and what is wrong with it.
    """
    graph = read_graph(f"workflows/{name}.json", workflow)
    template = Template(name, graph, _read_map(name, slot_map), _sha256(workflow, slot_map))
    if wrong := list(_mismatches(template)):
        raise _broken(f"workflows/{name}.toml", "; ".join(wrong))
    return template


def _sha256(workflow: bytes, slot_map: bytes) -> str:
    return hashlib.sha256(workflow + b"\0" + slot_map).hexdigest()


def _broken(file: str, why: str, hint: str = "") -> PlasmaError:
    return PlasmaError(
        Code.WORKFLOW_BROKEN,
        f"{file}: {why}",
        hint or "docs/workflows.md says how a workflow and its slot map are made.",
    )


def read_graph(file: str, content: bytes) -> Graph:
    """Read a workflow in API format.

    Raises PlasmaError `workflow.broken` that says what the file is instead.
    """
    try:
        graph = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _broken(file, f"is not JSON: {exc}") from exc
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise _broken(
            file,
            "is in the editor's format",
            "In ComfyUI choose Workflow > Export (API), and take that file.",
        )
    if not (isinstance(graph, dict) and graph and all(_is_node(node) for node in graph.values())):
        raise _broken(file, "is not a workflow in API format")
    return graph


def _is_node(node: object) -> bool:
    match node:
        case {"class_type": str(), "inputs": dict()}:
            return True
        case _:
            return False


def _read_map(name: str, content: bytes) -> SlotMap:
    file = f"{name}.toml"
    try:
        text = toml_check.decode(content, file)
        return SlotMap.model_validate(toml_check.parse(text, file))
    except PlasmaError as exc:
        raise _broken(f"workflows/{file}", exc.message) from exc
    except ValidationError as exc:
        problems = toml_check.problems_of(exc, SlotMap, toml_check.line_numbers(text))
        raise _broken(f"workflows/{file}", gathered(file, problems).message) from exc


def _mismatches(template: Template) -> Iterator[str]:
    """Yield what the slot map says that the workflow does not bear out."""
    graph, slots = template.graph, template.map
    for slot, targets in slots.slots.items():
        if slot not in SLOTS:
            yield f"no slot is called '{slot}'; there are {', '.join(SLOTS)}"
        yield from (f"slot {slot}: there is no {t}" for t in targets if not _has_input(graph, t))
    for part, optional in slots.optional.items():
        yield from _part_mismatches(graph, part, optional, slots.output)
    for slot in slots.defaults.keys() - (slots.slots.keys() - _WITHOUT_DEFAULT):
        yield f"default {slot}: only a slot of the workflow may have one, and none of a part"
    if slots.output not in graph:
        yield f"the output node {slots.output} is not in the workflow"
    if "filename_prefix" not in slots.slots:
        yield "the slot filename_prefix is missing"


def _part_mismatches(graph: Graph, part: str, optional: Optional, output: str) -> Iterator[str]:
    if part not in PARTS:
        yield f"no part is called '{part}'; there are {', '.join(PARTS)}"
    if optional.node not in graph:
        yield f"optional {part}: node {optional.node} is not in the workflow"
        return
    if optional.node == output:
        yield f"optional {part}: node {optional.node} is the output node"
    inputs = graph[optional.node]["inputs"]
    for source in optional.bypass.values():
        if not is_link(inputs.get(source)):
            yield f"optional {part}: node {optional.node} has no linked input {source}"
    for used in sorted(_outputs_used(graph, optional.node) - optional.bypass.keys()):
        yield f"optional {part}: output {used} of node {optional.node} has no bypass"


def _outputs_used(graph: Graph, node: str) -> set[str]:
    inputs = (value for other in graph.values() for value in other["inputs"].values())
    return {str(value[1]) for value in inputs if is_link(value) and value[0] == node}


def _has_input(graph: Graph, target: str) -> bool:
    node, _, name = target.partition(".")
    return node in graph and name in graph[node]["inputs"]


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Tell whether an input is linked to another node's output."""
    match value:
        case [str(), int()]:
            return True
        case _:
            return False


def fill(template: Template, values: Mapping[str, Any], left_out: frozenset[str]) -> Graph:
    """Return the graph for one picture: the slots filled, the parts left out rewired away."""
    graph = {node: {**said, "inputs": {**said["inputs"]}} for node, said in template.graph.items()}
    for slot, value in values.items():
        for target in template.map.slots[slot]:
            node, _, name = target.partition(".")
            graph[node]["inputs"][name] = value
    for part in sorted(left_out):
        _take_out(graph, template.map.optional[part])
    return graph


def _take_out(graph: Graph, part: Optional) -> None:
    gone = graph.pop(part.node, None)
    if gone is None:  # it fed only a part that went before
        return
    for node in graph.values():
        for name, value in node["inputs"].items():
            if is_link(value) and value[0] == part.node:
                node["inputs"][name] = gone["inputs"][part.bypass[str(value[1])]]
    _drop_unused(graph, gone)


def _drop_unused(graph: Graph, gone: Mapping[str, Any]) -> None:
    """Remove what fed only the node that went: its image loader, its model loader."""
    for value in gone["inputs"].values():
        if is_link(value) and value[0] in graph and not _outputs_used(graph, value[0]):
            _drop_unused(graph, graph.pop(value[0]))
