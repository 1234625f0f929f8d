"""What need not run again is told by names and inputs, never by ids."""

from copy import deepcopy

from plasma_watch.sandbox.cache import Kept, Shown, frozen, key_of
from plasma_watch.sandbox.graph import Graph

from .graphs import node, plain_picture, text_to_image

NONE: dict[str, object] = {}


def renamed(graph: Graph) -> Graph:
    """Give every node another id."""
    return {
        f"1{node_id}": node(
            each["class_type"],
            **{
                name: [f"1{value[0]}", value[1]] if isinstance(value, list) else value
                for name, value in each["inputs"].items()
            },
        )
        for node_id, each in graph.items()
    }


def test_ids_do_not_count() -> None:
    """The same graph under other ids is the same."""
    graph = text_to_image()

    assert key_of(graph, "9", NONE) == key_of(renamed(graph), "19", NONE)


def test_change_counts_for_all_that_comes_after() -> None:
    """And for nothing before."""
    one, other = text_to_image(seed=1), text_to_image(seed=2)
    same = {n for n in one if key_of(one, n, NONE) == key_of(other, n, NONE)}

    assert same == {"4", "5", "6", "7"}


def test_content_of_a_loaded_picture_counts() -> None:
    """Though its name is the same."""
    graph = {"1": node("LoadImage", image="ref.png")}

    assert key_of(graph, "1", {"1": ["aa"]}) != key_of(graph, "1", {"1": ["bb"]})


def test_what_is_not_there_is_never_the_same() -> None:
    """A node whose source is missing cannot be kept."""
    graph = {"1": node("VAEDecode", samples=["99", 0])}

    assert key_of(graph, "1", NONE) != key_of(graph, "1", NONE)


def test_number_that_is_none_is_never_the_same() -> None:
    """Each request brings its own."""
    one, other = (text_to_image(denoise=float("nan")) for _ in range(2))

    assert key_of(one, "3", NONE) != key_of(other, "3", NONE)


def test_value_of_any_shape_can_be_a_key() -> None:
    """Objects and lists, however deep."""
    assert hash(frozen({"a": [1, {"b": 2}]})) == hash(frozen({"a": [1, {"b": 2}]}))


def test_only_the_last_graph_is_kept() -> None:
    """What it does not use is forgotten."""
    kept = Kept()
    one, other = plain_picture(color=1), plain_picture(color=2)
    for graph in (one, other, one):
        kept.take_up(graph, NONE)
        assert kept.cached(graph) == []
        kept.keep("1", ("picture",))
    kept.take_up(one, NONE)

    assert kept.cached(one) == ["1"]
    assert kept.made("1") == ("picture",)


def test_what_was_shown_is_kept_under_the_old_id() -> None:
    """A client is told of the old file."""
    kept = Kept()
    graph = plain_picture()
    kept.take_up(graph, NONE)
    kept.show("2", Shown({"images": []}, {"node_id": "2"}))
    kept.take_up(renamed(graph), NONE)

    assert kept.seen("12") == Shown({"images": []}, {"node_id": "2"})
    assert kept.seen("11") is None


def test_node_remembers_while_it_is_in_every_graph() -> None:
    """By id and class: another class under its id starts anew."""
    kept = Kept()
    graph = plain_picture()
    kept.take_up(graph, NONE)
    kept.memory("2", "SaveImage")["letters"] = "abc"
    kept.take_up(graph, NONE)
    assert kept.memory("2", "SaveImage") == {"letters": "abc"}
    other = deepcopy(graph)
    other["2"]["class_type"] = "PreviewImage"
    kept.take_up(other, NONE)
    kept.take_up(graph, NONE)

    assert kept.memory("2", "SaveImage") == {}
