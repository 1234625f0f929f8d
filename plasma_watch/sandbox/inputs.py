"""What a node takes: values from the graph, outputs of other nodes, and what nobody wrote down."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from plasma_watch.sandbox.catalog import PICTURE_INPUTS, inputs_of, takes_link
from plasma_watch.sandbox.folders import Folders
from plasma_watch.sandbox.graph import Graph, Json, Node, is_link

Made = tuple[object, ...]


def gather(node: Node, face: Json, made: Callable[[str], Made | None], hidden: Json) -> Json:
    """Collect what a node takes; values that it does not know are dropped, links are not."""
    known = inputs_of(face)
    inputs: Json = {}
    for name, value in node["inputs"].items():
        if is_link(value):
            inputs[name] = (made(value[0]) or ())[value[1]]
        elif name in known:
            inputs[name] = value
    return inputs | hidden


def hidden_inputs(graph: Graph, contents: Mapping[str, object], extra_data: Any) -> Json:  # noqa: ANN401
    """List what the nodes that save take without being linked to it.

    The engine writes what it found a loaded picture to hold into the graph that it saves.
    """
    noted = {node_id: {"is_changed": content} for node_id, content in contents.items()}
    saved = {node_id: node | noted.get(node_id, {}) for node_id, node in graph.items()}
    return {"prompt": saved, "extra_pnginfo": extra_data.get("extra_pnginfo")}


def refuse_unlinked(node: Node, face: Json) -> None:
    """Refuse a text in the place of a link: it passes the check, and trips the engine's nodes."""
    known = inputs_of(face)
    for name, value in node["inputs"].items():
        if name in known and takes_link(known[name][1]) and not is_link(value):
            raise TypeError("string indices must be integers, not 'str'")


def contents_of(graph: Graph, folders: Folders) -> dict[str, object]:
    """Name the content of every picture that a graph loads; what is not there is never the same."""
    return {
        node_id: _content(node["inputs"], folders)
        for node_id, node in graph.items()
        if (node["class_type"], "image") in PICTURE_INPUTS
    }


def _content(inputs: Json, folders: Folders) -> object:
    try:
        with open(folders.picture_file(inputs["image"]), "rb") as file:  # noqa: PTH123
            return [hashlib.file_digest(file, "sha256").hexdigest()]
    except (OSError, ValueError, AttributeError, KeyError):  # gone, or no name at all
        return float("nan")
