"""Links are followed against the flow."""

from __future__ import annotations

from typing import Any

import pytest

from plasma_watch.generate.adopt.trace import Source, Spot, chain, source, upstream, value_at
from plasma_watch.generate.template import Graph
from tests.fakes.blueprints import node


def linked(**nodes: dict[str, Any]) -> Graph:
    """Return a graph of nodes by name."""
    return dict(nodes)


def test_source_is_found_past_what_hands_on() -> None:
    """Old exports have such nodes."""
    graph = linked(
        a=node("Loader"),
        r={"class_type": "Reroute", "inputs": {"": ["a", 2]}},
        s={"class_type": "Reroute (rgthree)", "inputs": {"": ["r", 0]}},
        b=node("Taker", model=["s", 0], plain=3),
    )

    assert source(graph, "b", "model") == Source("a", 2)
    assert source(graph, "b", "plain") is None
    assert source(graph, "b", "nothing") is None


@pytest.mark.parametrize(
    "given",
    [
        node("Reroute"),
        {"class_type": "Reroute", "inputs": {"": ["r", 0]}},
        {"class_type": "Reroute", "inputs": {"": ["gone", 0]}},
    ],
)
def test_what_leads_nowhere_has_no_source(given: dict[str, Any]) -> None:
    """A loose end, a circle, a node that is not there."""
    graph = linked(r=given, b=node("Taker", model=["r", 0]))

    assert source(graph, "b", "model") is None


def test_nearest_come_first() -> None:
    """Each once, also in circles."""
    graph = linked(
        a=node("A", x=["c", 0]),
        b=node("B", x=["a", 0], y=["d", 0], z=["gone", 0]),
        c=node("C", x=["b", 0]),
        d=node("D"),
    )

    assert upstream(graph, "b") == ["b", "a", "d", "c"]
    assert upstream(graph, "gone") == []


def test_chain_ends_where_it_came_from() -> None:
    """And at the beginning."""
    graph = linked(a=node("A", model=["b", 0]), b=node("B", model=["a", 0]))

    assert [giver.node for giver in chain(graph, Source("a", 0), ("model",))] == ["a", "b"]
    assert list(chain(graph, None, ("model",))) == []


VALUES: list[tuple[dict[str, Any], Any]] = [
    ({"value": 7}, 7),
    ({"value": 7, "mode": "fixed"}, 7),
    ({"a": 7, "b": 8}, None),
    ({"a": 7, "b": ["n", 0]}, None),
    ({"value": True}, None),
    ({"value": "7"}, None),
    ({}, None),
    ({"x": ["p", 0]}, 9),
]


@pytest.mark.parametrize(("inputs", "value"), VALUES)
def test_value_behind_a_link_is_read_where_there_is_just_one(
    inputs: dict[str, Any], value: int | None
) -> None:
    """What is computed is not guessed."""
    graph = linked(
        n=node("Number", **inputs), p=node("PrimitiveInt", value=9), s=node("S", seed=["n", 0])
    )

    assert value_at(graph, Spot("s", "seed"), (int,)) == value


def test_value_at_its_place_is_read() -> None:
    """And one that hangs in a circle is none."""
    graph = linked(s=node("S", seed=3), c=node("C", seed=["c", 0]), g=node("G", seed=["gone", 0]))

    assert value_at(graph, Spot("s", "seed"), (int,)) == 3
    assert value_at(graph, Spot("c", "seed"), (int,)) is None
    assert value_at(graph, Spot("g", "seed"), (int,)) is None
