"""The order of a graph: sources first, and of these what leads to a picture soonest."""

from collections.abc import Collection

from plasma_watch.sandbox.graph import Graph
from plasma_watch.sandbox.plan import plan

from .graphs import node, text_to_image


def order(
    graph: Graph,
    targets: Collection[str] = ("9",),
    outputs: Collection[str] = ("9",),
    cached: Collection[str] = (),
) -> list[str]:
    """Run a plan to its end."""
    waiting = plan(graph, targets, outputs, cached.__contains__)
    done: list[str] = []
    while (node_id := waiting.pick()) is not None:
        waiting.done(node_id)
        done.append(node_id)
    return done


def test_sources_come_first() -> None:
    """In the order in which the real engine was recorded to run this graph."""
    assert order(text_to_image()) == ["4", "5", "7", "6", "3", "8", "9"]


def test_what_is_cached_is_left_out() -> None:
    """With all that only it needs."""
    assert order(text_to_image(), cached=["4", "5", "6", "7"]) == ["3", "8", "9"]


def test_cached_output_is_still_planned() -> None:
    """For it has to be shown."""
    assert order(text_to_image(), cached=["8", "9"]) == ["9"]


def test_only_what_targets_need_is_planned() -> None:
    """A node beside them does not run."""
    graph = text_to_image() | {"20": node("EmptyImage")}

    assert "20" not in order(graph)


def test_output_comes_as_soon_as_it_can() -> None:
    """A picture that is ready is shown before another is worked on."""
    graph = {
        "1": node("EmptyImage"),
        "2": node("SaveImage", images=["1", 0]),
        "4": node("ImageScale", image=["1", 0]),
        "5": node("SaveImage", images=["4", 0]),
    }

    assert order(graph, ["5", "2"], ["5", "2"]) == ["1", "2", "4", "5"]


def test_what_an_output_waits_for_goes_before_the_rest() -> None:
    """At first hand."""
    graph = {
        "1": node("EmptyImage"),
        "2": node("ImageScale", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0]),
        "4": node("EmptyImage"),
        "5": node("SaveImage", images=["4", 0]),
    }

    assert order(graph, ["3", "5"], ["3", "5"]) == ["4", "5", "1", "2", "3"]


def test_then_goes_what_an_output_waits_for_at_second_hand() -> None:
    """A VAE is loaded before a checkpoint that is needed earlier."""
    graph = {
        "9": node("SaveImage", images=["8", 0]),
        "8": node("VAEDecode", vae=["5", 0], samples=["3", 0]),
        "3": node("KSampler", model=["4", 0]),
        "4": node("CheckpointLoaderSimple"),
        "5": node("VAELoader"),
    }

    assert order(graph) == ["5", "4", "3", "8", "9"]


def test_two_links_to_one_source_wait_once() -> None:
    """It is done when it is done."""
    graph = {"1": node("EmptyImage"), "9": node("X", a=["1", 0], b=["1", 0])}

    assert order(graph) == ["1", "9"]


def test_nodes_that_wait_for_each_other_are_never_picked() -> None:
    """Nothing is ready, and all still wait."""
    graph = {"1": node("X", a=["9", 0]), "9": node("X", a=["1", 0])}
    waiting = plan(graph, ["9"], ["9"], lambda _: False)

    assert waiting.pick() is None
    assert set(waiting.waits) == {"1", "9"}
