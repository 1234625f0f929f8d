"""One ticket from start to end: what runs, what is told, what is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.sandbox.cache import Kept
from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.executor import Run
from plasma_watch.sandbox.folders import Folders, prepare
from plasma_watch.sandbox.frames import Frame
from plasma_watch.sandbox.graph import Graph
from plasma_watch.sandbox.interrupt import Interrupt
from plasma_watch.sandbox.mischief.script import Script
from plasma_watch.sandbox.surroundings import Stage, Surroundings
from plasma_watch.sandbox.tickets import Outcome, Ticket

from .graphs import node, plain_picture, text_to_image


class Theatre:
    """A place to run tickets in, with ears everywhere."""

    def __init__(self, base: Path, *, previews: bool = False, informed: bool = False) -> None:
        prepare(Folders(base))
        self.sent: list[Frame] = []
        self.stages: list[tuple[object, str | None]] = []
        self.hear: Callable[[Frame], None] = lambda _: None
        self.kept = Kept()
        self.around = Surroundings(
            Catalog(Folders(base)),
            Interrupt(),
            Stage(),
            self._send,
            lambda _: informed,
            0.0,
            previews,
            Script(),
            lambda: None,
        )

    def _send(self, frame: Frame) -> None:
        self.sent.append(frame)
        self.stages.append((self.around.stage.client, self.around.stage.node))
        self.hear(frame)

    def run(
        self, graph: Graph, *outputs: str, client: str | None = "c1", **extra: object
    ) -> Outcome:
        """Run a graph."""
        self.sent.clear()
        extra |= {"client_id": client} if client else {}
        return Run(Ticket(0, "p1", graph, extra, outputs), self.around, self.kept).to_end()

    def told(self) -> list[str]:
        """Tell the story in short."""
        return [word for frame in self.sent for word in in_short(frame)]


def in_short(frame: Frame) -> list[str]:
    """Name a frame, and its node or nodes where it is about some."""
    if not isinstance(frame.body, str):
        return [f"preview {frame.event}"]
    data: dict[str, Any] = json.loads(frame.body)["data"]
    if frame.event == "progress_state":
        return []
    about = data.get("node", data.get("node_id", data.get("nodes")))
    return [f"{frame.event} {about}" if about is not None else f"{frame.event}"]


@pytest.fixture
def theatre(tmp_path: Path) -> Theatre:
    """Give one over a base directory that was just made."""
    return Theatre(tmp_path)


FIRST = [
    "execution_start",
    "execution_cached []",
    "executing 4",
    "executing 5",
    "executing 7",
    "executing 6",
    "executing 3",
    "progress 3",
    "progress 3",
    "executing 8",
    "executing 9",
    "executed 9",
    "execution_success",
]


def test_first_time_everything_runs(theatre: Theatre) -> None:
    """In order, each node after what it needs."""
    outcome = theatre.run(text_to_image(), "9")

    assert theatre.told() == FIRST
    assert outcome.success
    assert [event for event, _ in outcome.messages] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert outcome.outputs["9"]["images"][0]["filename"] == "cat_00001_.png"
    assert outcome.meta["9"]["real_node_id"] == "9"


def test_second_time_only_the_old_picture_is_shown(theatre: Theatre) -> None:
    """Nothing runs, and no new file is made."""
    first = theatre.run(text_to_image(), "9")
    second = theatre.run(text_to_image(), "9")

    assert theatre.told() == [
        "execution_start",
        "execution_cached ['4', '5', '6', '7', '3', '8', '9']",
        "executed 9",
        "execution_success",
    ]
    assert first.outputs == second.outputs


def test_new_seed_runs_from_the_sampler_on(theatre: Theatre) -> None:
    """All before it is kept."""
    theatre.run(text_to_image(), "9")
    theatre.run(text_to_image(seed=2), "9")

    assert theatre.told()[1:3] == ["execution_cached ['4', '5', '6', '7']", "executing 3"]


def test_same_node_twice_runs_once(theatre: Theatre) -> None:
    """The second shows nothing, but is said to be done."""
    graph = plain_picture() | {
        "3": node("EmptyImage", color=5, width=64, height=64, batch_size=1),
        "4": node("SaveImage", filename_prefix="other", images=["3", 0]),
    }
    theatre.run(graph, "2", "4")
    output = json.loads(next(f.body for f in theatre.sent if in_short(f) == ["executed 3"]))

    assert theatre.told().count("executing 1") == 1
    assert "executing 3" not in theatre.told()
    assert output["data"]["output"] is None


def test_fault_ends_the_ticket_alone(theatre: Theatre) -> None:
    """What was shown before it stays, and the next ticket runs."""
    graph = plain_picture() | {
        "4": node("SaveImage", filename_prefix="../../evil", images=["1", 0])
    }
    outcome = theatre.run(graph, "2", "4")
    again = theatre.run(plain_picture(), "2")

    assert not outcome.success
    assert outcome.messages[-1][0] == "execution_error"
    assert outcome.messages[-1][1]["executed"] == ["1", "2"]
    assert list(outcome.outputs) == ["2"]
    assert again.success


def test_text_in_the_place_of_a_link_is_a_fault(theatre: Theatre) -> None:
    """Of the node that was to take it."""
    graph = text_to_image()
    graph["8"]["inputs"]["samples"] = "3"
    outcome = theatre.run(graph, "9")

    assert outcome.messages[-1][1]["node_id"] == "8"
    assert outcome.messages[-1][1]["exception_type"] == "TypeError"


def test_unknown_link_is_a_fault(theatre: Theatre) -> None:
    """A node does not know what to do with it."""
    graph = text_to_image()
    graph["3"]["inputs"]["mystery"] = ["7", 0]

    assert "unexpected keyword" in theatre.run(graph, "9").messages[-1][1]["exception_message"]


def test_nodes_that_wait_for_each_other_are_told(theatre: Theatre) -> None:
    """By links that nobody checked."""
    graph = plain_picture()
    graph["1"]["inputs"]["mystery"] = ["2", 0]
    outcome = theatre.run(graph, "2")

    assert outcome.messages[-1][1]["exception_type"] == "graph.DependencyCycleError"


def test_interrupt_falls_between_two_steps(theatre: Theatre) -> None:
    """The step that was begun is not told."""
    theatre.hear = ask_after(theatre, "progress")
    outcome = theatre.run(text_to_image(steps=50), "9")

    assert theatre.told()[-2:] == ["progress 3", "execution_interrupted 3"]
    assert not outcome.success
    assert outcome.messages[-1][0] == "execution_interrupted"


def test_interrupt_falls_before_a_node(theatre: Theatre) -> None:
    """Which was said to run, but does not."""
    theatre.hear = ask_after(theatre, "executing")
    theatre.run(plain_picture(), "2")

    assert theatre.told()[-2:] == ["executing 1", "execution_interrupted 1"]


def test_interrupt_during_the_last_node_comes_too_late(theatre: Theatre) -> None:
    """And spares the next ticket."""
    theatre.hear = ask_after(theatre, "executed")

    assert theatre.run(plain_picture(1), "2").success
    assert theatre.run(plain_picture(2), "2").success


def ask_after(theatre: Theatre, event: str) -> Callable[[Frame], None]:
    """Interrupt when a frame is heard."""

    def hear(frame: Frame) -> None:
        if frame.event == event:
            theatre.around.interrupt.ask()

    return hear


def test_stage_shows_the_node_that_is_on(theatre: Theatre) -> None:
    """For a client that comes back; nothing when all is over."""
    theatre.run(plain_picture(), "2")

    assert ("c1", "1") in theatre.stages
    assert (theatre.around.stage.client, theatre.around.stage.node) == ("c1", None)


def test_stage_stays_empty_without_a_client(theatre: Theatre) -> None:
    """Nobody could come back."""
    theatre.run(plain_picture(), "2", client=None)

    assert {node_id for _, node_id in theatre.stages} == {None}


def test_extra_data_that_is_a_list_trips_the_node_that_saves(theatre: Theatre) -> None:
    """As it does in the engine."""
    ticket = Ticket(0, "p1", plain_picture(), [], ("2",))
    outcome = Run(ticket, theatre.around, theatre.kept).to_end()

    assert outcome.messages[-1][1]["node_id"] == "2"
    assert outcome.messages[-1][1]["exception_type"] == "AttributeError"


@pytest.mark.parametrize(
    ("informed", "story"),
    [
        (False, ["progress 3", "preview 1", "progress 3", "preview 1"]),
        (True, ["preview 4", "progress 3", "preview 4", "progress 3"]),
    ],
)
def test_previews_come_with_every_step(tmp_path: Path, informed: bool, story: list[str]) -> None:  # noqa: FBT001
    """After the count, or before it for a client that is told their origin."""
    theatre = Theatre(tmp_path, previews=True, informed=informed)
    theatre.run(text_to_image(), "9")

    assert [word for word in theatre.told() if word.startswith("pr")] == story


def test_previews_do_not_come_with_the_pieces_of_a_decoding(tmp_path: Path) -> None:
    """Those are only counted."""
    theatre = Theatre(tmp_path, previews=True)
    graph = text_to_image(steps=1)
    graph["8"] = node(
        "VAEDecodeTiled",
        samples=["3", 0],
        vae=["4", 2],
        tile_size=512,
        overlap=64,
        temporal_size=64,
        temporal_overlap=8,
    )
    theatre.run(graph, "9")

    assert [word for word in theatre.told() if word.startswith("pr")] == [
        "progress 3",
        "preview 1",
        *["progress 8"] * 3,
    ]
