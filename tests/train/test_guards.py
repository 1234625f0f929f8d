"""What is claimed of the guards: what they stop, and what they let go on."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from plasma_watch.config import GB
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system.pressure import Pressure
from plasma_watch.train import guards
from plasma_watch.train.guards import (
    CRITICAL_SECONDS,
    KEPT_SECONDS,
    PATIENCE_SECONDS,
    SWAP_GROWTH,
    SWAP_SECONDS,
    Sample,
)
from plasma_watch.train.progress import (
    BASELINE_STEPS,
    Course,
    Device,
    NanInLatents,
    NoCaptions,
    Pace,
    Saved,
    Step,
)

FINE = Sample(100.0, available=8 * GB, pressure=Pressure.NORMAL, swap_used=0, footprint=6 * GB)


def course(*facts: object) -> Course:
    """Return a course that has gone through facts at second zero."""
    found = Course(0.0, steps_an_epoch=6, epochs=3)
    for fact in facts:
        found.take(fact, 0.0)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_ends_it(loss: float) -> None:
    """The trainer would go on to the end and call it good."""
    with pytest.raises(PlasmaError, match=r"step 2 of 18") as caught:
        guards.check_loss(course(Step(2, loss)))

    assert caught.value.code is Code.TRAINER_NAN


def test_a_number_lets_it_go_on() -> None:
    """However large."""
    guards.check_loss(course(Step(2, 1200.0)))
    guards.check_loss(course())


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:0"])
def test_another_device_than_required_ends_it(device: str) -> None:
    """Before the model is loaded."""
    with pytest.raises(PlasmaError, match="mps is required") as caught:
        guards.check_device(course(Device(device)), "mps")

    assert caught.value.code is Code.TRAINER_CPU_FALLBACK


@pytest.mark.parametrize(("device", "required"), [("mps", "mps"), ("mps:0", "mps"), ("cpu", "any")])
def test_the_required_device_lets_it_go_on(device: str, required: str) -> None:
    """With or without its number."""
    guards.check_device(course(Device(device)), required)
    guards.check_device(course(), required)


def test_what_must_not_be_heard_ends_it() -> None:
    """It would train on as if nothing were."""
    with pytest.raises(PlasmaError) as captions:
        guards.check_fact(NoCaptions())
    with pytest.raises(PlasmaError) as latents:
        guards.check_fact(NanInLatents())
    guards.check_fact(Saved())

    assert captions.value.code is Code.DATASET_NO_CAPTION
    assert latents.value.code is Code.TRAINER_NAN


def test_silence_ends_it_after_its_time() -> None:
    """And not before."""
    guards.check_quiet(course(), 600.0, 600.0)
    with pytest.raises(PlasmaError, match=r"10\.0 minutes \(the trainer starts") as caught:
        guards.check_quiet(course(), 600.0, 600.1)

    assert caught.value.code is Code.TRAINER_STALLED


def test_a_slow_trainer_may_be_quiet_for_longer() -> None:
    """For as long as ten of its steps take."""
    slow = course(Step(1, 1.0))
    slow.pace = Pace.of((90.0,) * 5)

    guards.check_quiet(slow, 600.0, 899.0)
    with pytest.raises(PlasmaError):
        guards.check_quiet(slow, 600.0, 901.0)


def test_words_break_the_silence() -> None:
    """Whatever they are."""
    run = course()
    run.heard(500.0)

    guards.check_quiet(run, 600.0, 1100.0)


@pytest.mark.parametrize("pressure", [None, Pressure.NORMAL])
def test_a_machine_at_rest_is_no_trouble(pressure: Pressure | None) -> None:
    """Also where the system does not tell its pressure."""
    assert guards.trouble([replace(FINE, pressure=pressure)], Pace()) == ""
    assert guards.trouble([], Pace()) == ""


@pytest.mark.parametrize("pressure", [Pressure.WARN, Pressure.CRITICAL])
def test_pressure_is_trouble(pressure: Pressure) -> None:
    """The second signal; free bytes alone are not believed."""
    assert pressure.name.lower() in guards.trouble([replace(FINE, pressure=pressure)], Pace())


@pytest.mark.parametrize(
    ("seconds", "growth", "is_trouble"),
    [
        (SWAP_SECONDS, SWAP_GROWTH + 1, True),
        (SWAP_SECONDS, SWAP_GROWTH, False),
        (SWAP_SECONDS + 1, 2 * SWAP_GROWTH, False),
    ],
)
def test_swap_that_grows_fast_is_trouble(seconds: float, growth: int, *, is_trouble: bool) -> None:
    """Swap that is merely used is not."""
    before = replace(FINE, at=FINE.at - seconds, swap_used=3 * GB)

    seen = guards.trouble([before, replace(FINE, swap_used=3 * GB + growth)], Pace())

    assert bool(seen) is is_trouble


@pytest.mark.parametrize(
    ("late", "is_slow"),
    [((4.1, 4.1, 4.1), True), ((4.1, 1.0, 4.1), False), ((4.0, 4.0, 4.0), False)],
)
def test_steps_that_take_four_times_as_long_are_swapping(
    late: tuple[float, ...], *, is_slow: bool
) -> None:
    """Several in a row; one may be unlucky."""
    pace = Pace.of((1.0,) * BASELINE_STEPS + late)

    assert guards.is_slow(pace) is is_slow
    assert bool(guards.trouble([FINE], pace)) is is_slow


def test_a_pace_that_is_not_known_is_not_slow() -> None:
    """Not before enough steps were done."""
    assert not guards.is_slow(Pace.of((1.0, 9.0, 9.0, 9.0)))


def test_trouble_is_watched_for_a_while() -> None:
    """Then the trainer is stopped before the system would do it."""
    pressed = replace(FINE, pressure=Pressure.WARN)

    guards.check_trouble("", 10_000.0, FINE, pressed)
    guards.check_trouble("swap grew", PATIENCE_SECONDS, FINE, pressed)
    with pytest.raises(PlasmaError, match="swap grew") as caught:
        guards.check_trouble("swap grew", PATIENCE_SECONDS + 1, FINE, pressed)

    assert caught.value.code is Code.TRAINER_OUT_OF_MEMORY
    assert "trainer 6.0 GB, free 8.0 GB, swap 0.0 GB, pressure warn" in caught.value.message


def test_critical_pressure_leaves_less_time() -> None:
    """The system ends processes soon."""
    critical = replace(FINE, pressure=Pressure.CRITICAL)

    guards.check_trouble("pressed", CRITICAL_SECONDS, FINE, critical)
    with pytest.raises(PlasmaError):
        guards.check_trouble("pressed", CRITICAL_SECONDS + 1, FINE, critical)


def test_slow_steps_alone_stop_nothing() -> None:
    """Somebody may work beside it; only with swap that grew since the beginning it is swapping."""
    swapped = replace(FINE, swap_used=SWAP_GROWTH + 1)

    guards.check_trouble("a step takes 9 s", 10_000.0, FINE, FINE)
    guards.check_trouble("a step takes 9 s", 10_000.0, swapped, swapped)
    with pytest.raises(PlasmaError):
        guards.check_trouble("a step takes 9 s", 10_000.0, FINE, swapped)


def test_old_readings_are_let_go() -> None:
    """A training takes hours."""
    old, recent = replace(FINE, at=0.0), replace(FINE, at=KEPT_SECONDS)

    assert guards.kept([old, recent], replace(FINE, at=KEPT_SECONDS + 1)) == (
        recent,
        replace(FINE, at=KEPT_SECONDS + 1),
    )


def test_a_disk_without_room_for_the_next_epoch_ends_it() -> None:
    """Between two epochs, so that nothing is lost."""
    guards.check_disk(course(), 100, 100)
    with pytest.raises(PlasmaError) as caught:
        guards.check_disk(course(), 99, 100)

    assert caught.value.code is Code.DISK_SHORT


def test_nothing_more_is_needed_when_all_is_saved() -> None:
    """The last epoch has no next."""
    guards.check_disk(course(Saved()), 0, 100)
