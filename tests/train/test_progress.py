"""What is claimed of the trainer's output: cut in any way, and read from real recordings."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.train.progress import (
    BASELINE_STEPS,
    FIRST_STEPS,
    HEAT_FACTOR,
    HEAT_SECONDS,
    LATE_STEPS,
    Caching,
    Course,
    Device,
    Epoch,
    Fact,
    Framer,
    Loading,
    NanInLatents,
    NoCaptions,
    NoData,
    Pace,
    Phase,
    Saved,
    Saving,
    SlowOperation,
    Step,
    StepsAnEpoch,
    read,
    thinned,
)
from tests.fakes import recordings

BAR = "steps:  29%|██▊       | 4/14 [00:12<00:30,  3.09s/it, avr_loss=1.17]"


def course(**keys: int) -> Course:
    """Return a course of three epochs of six steps."""
    return Course(0.0, **({"steps_an_epoch": 6, "epochs": 3} | keys))  # type: ignore[arg-type]


def taken(*facts: Fact, **keys: int) -> Course:
    """Return a course that has gone through facts, a second apart."""
    found = course(**keys)
    for second, fact in enumerate(facts, 1):
        found.take(fact, float(second))
    return found


# Framing.


@pytest.mark.parametrize(
    ("segments", "kept"),
    [
        ([], []),
        ([BAR], [BAR]),
        ([BAR, BAR, BAR], [BAR]),
        (["INFO a", BAR, BAR, "INFO b", BAR], ["INFO a", BAR, "INFO b", BAR]),
        ([f"{BAR}INFO a", BAR], [f"{BAR}INFO a", BAR]),
        ([BAR, f"{BAR}INFO a", "INFO b"], [f"{BAR}INFO a", "INFO b"]),
    ],
)
def test_a_bar_that_was_drawn_over_tells_nothing(segments: list[str], kept: list[str]) -> None:
    """The last of them tells it all; a line that follows one without a break is kept."""
    assert list(thinned(segments)) == kept


def test_a_pace_is_as_large_for_many_steps_as_for_few() -> None:
    """A training has twenty thousand."""
    pace = Pace.of(float(n) for n in range(10_000))

    assert (len(pace.first), len(pace.late), pace.count) == (BASELINE_STEPS, LATE_STEPS, 10_000)
    assert pace.baseline() == median(range(BASELINE_STEPS))
    assert pace.now() == median(range(10_000 - LATE_STEPS, 10_000))


@given(st.lists(st.integers(0, 20)))
def test_any_cut_gives_the_same_segments(cuts: list[int]) -> None:
    """A pipe cuts where it likes, in the middle of a character too."""
    raw = f"one\r{BAR}\r\n学習開始\n\nlast".encode()
    framer, found, rest = Framer(), [], raw
    for cut in cuts:
        found += framer.feed(rest[:cut])
        rest = rest[cut:]

    found += framer.feed(rest) + framer.close()

    assert found == ["one", BAR, "学習開始", "last"]


def test_broken_characters_break_nothing() -> None:
    """A path may hold bytes that are no text."""
    framer = Framer()

    assert framer.feed(b"caf\xe9\xff\n") == ["caf��"]
    assert framer.close() == []


def test_half_a_character_at_the_end_is_told() -> None:
    """When it was killed in the middle of one."""
    framer = Framer()
    framer.feed("学".encode()[:2])

    assert framer.close() == ["�"]


# Reading.


@pytest.mark.parametrize(
    ("segment", "facts"),
    [
        ("accelerator device: mps", [Device("mps")]),
        ("INFO unet dtype: torch.float32, device: mps:0   x.py:1", [Device("mps:0")]),
        ("INFO     loading model for process 0/1    train_util.py:5574", [Loading()]),
        ("prepare optimizer, data loader etc.", [Caching()]),
        ("  num batches per epoch / 1epochのバッチ数: 195", [StepsAnEpoch(195)]),
        ("epoch 2/3", [Epoch(2)]),
        ("INFO epoch is incremented. current_epoch: 0, epoch: 1", []),
        ("steps:   0%|          | 0/14 [00:00<?, ?it/s]", [Step(0, None)]),
        (BAR, [Step(4, 1.17)]),
        ("steps:  50%|█| 1/2 [1:00:36<00:36, 36.8s/it, avr_loss=1.2e+3]", [Step(1, 1200.0)]),
        ("steps: 100%|█| 9/9 [00:36<00:00, 12.5it/s, Keys Scaled=3, avr_loss=0.1]", [Step(9, 0.1)]),
        (
            f"{BAR}2026-11-22 04:24:02 INFO model saved.   train_network.py:1729",
            [Step(4, 1.17), Saved()],
        ),
        (
            "saving checkpoint: /home/x/out/spyke-000001.safetensors",
            [Saving("/home/x/out/spyke-000001.safetensors")],
        ),
        ("INFO     model saved.", [Saved()]),
        ("INFO     Model weights saved in /x/model.safetensors", []),
        ("ERROR    No data found. Please verify arguments (train_data_dir", [NoData()]),
        ("WARNING  No caption file found for 3 images. Training will continue", [NoCaptions()]),
        ("NaN found in latents, replacing with zeros", [NanInLatents()]),
        (
            "UserWarning: The operator 'aten::foo' is not currently supported on the MPS",
            [SlowOperation("aten::foo")],
        ),
        ("read caption: 100%|██████████| 6/6 [00:00<00:00, 14282.53it/s]", []),
        (" 50%|█████     | 3/6 [00:00<00:00, 83055.52it/s]", []),
    ],
)
def test_a_segment_says_what_it_says(segment: str, facts: list[Fact]) -> None:
    """Bars of other things and log lines say nothing that matters."""
    assert list(read(segment)) == facts


@pytest.mark.parametrize(("text", "is_nan"), [("nan", True), ("inf", False), ("-inf", False)])
def test_a_loss_may_be_no_number(text: str, *, is_nan: bool) -> None:
    """As it is printed then."""
    (step,) = read(f"steps:  33%|███| 2/6 [00:06<00:12,  3.24s/it, avr_loss={text}] ")

    assert isinstance(step, Step)
    assert step.loss is not None
    assert math.isnan(step.loss) is is_nan
    assert not math.isfinite(step.loss)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
@pytest.mark.parametrize(
    ("name", "steps", "epochs", "done", "is_saved"),
    [
        ("a_normal_pipe", 14, 3, 0, True),
        ("b_resume_epoch1", 12, 3, 1, True),
        ("b_resume_epoch2", 6, 3, 2, True),
        ("h_direct_python", 2, 1, 0, True),
        ("e_oom_cgroup", 0, 1, 0, False),
        ("e_empty_dataset", 0, 1, 0, False),
    ],
)
def test_a_recorded_run_is_followed_to_its_end(
    name: str, steps: int, epochs: int, done: int, chunk: int, *, is_saved: bool
) -> None:
    """However its output was cut."""
    run = course(epochs=epochs, done_epochs=done)
    for fact in recordings.facts(name, chunk):
        run.take(fact, 0.0)

    assert run.run_step == steps
    assert run.was_saved is is_saved
    assert run.step == done * 6 + steps


# The course.


def test_phases_follow_one_another() -> None:
    """Each begins with the first word of it."""
    run = course()
    seen = [run.phase]
    for fact in recordings.facts("a_normal_pipe"):
        run.take(fact, 0.0)
        seen.append(run.phase)

    # What it prints comes before what it logs here, and a bar is no step back to training.
    changes = [later for earlier, later in pairwise([None, *seen]) if earlier is not later]
    assert changes[:3] == [Phase.STARTING, Phase.LOADING, Phase.CACHING]
    assert run.phase is Phase.SAVED


@pytest.mark.parametrize(
    ("facts", "phase"),
    [
        ([], Phase.STARTING),
        ([Device("mps")], Phase.LOADING),
        ([Loading()], Phase.LOADING),
        ([Device("mps"), Caching()], Phase.CACHING),
        ([Device("mps"), Caching(), Device("mps:0")], Phase.CACHING),
        ([Step(0, None)], Phase.TRAINING),
        ([Step(1, 1.0), Saving("x")], Phase.SAVING),
        ([Step(1, 1.0), Saving("x"), Step(1, 0.9)], Phase.TRAINING),
        ([Step(1, 1.0), Saved()], Phase.SAVED),
        ([Step(1, 1.0), Saved(), Step(1, 0.9)], Phase.SAVED),
    ],
)
def test_a_fact_leads_into_its_phase(facts: list[Fact], phase: Phase) -> None:
    """The last bar is drawn again when all is saved."""
    assert taken(*facts).phase is phase


def test_steps_are_counted_over_all_runs() -> None:
    """A run that goes on begins to count from nothing."""
    run = taken(Step(4, 1.0), done_epochs=2)

    assert (run.run_step, run.step, run.steps) == (4, 16, 18)


def test_a_whole_epoch_is_one_after_which_another_began() -> None:
    """Only then its state is complete."""
    assert taken(Epoch(1)).whole_epochs == 0
    assert taken(Epoch(1), Epoch(2)).whole_epochs == 1
    assert taken(Epoch(3), done_epochs=2).whole_epochs == 2


def test_the_trainers_own_count_of_an_epoch_is_right() -> None:
    """It made the buckets."""
    assert taken(StepsAnEpoch(7)).steps == 21


def test_a_calibration_ends_within_its_first_epoch() -> None:
    """So how long an epoch would be means nothing."""
    run = Course(0.0, steps_an_epoch=50, epochs=1, is_calibration=True)
    run.take(StepsAnEpoch(195), 0.0)

    assert run.steps == 50


@pytest.mark.parametrize(("loss", "is_bad"), [(0.1, False), (math.nan, True), (math.inf, True)])
def test_a_loss_that_is_no_number_is_bad(loss: float, *, is_bad: bool) -> None:
    """It never comes back."""
    assert taken(Step(1, loss)).loss_is_bad is is_bad


def test_a_loss_that_is_not_known_is_not_bad() -> None:
    """Before the first step."""
    assert not taken(Step(0, None)).loss_is_bad


def test_slow_operations_are_remembered_once() -> None:
    """They are told again and again."""
    run = taken(SlowOperation("aten::a"), SlowOperation("aten::a"), SlowOperation("aten::b"))

    assert run.slow_operations == {"aten::a", "aten::b"}


def test_what_is_known_to_be_wrong_changes_no_course() -> None:
    """The guards judge it."""
    assert taken(NoData(), NoCaptions(), NanInLatents()).phase is Phase.STARTING


# Pace.


def test_the_first_steps_tell_nothing_of_the_pace() -> None:
    """They pay for what is warmed up."""
    facts = [Step(n, None) for n in range(FIRST_STEPS + 4)]

    assert taken(*facts).pace.late == (1.0,) * 3


def test_a_skipped_bar_shares_its_time() -> None:
    """Fast steps are not all drawn."""
    run = taken(Step(1, None), Step(2, None), Step(6, None))

    assert run.pace.late == (0.25,)


def test_saving_is_no_part_of_a_step() -> None:
    """The step after it is not timed."""
    run = taken(Step(1, None), Step(2, None), Step(3, None), Saving("x"), Step(4, None))

    assert run.pace.late == (1.0,)


def test_a_bar_drawn_twice_is_one_step() -> None:
    """The second time with its own loss."""
    run = taken(Step(3, 1.0), Step(3, 0.5))

    assert (run.run_step, run.loss) == (3, 0.5)


def test_nothing_is_known_of_the_pace_before_it_is_measured() -> None:
    """No time is told that nobody knows."""
    assert Pace().now() is None
    assert Pace().to_go(10) is None
    assert Pace.of((1.0,) * (BASELINE_STEPS - 1)).baseline() is None


def test_the_heat_is_counted_until_it_was_measured() -> None:
    """Hours on a laptop are slower than its first minutes."""
    assert Pace.of((2.0,) * 10).to_go(100) == pytest.approx(200 * HEAT_FACTOR)
    assert Pace.of((2.0,) * int(HEAT_SECONDS / 2)).to_go(100) == pytest.approx(200)


def test_the_pace_is_that_of_late() -> None:
    """What it was in the beginning is the baseline."""
    pace = Pace.of((1.0,) * 100 + (3.0,) * 50)

    assert (pace.baseline(), pace.now()) == (1.0, 3.0)
