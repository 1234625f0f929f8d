"""How faults are written, and when they strike."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.sandbox.mischief.script import FAULTS, FOREVER, Fault, Script, parse


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("die", Fault("die", 1, 1)),
        ("die@3", Fault("die", 3, 1)),
        ("refuse-503x3", Fault("refuse-503", 1, 3)),
        ("refuse-503@2x*", Fault("refuse-503", 2, FOREVER)),
        ("slow", Fault("slow", 1, FOREVER, "1.0")),
        ("slow=0.5", Fault("slow", 1, FOREVER, "0.5")),
        ("slow-historyx1=40", Fault("slow-history", 1, 1, "40")),
        ("cut-socket-after@12=somebody", Fault("cut-socket-after", 12, 1, "somebody")),
        ("one-colour=ff0000", Fault("one-colour", 1, 1, "ff0000")),
    ],
)
def test_fault_is_read_as_it_is_written(text: str, fault: Fault) -> None:
    """Name, first occasion, times and value; all but the name may be left out."""
    assert parse(text) == fault


@given(st.builds(Fault, st.sampled_from(sorted(FAULTS)), st.integers(1, 99), st.integers(0, 99)))
def test_fault_is_written_as_it_is_read(fault: Fault) -> None:
    """Both ways."""
    known = FAULTS[fault.name]
    value = "" if known.value is None else str(known.value)

    assert parse(str(fault)) == Fault(fault.name, fault.at, fault.times, value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no fault"),
        ("burn", "is no fault"),
        ("die@", "is no fault"),
        ("die@-1", "is no fault"),
        ("die=3", "die takes no value"),
        ("slow=soon", "slow=soon: expected a number"),
        ("slow=", "slow=: expected a number"),
    ],
)
def test_what_is_no_fault_is_told(text: str, reason: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse(text)


def struck(script: Script, name: str, occasions: int) -> list[int]:
    """List the occasions at which a fault strikes."""
    return [n for n in range(1, occasions + 1) if script.strikes(name)]


def test_fault_strikes_from_its_occasion_on_as_often_as_it_says() -> None:
    """And never again."""
    assert struck(Script([parse("die@3x2")]), "die", 9) == [3, 4]
    assert struck(Script([parse("die@7x*")]), "die", 9) == [7, 8, 9]


def test_faults_of_other_names_count_nothing() -> None:
    """Each has occasions of its own."""
    script = Script([parse("die@2")])

    assert struck(script, "stall", 5) == []
    assert struck(script, "die", 2) == [2]


def test_occasions_are_counted_from_when_a_fault_is_given() -> None:
    """A test need not know what was before."""
    script = Script()
    script.strikes("die")
    script.add([parse("die@2")])

    assert struck(script, "die", 3) == [2]


def test_two_of_a_name_strike_each_at_its_own() -> None:
    """Both count every occasion."""
    script = Script([parse("slow@1x1=1"), parse("slow@3x1=2")])

    found = [script.strikes("slow") for _ in range(3)]

    assert [fault.number if fault else None for fault in found] == [1.0, None, 2.0]


def test_fault_of_one_client_counts_no_others() -> None:
    """So that many may be cut at once, each at its own frame."""
    script = Script([parse("cut-socket-before@2=me")])

    asked = [("you", None), ("me", None), ("you", None), ("me", "me")]

    for client, value in asked:
        fault = script.strikes("cut-socket-before", of=client)
        assert (fault.value if fault else None) == value


def test_what_is_given_can_be_listed_and_taken_back() -> None:
    """As it is written, with the occasions that it has had."""
    script = Script([parse("die@3"), parse("slow=0.5")])
    script.strikes("die")

    assert script.given() == {"die@3x1": 1, "slow@1x*=0.5": 0}

    script.clear()

    assert script.given() == {}
    assert script.strikes("die") is None


def test_occasions_of_two_threads_are_all_counted() -> None:
    """The worker asks, and the doors."""
    script = Script([parse("die@2001")])
    threads = [threading.Thread(target=struck, args=(script, "die", 1000)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert struck(script, "die", 1) == [1]
