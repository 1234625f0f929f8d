"""May this graph run? It answers from values alone.

The engine checks only what leads to an output, makes numbers and texts of what can be made so, and
runs the good outputs even when others are bad: a 200 may carry errors.
"""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from plasma_watch.sandbox import reasons
from plasma_watch.sandbox.catalog import MAKERS, PICTURE_INPUTS, inputs_of
from plasma_watch.sandbox.graph import Graph, Json

LINK_PARTS = 2


class Faces(Protocol):
    """Where the checker looks a node up."""

    def __contains__(self, class_type: object) -> bool:
        """Tell whether there is such a node."""

    def face(self, class_type: str) -> Json:
        """Show it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may run, and what is wrong with the rest."""

    graph: Graph
    """With its values as the nodes will get them."""
    outputs: tuple[str, ...] = ()
    error: Json | None = None
    node_errors: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A node that was checked: it may be bad without a reason of its own."""

    good: bool
    reasons: tuple[Json, ...] = ()


def validate(
    graph: Graph,
    faces: Faces,
    picture_exists: Callable[[str], bool],
    targets: Collection[str] | None = None,
) -> Verdict:
    """Decide which outputs of a graph may run.

    What is not even a graph raises whatever Python raises: the engine answers that with a 500.
    """
    outputs: list[str] = []
    for node_id in graph:
        error = _unknown(graph, node_id, faces)
        if error:
            return Verdict(graph, error=error)
        is_output = faces.face(graph[node_id]["class_type"])["output_node"]
        if is_output and (targets is None or node_id in targets):
            outputs.append(node_id)
    if not outputs:
        return Verdict(graph, error=reasons.refusal("prompt_no_outputs", "Prompt has no outputs"))
    return _judge(_Checker(copy.deepcopy(graph), faces, picture_exists), outputs)


def _unknown(graph: Graph, node_id: str, faces: Faces) -> Json | None:
    if "class_type" not in graph[node_id]:
        message = "Cannot execute because a node is missing the class_type property."
    elif (class_type := graph[node_id]["class_type"]) not in faces:
        message = f"Cannot execute because node {class_type} does not exist."
    else:
        return None
    return reasons.refusal("invalid_prompt", message, f"Node ID '#{node_id}'")


def _judge(checker: "_Checker", outputs: list[str]) -> Verdict:
    good: list[str] = []
    told: list[str] = []
    node_errors: Json = {}
    for output in outputs:
        finding = checker.output(output)
        if finding.good:
            good.append(output)
        else:
            told += [f"{reason['message']}: {reason['details']}" for reason in finding.reasons]
            checker.blame(output, node_errors)
    return Verdict(checker.graph, tuple(good), None if good else _all_bad(told), node_errors)


def _all_bad(told: list[str]) -> Json:
    kind, message = "prompt_outputs_failed_validation", "Prompt outputs failed validation"
    return reasons.refusal(kind, message, "\n".join(told))


class _Checker:
    """Walks from an output to all that it needs; keeps what it found, for outputs share nodes."""

    def __init__(self, graph: Graph, faces: Faces, picture_exists: Callable[[str], bool]) -> None:
        self.graph = graph
        self._faces = faces
        self._picture_exists = picture_exists
        self._found: dict[str, Finding] = {}
        self._path: list[str] = []

    def output(self, node_id: str) -> Finding:
        """Check an output and all that it needs."""
        try:
            return self._node(node_id)
        except Exception as exc:  # noqa: BLE001 - a check that breaks down is a finding
            self._path.clear()
            return self._keep(node_id, good=False, found=[reasons.output_crashed(exc)])

    def blame(self, output: str, node_errors: Json) -> None:
        """Note every node found bad so far as in the way of this output, as the engine does."""
        for node_id, finding in self._found.items():
            if finding.reasons:
                entry = node_errors.setdefault(node_id, self._entry(node_id, finding))
                entry["dependent_outputs"].append(output)

    def _entry(self, node_id: str, finding: Finding) -> Json:
        class_type = self.graph[node_id]["class_type"]
        return {
            "errors": list(finding.reasons),
            "dependent_outputs": [],
            "class_type": class_type,
        }

    def _node(self, node_id: str) -> Finding:
        if node_id in self._found:
            return self._found[node_id]
        inputs = self.graph[node_id]["inputs"]
        class_type = self.graph[node_id]["class_type"]
        self._path.append(node_id)
        found: list[Json] = []
        good = True
        for name, (group, description) in inputs_of(self._faces.face(class_type)).items():
            if name not in inputs:
                found += [reasons.missing(name)] if group == "required" else []
            elif isinstance(inputs[name], list):
                good &= self._link(name, description, inputs[name], found)
            else:
                found += _value(class_type, name, description, inputs)
        found += self._picture(class_type, inputs)
        self._path.pop()
        return self._keep(node_id, good=good and not found, found=found)

    def _keep(self, node_id: str, *, good: bool, found: list[Json]) -> Finding:
        self._found[node_id] = Finding(good, tuple(found))
        return self._found[node_id]

    def _link(self, name: str, description: list[Any], link: list[Any], found: list[Json]) -> bool:
        if len(link) != LINK_PARTS:
            found.append(reasons.bad_link(name, description, link))
            return False
        source, slot = link
        received = tuple(self._faces.face(self.graph[source]["class_type"])["output"])[slot]
        if not _fits(received, description[0]):
            found.append(reasons.mismatch(name, description, link, received))
            return False
        # The engine runs into its recursion limit here and forgets why: bad, without a reason.
        return source not in self._path and self._source(name, description, link)

    def _source(self, name: str, description: list[Any], link: list[Any]) -> bool:
        depth = len(self._path)
        try:
            return self._node(link[0]).good
        except Exception as exc:  # noqa: BLE001 - a check that breaks down is a finding
            del self._path[depth:]
            reason = reasons.source_crashed(name, description, link, exc)
            return self._keep(link[0], good=False, found=[reason]).good

    def _picture(self, class_type: str, inputs: Json) -> list[Json]:
        if (class_type, "image") not in PICTURE_INPUTS:
            return []
        if "image" not in inputs:
            # The engine calls its rule without the argument.
            rule = f"{class_type}.VALIDATE_INPUTS()"
            raise TypeError(f"{rule} missing 1 required positional argument: 'image'")
        # A link has no value yet; the engine asks all the same and trips over the None.
        image: Any = None if isinstance(inputs["image"], list) else inputs["image"]
        return [] if self._picture_exists(image) else [reasons.no_such_picture("image", image)]


def _value(class_type: str, name: str, description: list[Any], inputs: Json) -> list[Json]:
    kind = description[0]
    value = inputs[name]
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    try:
        value = value if isinstance(kind, list) else MAKERS.get(kind, _as_is)(value)
    except Exception as exc:  # noqa: BLE001 - a client may send anything
        return [reasons.not_a(kind, name, description, value, exc)]
    inputs[name] = value
    # A picture has a rule of its own in place of the list.
    return [] if (class_type, name) in PICTURE_INPUTS else _range(name, description, value)


def _range(name: str, description: list[Any], value: Any) -> list[Json]:  # noqa: ANN401
    kind, extra = reasons.config(description)
    if "min" in extra and value < extra["min"]:
        return [reasons.too_small(name, description, value)]
    if "max" in extra and value > extra["max"]:
        return [reasons.too_big(name, description, value)]
    if isinstance(kind, list) and value not in kind:
        return [reasons.not_in_list(name, description, value)]
    return []


def _fits(received: object, wanted: object) -> bool:
    if received == wanted:
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    return not _kinds(received).isdisjoint(_kinds(wanted))


def _kinds(text: str) -> set[str]:
    return {kind.strip() for kind in text.split(",")}


def _as_is(value: object) -> object:
    return value
