"""A graph's links are told from its values by their shape alone."""

import pytest

from plasma_watch.sandbox.graph import is_link, links, said


@pytest.mark.parametrize("value", [["4", 0], ["4", 1.0], ["4", -1]])
def test_id_with_slot_is_a_link(value: object) -> None:
    """Two entries, a text and a number."""
    assert is_link(value)


@pytest.mark.parametrize("value", [["4"], ["4", "0"], [4, 0], ["4", 0, 1], ("4", 0), "4", None])
def test_anything_else_is_a_value(value: object) -> None:
    """Wrong length, wrong types, or no list."""
    assert not is_link(value)


def test_links_keep_the_order_of_inputs() -> None:
    """Values between them are left out."""
    node = {"inputs": {"b": ["2", 1], "value": 5, "a": ["1", 0]}}

    assert links(node) == [("2", 1), ("1", 0)]


def test_list_says_nothing() -> None:
    """A client may send a list where an object belongs."""
    assert said([], "clear", 5) == 5
    assert said({"clear": True}, "clear") is True
