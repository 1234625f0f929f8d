"""What a running ticket says: to its client, to everyone, and to its history."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from plasma_watch.sandbox.faults import reported_type
from plasma_watch.sandbox.frames import Frame, told
from plasma_watch.sandbox.graph import Graph, Json


@dataclass(slots=True)
class Telling:
    """The voice of one ticket; it keeps what the history will show, and how far each node is."""

    prompt_id: str
    graph: Graph
    client: object
    """Who sent the ticket. Without a name most is said to nobody, some of it to everyone."""
    send: Callable[[Frame], None]
    now: Callable[[], object]
    """The time, as messages tell it."""
    messages: list[tuple[str, Json]] = field(default_factory=list)
    nodes: dict[str, Json] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    """The nodes that ran; those that were cached did not."""

    def began(self) -> None:
        """Say that the ticket begins."""
        self._message("execution_start")

    def cached(self, nodes: list[str]) -> None:
        """Say which nodes need not run."""
        self._message("execution_cached", nodes=nodes)

    def succeeded(self) -> None:
        """Say that all went well, which is said before it stands in the history."""
        self._message("execution_success")

    def interrupted(self, node_id: str) -> None:
        """Say that the ticket stopped at a node because it was asked to; everyone may hear it."""
        self._message("execution_interrupted", to_everyone=True, **self._at(node_id))

    def failed(self, node_id: str, inputs: Json, exc: Exception) -> None:
        """Say that a node failed, with what, and why."""
        self._message(
            "execution_error",
            **self._at(node_id),
            exception_message=f"{exc}\n",
            exception_type=reported_type(exc),
            traceback=traceback.format_tb(exc.__traceback__),
            current_inputs={name: [_shown(value)] for name, value in inputs.items()},
            current_outputs=list(self.graph),
        )

    def waits_for_itself(self, node_id: str) -> None:
        """Say that nodes wait for each other."""
        self._message(
            "execution_error",
            **self._at(node_id),
            exception_message="Dependency cycle detected",
            exception_type="graph.DependencyCycleError",
            traceback=[],
            current_inputs=[],
            current_outputs=list(self.graph),
        )

    def executing(self, node_id: str) -> None:
        """Say that a node is on."""
        self._note("executing", node=node_id, display_node=node_id)

    def executed(self, node_id: str, output: Json | None) -> None:
        """Say what a node shows; nothing when it was cached within the same graph."""
        self._note("executed", node=node_id, display_node=node_id, output=output)

    def started(self, node_id: str) -> None:
        """Say that a node begins."""
        self._progress(node_id, 0.0, 1.0, "running")

    def advanced(self, node_id: str, value: int, maximum: int) -> None:
        """Say how far a node is."""
        self._progress(node_id, value, maximum, "running")

    def counted(self, node_id: str, value: int, maximum: int) -> None:
        """Say how far a node is, in the older way."""
        step = {"value": value, "max": maximum, "prompt_id": self.prompt_id, "node": node_id}
        self.send(told("progress", step, self.client))

    def finished(self, node_id: str) -> None:
        """Say that a node is done, or need not run."""
        maximum = self.nodes.get(node_id, {"max": 1})["max"]
        self._progress(node_id, maximum, maximum, "finished")

    def origin(self, node_id: str) -> Json:
        """Tell where something comes from; a node made by another node would have a parent."""
        return {
            "node_id": node_id,
            "prompt_id": self.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }

    def _at(self, node_id: str) -> Json:
        class_type = self.graph[node_id]["class_type"]
        return {"node_id": node_id, "node_type": class_type, "executed": list(self.done)}

    def _message(self, event: str, *, to_everyone: bool = False, **data: object) -> None:
        kept = {"prompt_id": self.prompt_id, **data, "timestamp": self.now()}
        self.messages.append((event, kept))
        if self.client is not None or to_everyone:
            self.send(told(event, kept, self.client))

    def _note(self, event: str, **data: object) -> None:
        if self.client is not None:
            self.send(told(event, {**data, "prompt_id": self.prompt_id}, self.client))

    def _progress(self, node_id: str, value: float, maximum: float, state: str) -> None:
        now = {"value": value, "max": maximum, "state": state, **self.origin(node_id)}
        self.nodes[node_id] = now
        data = {"prompt_id": self.prompt_id, "nodes": self.nodes}
        self.send(told("progress_state", data, self.client))


def _shown(value: object) -> object:
    return value if value is None or isinstance(value, int | float | str) else str(value)
