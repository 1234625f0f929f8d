"""From a file to a graph: an API export, a picture that ComfyUI made, or a reason why it is none.

The graph is kept as it was exported; only what is wrapped around it is taken off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.template import Graph, read_graph
from plasma_watch.outputs.picture import PNG_SIGNATURE, texts

_WRAPPINGS = ("prompt", "output")
"""Keys under which programs keep a graph: a body for `POST /prompt`, the editor's own pair."""


@dataclass(frozen=True, slots=True)
class Export:
    """A graph, and the bytes that hold it and nothing else."""

    graph: Graph
    content: bytes


def read_export(content: bytes, subject: str) -> Export:
    """Read an exported workflow.

    Raises PlasmaError `workflow.broken` that says what the file is instead, and the way out.
    """
    if content.startswith(PNG_SIGNATURE):
        content = _from_picture(content, subject)
    bare = _unwrapped(content)
    return Export(read_graph(subject, bare), bare)


def _from_picture(content: bytes, subject: str) -> bytes:
    found = texts(content)
    if "prompt" in found:
        return found["prompt"].encode()
    if "workflow" in found:
        said = f"{subject} carries the editor's format only"
        hint = "Drag it into ComfyUI's editor and choose Workflow > Export (API)."
        raise PlasmaError(Code.WORKFLOW_BROKEN, said, hint)
    raise PlasmaError(
        Code.WORKFLOW_BROKEN,
        f"{subject} carries no workflow",
        "It was not made by ComfyUI, or another program took its texts out.",
    )


def _unwrapped(content: bytes) -> bytes:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return content
    for key in _WRAPPINGS:
        inner = found.get(key) if isinstance(found, dict) else None
        if _is_graph(inner):
            return (json.dumps(inner, indent=2, ensure_ascii=False) + "\n").encode()
    return content


def _is_graph(found: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Tell a graph from a node that is called like a wrapping, and from anything else."""
    return (
        isinstance(found, dict)
        and bool(found)
        and all(isinstance(node, dict) and "class_type" in node for node in found.values())
    )
