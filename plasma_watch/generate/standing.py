"""What a template needs of the engine, and whether it is there, before anybody asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from plasma_watch.comfyui.client import Client
from plasma_watch.config import Defaults
from plasma_watch.errors import Problem
from plasma_watch.generate import preflight
from plasma_watch.generate.resolve import resolve
from plasma_watch.generate.template import PARTS, SLOTS, Template, fill
from plasma_watch.request import GenerateRequest

_OF_PARTS = frozenset(SLOTS[slot] for slots in PARTS.values() for slot in slots)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a template stands with an engine."""

    nodes: tuple[str, ...]
    """The node classes that it needs."""
    packs: tuple[str, ...]
    """The custom node packs that some of them come from, as far as the engine has them."""
    models: tuple[str, ...]
    """The model files that it names, as folder/name."""
    lacks: tuple[Problem, ...]
    """What keeps every request from being made."""
    asked: tuple[Problem, ...]
    """What the export names and the engine lacks, and every request names anew."""

    @property
    def is_ready(self) -> bool:
        """Whether a request could be made now."""
        return not self.lacks


def standing(template: Template, defaults: Defaults, client: Client) -> Standing:
    """Ask an engine what it has of what a template needs, no part left out."""
    request = GenerateRequest(kind="generate", prompt="", workflow=template.name)
    slots = dict(resolve(request, template, defaults, drawn_seed=0).slots)
    graph = fill(template, slots, frozenset())
    classes = preflight.node_classes(graph)
    infos = {name: client.object_info(name) for name in classes}
    found = tuple(preflight.problems(template, graph, infos))
    return Standing(
        nodes=tuple(classes),
        packs=tuple(preflight.packs(infos)),
        models=tuple(f"{folder}/{name}" for folder, name in preflight.model_names(graph)),
        lacks=tuple(p for p in found if p.field not in _OF_PARTS),
        asked=tuple(p for p in found if p.field in _OF_PARTS),
    )
