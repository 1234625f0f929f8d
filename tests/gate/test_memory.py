"""Is there memory enough: needs and readings in, a verdict out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import GB, Memory
from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.gate.memory import (
    HYSTERESIS_BYTES,
    SWAP_GROWTH_BYTES,
    Holder,
    Never,
    Reading,
    Start,
    Verdict,
    Wait,
    gb,
    need_bytes,
    verdict,
)
from plasma_watch.system.pressure import Pressure

MEMORY = Memory(generate_gb=6.0, generate_warm_gb=3.5, train_gb=9.0, reserve_gb=1.5)
NEED = 6 * GB
TOTAL = 16 * GB
HOLDERS = (Holder("Safari", 401, 4 * GB), Holder("ComfyUI", 702, 3 * GB))


def judge(
    available: float,
    pressure: Pressure | None = Pressure.NORMAL,
    holders: tuple[Holder, ...] = (),
    *,
    is_waiting: bool = False,
) -> Verdict:
    """Return the verdict on a picture with so many GB available."""
    reading = Reading(TOTAL, int(available * GB), pressure, holders)
    return verdict(NEED, MEMORY, reading, is_waiting=is_waiting)


@pytest.mark.parametrize(
    ("kind", "is_warm", "gigabytes"),
    [
        ("generate", False, 6.0),
        ("generate", True, 3.5),
        ("train", False, 9.0),
        ("train", True, 9.0),
    ],
)
def test_a_warm_engine_needs_less_for_a_picture(
    kind: str,
    is_warm: bool,  # noqa: FBT001 - a table's column
    gigabytes: float,
) -> None:
    """Its models are in memory already; a training loads its own."""
    assert need_bytes(kind, MEMORY, is_warm=is_warm) == gigabytes * GB


@pytest.mark.parametrize("pressure", [None, Pressure.NORMAL])
@pytest.mark.parametrize("available", [7.5, 7.6, 16.0])
def test_enough_memory_without_pressure_starts(available: float, pressure: Pressure | None) -> None:
    """Need and reserve fit; a pressure that cannot be read does not speak against it."""
    assert judge(available, pressure) == Start()


@pytest.mark.parametrize("pressure", [None, *Pressure])
@pytest.mark.parametrize("available", [0.0, 6.0, 7.4999])
def test_too_little_memory_waits_whatever_the_pressure(
    available: float, pressure: Pressure | None
) -> None:
    """The reserve stays free: the need alone is not enough."""
    found = judge(available, pressure)

    assert isinstance(found, Wait)
    assert found.code is Code.MEMORY_SHORT
    assert PlasmaError(found.code, found.why).fate is Fate.WAIT


@pytest.mark.parametrize("pressure", [Pressure.WARN, Pressure.CRITICAL])
@pytest.mark.parametrize("available", [7.5, 12.0, 16.0])
def test_pressure_waits_however_much_is_free(available: float, pressure: Pressure) -> None:
    """F57: the system swaps and stalls with plenty of bytes that count as available."""
    found = judge(available, pressure)

    assert isinstance(found, Wait)
    assert found.code is Code.MEMORY_SHORT


@pytest.mark.parametrize(("available", "starts"), [(7.5, False), (7.99, False), (8.0, True)])
def test_what_waits_must_find_a_little_more(available: float, starts: bool) -> None:  # noqa: FBT001 - a table's column
    """Else it would start on the edge, and the next look would hold the next one again."""
    assert isinstance(judge(available, is_waiting=True), Start) is starts
    assert isinstance(judge(available, is_waiting=False), Start)


def test_what_this_machine_has_not_is_never_waited_for() -> None:
    """No program that is closed makes the machine larger; the hint says what can be changed."""
    reading = Reading(7 * GB, 7 * GB, Pressure.NORMAL)

    found = verdict(NEED, MEMORY, reading, is_waiting=False)

    assert isinstance(found, Never)
    assert found.code is Code.MEMORY_NEVER_FITS
    assert found.why == "needs 6.0 GB and 1.5 GB in reserve; this machine has 7.0 GB"
    assert "[memory]" in found.hint


def test_a_short_wait_says_need_and_rest_and_who_holds_most() -> None:
    """One sentence answers why nothing happens, and what to close."""
    found = judge(3.25, holders=HOLDERS)

    assert isinstance(found, Wait)
    assert found.why == (
        "needs 7.5 GB of free memory, there is 3.2 GB; Safari 4.0 GB, ComfyUI 3.0 GB hold the most"
    )


def test_a_pressed_wait_says_need_and_rest_and_who_holds_most() -> None:
    """The same three facts, and the signal that decided."""
    found = judge(12, Pressure.CRITICAL, HOLDERS)

    assert isinstance(found, Wait)
    assert found.why == (
        "needs 7.5 GB of free memory; there is 12.0 GB, but the system is short of it "
        "(pressure critical); Safari 4.0 GB, ComfyUI 3.0 GB hold the most"
    )


def test_without_a_look_at_processes_nobody_is_named() -> None:
    """The sentence ends where the knowledge ends."""
    found = judge(3.25)

    assert isinstance(found, Wait)
    assert found.why == "needs 7.5 GB of free memory, there is 3.2 GB"


BYTES = st.integers(0, 64 * GB)
READINGS = st.builds(
    Reading,
    total=st.just(64 * GB),
    available=BYTES,
    pressure=st.none() | st.sampled_from(Pressure),
)


@given(need=BYTES, reading=READINGS, is_waiting=st.booleans())
def test_more_memory_never_turns_a_start_into_a_wait(
    need: int,
    reading: Reading,
    is_waiting: bool,  # noqa: FBT001 - drawn
) -> None:
    """What starts, starts with more available too, and would not have waited longer."""
    found = verdict(need, MEMORY, reading, is_waiting=is_waiting)
    more = Reading(reading.total, reading.total, reading.pressure)

    if isinstance(found, Start):
        assert isinstance(verdict(need, MEMORY, more, is_waiting=is_waiting), Start)
        assert isinstance(verdict(need, MEMORY, reading, is_waiting=False), Start)
        assert reading.available >= need + MEMORY.reserve_gb * GB + HYSTERESIS_BYTES * is_waiting


@given(need=BYTES, reading=READINGS)
def test_every_sentence_names_the_need_and_what_there_is(need: int, reading: Reading) -> None:
    """Whoever waits is told both numbers, whichever signal decided."""
    found = verdict(need, MEMORY, reading, is_waiting=False)

    match found:
        case Wait():
            assert gb(need + int(MEMORY.reserve_gb * GB)) in found.why
            assert gb(reading.available) in found.why
        case Never():
            assert gb(need) in found.why
            assert gb(reading.total) in found.why
        case Start():
            pass


def test_a_machine_that_swaps_is_left_alone() -> None:
    """The free bytes are there and the pressure is normal, and it swaps all the same."""
    found = Reading(16 * GB, 15 * GB, Pressure.NORMAL, swap_growth=SWAP_GROWTH_BYTES + 1)

    answer = verdict(GB, MEMORY, found, is_waiting=False)

    assert isinstance(answer, Wait)
    assert "swapped out 0.5 GB within a minute" in answer.why
    calm = replace(found, swap_growth=SWAP_GROWTH_BYTES)
    assert isinstance(verdict(GB, MEMORY, calm, is_waiting=False), Start)
