"""A graph as it travels: nodes by id, each with a class and its inputs. It knows no engine."""

from typing import Any, TypeAlias, TypeGuard

Json: TypeAlias = dict[str, Any]
Node: TypeAlias = dict[str, Any]
Graph: TypeAlias = dict[str, Node]


def said(body: Any, key: str, default: object = None) -> Any:  # noqa: ANN401 - from a client
    """Look up what a client sent, which may be a list: that says nothing at all."""
    return body[key] if key in body else default  # noqa: SIM401 - a list has no get


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Tell whether an input takes another node's output: `["4", 0]`."""
    return (
        isinstance(value, list)
        and len(value) == 2  # noqa: PLR2004 - node id and slot
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
    )


def links(node: Node) -> list[tuple[str, Any]]:
    """List the outputs that a node takes, in the order of its inputs."""
    return [(value[0], value[1]) for value in node["inputs"].values() if is_link(value)]
