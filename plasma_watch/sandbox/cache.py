"""What need not run again: the engine keeps what the last graph used, by name and inputs.

A key tells what a node would make: its class, its values, and the same of all that it takes.
Node ids do not count, and neither do the contents of model files: only their names are inputs.
Pictures that are loaded are the exception; their content is part of the key.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plasma_watch.sandbox.graph import Graph, Json, is_link


@dataclass(frozen=True, slots=True)
class Shown:
    """What an output node shows to clients."""

    output: Json
    meta: Json


@dataclass(slots=True)
class Kept:
    """What earlier graphs left behind; it changes because that is what a cache is for."""

    outputs: dict[Hashable, tuple[object, ...]] = field(default_factory=dict)
    shown: dict[Hashable, Shown] = field(default_factory=dict)
    memories: dict[tuple[str, str], Json] = field(default_factory=dict)
    """What a node of this id and class remembers between graphs, as the engine's objects do."""
    keys: dict[str, Hashable] = field(default_factory=dict)

    def take_up(self, graph: Graph, contents: Mapping[str, object]) -> None:
        """Begin a graph: forget all that it does not use."""
        self.keys = {node_id: key_of(graph, node_id, contents) for node_id in graph}
        used = set(self.keys.values())
        self.outputs = {key: made for key, made in self.outputs.items() if key in used}
        self.shown = {key: shown for key, shown in self.shown.items() if key in used}
        names = {(node_id, node["class_type"]) for node_id, node in graph.items()}
        self.memories = {name: held for name, held in self.memories.items() if name in names}

    def made(self, node_id: str) -> tuple[object, ...] | None:
        """Give what a node made before, if it is still the same."""
        return self.outputs.get(self.keys[node_id])

    def holds(self, node_id: str) -> bool:
        """Tell whether a node need not run."""
        return self.made(node_id) is not None

    def keep(self, node_id: str, made: tuple[object, ...]) -> None:
        """Keep what a node made."""
        self.outputs[self.keys[node_id]] = made

    def seen(self, node_id: str) -> Shown | None:
        """Give what a node showed before, if it is still the same."""
        return self.shown.get(self.keys[node_id])

    def show(self, node_id: str, shown: Shown) -> None:
        """Keep what a node shows."""
        self.shown[self.keys[node_id]] = shown

    def memory(self, node_id: str, class_type: str) -> Json:
        """Give what this node may remember until a graph comes without it."""
        return self.memories.setdefault((node_id, class_type), {})

    def cached(self, node_ids: Iterable[str]) -> list[str]:
        """List the nodes that need not run."""
        return [node_id for node_id in node_ids if self.holds(node_id)]


def key_of(graph: Graph, node_id: str, contents: Mapping[str, object]) -> Hashable:
    """Describe what a node makes: itself, then all that it needs, each once and in order."""
    needed: dict[str, int] = {}
    _gather(graph, node_id, needed)
    return tuple(_describe(graph, each, needed, contents) for each in (node_id, *needed))


def frozen(value: object) -> Hashable:
    """Make a value from JSON hashable."""
    if isinstance(value, Mapping):
        return frozenset((key, frozen(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return tuple(frozen(inner) for inner in value)
    return value


def _gather(graph: Graph, node_id: str, needed: dict[str, int]) -> None:
    for source, _ in _by_name(graph, node_id, is_link):
        if source not in needed:
            needed[source] = len(needed)
            _gather(graph, source, needed)


def _by_name(graph: Graph, node_id: str, wanted: Callable[[object], bool]) -> list[Any]:
    inputs = graph[node_id]["inputs"] if node_id in graph else {}
    return [inputs[name] for name in sorted(inputs) if wanted(inputs[name])]


def _describe(
    graph: Graph, node_id: str, needed: Mapping[str, int], contents: Mapping[str, object]
) -> Hashable:
    if node_id not in graph:
        return float("nan")  # unlike anything: what is not there is never the same again
    node = graph[node_id]
    inputs = [
        (name, ("needs", needed[value[0]], value[1]) if is_link(value) else frozen(value))
        for name, value in sorted(node["inputs"].items())
    ]
    return (node["class_type"], frozen(contents.get(node_id)), tuple(inputs))
