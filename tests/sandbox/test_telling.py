"""What a ticket says reaches its client, everyone, or only its history."""

import json
from typing import Any

import pytest

from plasma_watch.sandbox.frames import EVERYONE, Frame
from plasma_watch.sandbox.telling import Telling

from .graphs import plain_picture


@pytest.fixture
def sent() -> list[Frame]:
    """Collect what is sent."""
    return []


def telling(sent: list[Frame], client: object = "c1") -> Telling:
    """Give a ticket its voice."""
    return Telling("p1", plain_picture(), client, sent.append, lambda: 5)


def said(sent: list[Frame]) -> list[tuple[str, dict[str, Any]]]:
    """List what was said."""
    return [(str(frame.event), json.loads(frame.body)["data"]) for frame in sent]


def say_all(voice: Telling) -> None:
    """Say everything there is to say."""
    voice.began()
    voice.cached([])
    voice.started("1")
    voice.executing("1")
    voice.advanced("1", 1, 2)
    voice.counted("1", 1, 2)
    voice.executed("1", None)
    voice.finished("1")
    voice.failed("1", {}, ValueError("x"))
    voice.interrupted("1")
    voice.succeeded()


def test_client_hears_everything(sent: list[Frame]) -> None:
    """And nobody else."""
    say_all(telling(sent))

    assert {frame.to for frame in sent} == {"c1"}
    assert [event for event, _ in said(sent)] == [
        "execution_start",
        "execution_cached",
        "progress_state",
        "executing",
        "progress_state",
        "progress",
        "executed",
        "progress_state",
        "execution_error",
        "execution_interrupted",
        "execution_success",
    ]


def test_ticket_without_client_tells_everyone_a_part(sent: list[Frame]) -> None:
    """How far it is, and that it was interrupted."""
    say_all(telling(sent, client=None))

    assert {frame.to for frame in sent} == {EVERYONE}
    assert {event for event, _ in said(sent)} == {
        "progress_state",
        "progress",
        "execution_interrupted",
    }


def test_history_keeps_the_same_with_and_without_client(sent: list[Frame]) -> None:
    """All that decides."""
    kept = []
    for client in ("c1", None):
        voice = telling(sent, client)
        say_all(voice)
        kept.append([event for event, _ in voice.messages])

    assert kept[0] == kept[1]
    assert "progress" not in kept[0]


def test_failure_tells_what_the_node_took(sent: list[Frame]) -> None:
    """Plain values as they are, anything else as a text."""
    voice = telling(sent)
    voice.done.append("1")
    voice.failed("2", {"prefix": "a", "none": None, "images": (1, 2)}, ValueError("broken"))
    told = said(sent)[0][1]

    assert told["node_type"] == "SaveImage"
    assert told["executed"] == ["1"]
    assert told["exception_message"] == "broken\n"
    assert told["exception_type"] == "ValueError"
    assert told["current_inputs"] == {"prefix": ["a"], "none": [None], "images": ["(1, 2)"]}
    assert told["current_outputs"] == ["1", "2"]


def test_circle_has_neither_inputs_nor_traceback(sent: list[Frame]) -> None:
    """The engine found it before any node ran."""
    voice = telling(sent)
    voice.waits_for_itself("1")
    told = said(sent)[0][1]

    assert (told["current_inputs"], told["traceback"]) == ([], [])
    assert told["exception_message"] == "Dependency cycle detected"


def test_progress_tells_of_all_nodes_that_began(sent: list[Frame]) -> None:
    """A node that counted ends where its counting ended."""
    voice = telling(sent)
    voice.started("1")
    voice.advanced("1", 3, 7)
    voice.finished("1")
    voice.finished("2")
    nodes = said(sent)[-1][1]["nodes"]

    assert {n: (nodes[n]["value"], nodes[n]["max"], nodes[n]["state"]) for n in nodes} == {
        "1": (7, 7, "finished"),
        "2": (1, 1, "finished"),
    }
