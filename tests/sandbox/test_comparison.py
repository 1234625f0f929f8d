"""The comparison overlooks time and chance, and nothing else."""

from typing import Any

import pytest

from .playing import first_requests, nothing_of, part, shortened
from .recordings import Comparison, Event

STATUS = {"type": "status", "data": {"status": {}}}


def differences(recorded: object, heard: object) -> list[str]:
    """Compare once."""
    return list(Comparison().differences(recorded, heard))


@pytest.mark.parametrize(
    ("recorded", "heard"),
    [
        ({"timestamp": 1}, {"timestamp": 2}),
        ({"executed": ["1", "2"]}, {"executed": ["2", "1"]}),
        ({"traceback": ["x"]}, {"traceback": []}),
        (["<Model object at 0x7f>"], ["Model()"]),
        ("ComfyUI_temp_abcde_00001_.png", "ComfyUI_temp_vwxyz_00007_.png"),
        ("plasma/2026-11-22", "plasma/2027-01-01"),
        ([5, "a", {}, {}, []], [0, "a", {}, {}, []]),
        ({"number": -5.0}, {"number": -5.0}),
        (float("nan"), float("nan")),
    ],
)
def test_time_and_chance_do_not_count(recorded: object, heard: object) -> None:
    """Nor what hangs on them."""
    assert differences(recorded, heard) == []


@pytest.mark.parametrize(
    ("recorded", "heard"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {"a": ""}),
        ({"timestamp": 1}, {"timestamp": "1"}),
        ([1, 2], [2, 1]),
        ([1], [1, 2]),
        ("img_00001_.png", "other_00001_.png"),
        ({"number": -5.0}, {"number": -6.0}),
        ({"executed": ["1"]}, {"executed": ["1", "2"]}),
        ({"a": []}, {"a": {}}),
    ],
)
def test_all_else_counts(recorded: object, heard: object) -> None:
    """Keys, types, values, order and length."""
    assert differences(recorded, heard) != []


def test_counters_must_keep_their_distance() -> None:
    """Wherever they began."""
    comparison = Comparison()
    seen = [
        list(comparison.differences(f"img_{one:05}_.png", f"img_{other:05}_.png"))
        for one, other in ((1, 5), (2, 6), (3, 6))
    ]

    assert [len(found) for found in seen] == [0, 0, 1]


def frame(event: str, **data: Any) -> dict[str, Any]:
    """Make a frame."""
    return {"type": event, "data": data}


def test_short_story_has_each_run_of_steps_once() -> None:
    """And nothing of what only counts."""
    steps = [frame("progress", node="3", max=9, prompt_id="a", value=value) for value in (1, 2)]
    other = frame("progress", node="3", max=9, prompt_id="b", value=1)
    greeting = frame("status", sid="c1")
    told = [greeting, STATUS, *steps, frame("progress_state"), *steps, other]

    assert [one["type"] for one in shortened(told)] == ["status", "progress", "progress"]
    assert nothing_of(told) == []


def event(kind: str, msg: str = "") -> Event:
    """Make a line of a recording."""
    return Event(kind, {"msg": msg})


def test_part_lies_between_two_notes() -> None:
    """With what comes before all notes."""
    lines = [
        event("ws_connect"),
        event("note", "a"),
        event("http_req"),
        event("note", "b"),
        event("http_resp"),
    ]

    assert part(lines) == lines
    assert part(lines, stop="b") == lines[:3]
    assert part(lines, start="b") == [lines[0], *lines[3:]]


def test_recording_can_be_cut_after_some_requests() -> None:
    """With all that belongs to the last of them."""
    lines = [event("http_req"), event("http_resp"), event("http_req")]

    assert list(first_requests(lines, 1)) == lines[:2]
    assert list(first_requests(lines, 9)) == lines
