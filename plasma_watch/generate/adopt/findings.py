"""What finding has in common: what is found, and a few questions that several rooms ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.adopt.trace import Source, Spot, inputs_of, source
from plasma_watch.generate.template import Graph, is_link

SEEDS = ("seed", "noise_seed")
IMAGES = ("pixels", "image", "images")


@dataclass(slots=True)
class Findings:
    """What is found, as it is found: it grows while one graph is followed, and is then read."""

    output: str
    slots: dict[str, list[Spot]] = field(default_factory=dict)
    optional: dict[str, dict[str, Any]] = field(default_factory=dict)
    resizes: bool = False
    unplaced: list[str] = field(default_factory=list)
    """What has no slot though a request could want one, and why."""
    kept: list[str] = field(default_factory=list)
    """What stays as it was exported though it looks like something that a slot fills."""

    def place(self, slot: str, *spots: Spot | None) -> None:
        """Give a slot its places, if there are any."""
        if found := [spot for spot in spots if spot]:
            self.slots[slot] = found


def name_of(graph: Graph, node: str) -> str:
    """Return how a node is called in what people are told: its id and its title."""
    about = graph[node].get("_meta")
    title = about.get("title") if isinstance(about, dict) else None
    return f"node {node} '{title or graph[node]['class_type']}'"


def not_adoptable(why: str, hint: str) -> PlasmaError:
    """Return the error for a graph that no request could be made with."""
    return PlasmaError(Code.WORKFLOW_NOT_ADOPTABLE, why, hint)


def is_sampler(graph: Graph, node: str) -> bool:
    """Tell whether a node samples: it takes a latent, and noise or a seed for it."""
    inputs = inputs_of(graph, node)
    return "latent_image" in inputs and any(name in inputs for name in (*SEEDS, "noise"))


def guider_of(graph: Graph, sampler: str) -> str:
    """Return the node that holds what guides a sampler: a guider, or the sampler itself."""
    guider = source(graph, sampler, "guider")
    return guider.node if guider else sampler


def where(graph: Graph, nodes: list[str], name: str) -> Iterator[Spot]:
    """Yield the input of the first of some nodes that has it."""
    has = (node for node in nodes if node in graph and name in inputs_of(graph, node))
    yield from (Spot(node, name) for node in list(has)[:1])


def loaded(graph: Graph, givers: list[Source]) -> Spot | None:
    """Return where a Load Image node names its picture, if the last giver is one."""
    last = givers[-1].node if givers else ""
    is_loader = last and isinstance(inputs_of(graph, last).get("image"), str)
    return Spot(last, "image") if is_loader else None


def let_out(graph: Graph, part: str, node: str, inputs: tuple[str, ...], found: Findings) -> None:
    """Let a part be left out, if every output of its node that is used has an input to stand in."""
    linked = [name for name in inputs if is_link(inputs_of(graph, node).get(name))]
    bypass = {str(output): name for output, name in enumerate(linked)}
    used = {
        str(value[1])
        for other in graph.values()
        for value in other["inputs"].values()
        if is_link(value) and value[0] == node
    }
    if used <= bypass.keys():
        found.optional[part] = {"node": node, "bypass": bypass}
    else:
        found.kept.append(f"{name_of(graph, node)}, also when a request leaves [{part}] out")
