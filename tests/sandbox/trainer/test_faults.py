"""Faults are asked for in one line, and a line that nobody understands is refused."""

import pytest

from plasma_watch.sandbox.trainer.faults import KINDS, Fault, FaultError, parse


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ()),
        ("nan@300", (Fault("nan", "300"),)),
        ("kill@model", (Fault("kill", "model"),)),
        ("kill@saving#2:15", (Fault("kill", "saving", 2, "15"),)),
        ("device:cpu", (Fault("device", "imports", 1, "cpu"),)),
        (" slow@20:6 , truncated ", (Fault("slow", "20", 1, "6"), Fault("truncated", "final"))),
        (
            "crash@3:ValueError: what: ever",
            (Fault("crash", "3", 1, "ValueError: what: ever"),),
        ),
    ],
)
def test_faults_are_read(text: str, faults: tuple[Fault, ...]) -> None:
    """Kind, place, how manieth time, value; where no place is named, the kind has its own."""
    assert parse(text) == faults


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("oops", "no such fault: 'oops'"),
        ("nan@nowhere", "no such place: 'nowhere'"),
        ("nan@-3", "no such place: '-3'"),
        ("device", "device needs a value"),
        ("crash@3", "crash needs a value"),
    ],
)
def test_what_nobody_understands_is_refused(text: str, why: str) -> None:
    """Otherwise a test would pass because nothing went wrong."""
    with pytest.raises(FaultError, match=why):
        parse(text)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_place_of_its_own(kind: str) -> None:
    """One that is a place."""
    value = "cpu" if kind in {"device", "crash", "say"} else ""

    assert parse(f"{kind}:{value}" if value else kind)[0].kind == kind


def test_value_is_a_number_where_one_is_wanted() -> None:
    """Or what stands for it."""
    assert Fault("slow", "1", value="2.5").number(8) == 2.5
    assert Fault("slow", "1").number(8) == 8
