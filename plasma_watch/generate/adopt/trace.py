"""Follows links through a graph, against the flow: from what takes to what gives. Pure.

Nodes are known by what they take more than by what they are called: whatever has a latent and a
seed samples, whatever has a text and a text encoder encodes it. So packs that are not known here
are followed too, as far as they call things as ComfyUI itself does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plasma_watch.generate.template import Graph, is_link

PASSING = frozenset({"Reroute", "Reroute (rgthree)", "ReroutePrimitive|pysssss"})
"""What only hands on what it is given."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One input of one node, where a slot may lead."""

    node: str
    name: str

    @property
    def target(self) -> str:
        """As a slot map writes it."""
        return f"{self.node}.{self.name}"


@dataclass(frozen=True, slots=True)
class Source:
    """One output of one node."""

    node: str
    output: int


def inputs_of(graph: Graph, node: str) -> dict[str, Any]:
    """Return a node's inputs."""
    inputs: dict[str, Any] = graph[node]["inputs"]
    return inputs


def source(graph: Graph, node: str, name: str) -> Source | None:
    """Return what an input is linked to, past whatever only hands it on; None for a value."""
    seen: set[str] = set()
    value = inputs_of(graph, node).get(name)
    while is_link(value):
        giver = str(value[0])
        if giver not in graph or giver in seen:
            return None
        if graph[giver]["class_type"] not in PASSING:
            return Source(giver, int(value[1]))
        seen.add(giver)
        value = next((v for v in inputs_of(graph, giver).values() if is_link(v)), None)
    return None


def first_source(graph: Graph, node: str, names: Sequence[str]) -> Source | None:
    """Return what the first of some inputs is linked to that is linked at all."""
    found = (source(graph, node, name) for name in names)
    return next((giver for giver in found if giver), None)


def upstream(graph: Graph, *starts: str) -> list[str]:
    """Return the nodes that lead to some nodes, these first, then the nearest."""
    found: dict[str, None] = {}
    ahead = [start for start in starts if start in graph]
    while ahead:
        node = ahead.pop(0)
        if node not in found:
            found[node] = None
            links = (value for value in inputs_of(graph, node).values() if is_link(value))
            ahead += [value[0] for value in links if value[0] in graph]
    return list(found)


def chain(graph: Graph, giver: Source | None, names: Sequence[str]) -> Iterator[Source]:
    """Yield a giver, what feeds the first of its named inputs, and so on to the beginning."""
    seen: set[str] = set()
    while giver and giver.node not in seen:
        seen.add(giver.node)
        yield giver
        giver = first_source(graph, giver.node, names)


def with_input(graph: Graph, givers: Iterator[Source], name: str) -> str | None:
    """Return the first of some givers that has an input of a name."""
    return next((giver.node for giver in givers if name in inputs_of(graph, giver.node)), None)


def value_at(graph: Graph, spot: Spot, kinds: tuple[type, ...]) -> Any:  # noqa: ANN401 - one of the kinds
    """Return the value that an input has, or has by a link to a node that holds just one.

    None where it is computed, or is of another kind.
    """
    seen: set[str] = set()
    value, node = inputs_of(graph, spot.node).get(spot.name), spot.node
    while is_link(value) and node not in seen:
        seen.add(node)
        node = str(value[0])
        given = inputs_of(graph, node) if node in graph else {}
        value = _only(given, kinds)
    return value if _is_of(value, kinds) else None


def _only(inputs: Mapping[str, Any], kinds: tuple[type, ...]) -> Any:  # noqa: ANN401 - an input's value
    """Return the only value of some kinds among inputs, or their only link; else nothing."""
    plain = [value for value in inputs.values() if _is_of(value, kinds)]
    links = [value for value in inputs.values() if is_link(value)]
    if len(plain) == 1 and not links:
        return plain[0]
    return links[0] if len(links) == 1 and not plain else None


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)
