"""In which order a graph runs: what is ready, and of that what leads to a picture soonest."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from plasma_watch.sandbox.graph import Graph, links


@dataclass(slots=True)
class Plan:
    """The nodes still to run; it shrinks with each that is done."""

    graph: Graph
    outputs: Collection[str]
    """Every node that shows something, asked for or not."""
    waits: dict[str, set[str]] = field(default_factory=dict)
    """What each node still waits for; in the order in which they were found."""
    feeds: dict[str, list[str]] = field(default_factory=dict)
    """Whom each node keeps waiting."""

    def pick(self) -> str | None:
        """Choose the next: an output, else what an output waits for, at first or second hand.

        None says that all wait for each other.
        """
        ready = [node_id for node_id, waits in self.waits.items() if not waits]
        for distance in range(3):
            for node_id in ready:
                if self._reaches_output(node_id, distance):
                    return node_id
        return ready[0] if ready else None

    def done(self, node_id: str) -> None:
        """Strike a node off."""
        del self.waits[node_id]
        for fed in self.feeds.pop(node_id):
            self.waits[fed].discard(node_id)

    def _reaches_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            return node_id in self.outputs
        return any(self._reaches_output(fed, distance - 1) for fed in self.feeds[node_id])


def plan(
    graph: Graph,
    targets: Iterable[str],
    outputs: Collection[str],
    is_cached: Callable[[str], bool],
) -> Plan:
    """Plan what the targets need, leaving out what is cached behind them."""
    made = Plan(graph, outputs)
    for target in targets:
        _add(made, target, is_cached)
    return made


def _add(made: Plan, target: str, is_cached: Callable[[str], bool]) -> None:
    found: list[tuple[str, str]] = []
    stack = [target]
    while stack:
        node_id = stack.pop()
        if node_id in made.waits:
            continue
        made.waits[node_id] = set()
        made.feeds[node_id] = []
        sources = [source for source, _ in links(made.graph[node_id]) if not is_cached(source)]
        stack += sources
        found += [(source, node_id) for source in sources]
    for source, node_id in found:
        _join(made, source, node_id)


def _join(made: Plan, source: str, node_id: str) -> None:
    if node_id not in made.feeds[source]:
        made.feeds[source].append(node_id)
        made.waits[node_id].add(source)
