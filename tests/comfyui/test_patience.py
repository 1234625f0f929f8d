"""When a prompt counts as hanging, by clock readings alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.comfyui.patience import (
    LOADING_SECONDS,
    LOG_SECONDS,
    OBEY_SECONDS,
    PACES,
    LogLine,
    Patience,
    how_the_worker_died,
)
from plasma_watch.comfyui.protocol import Entered, Stepped

LEAST = 300.0
BAR = "\r 10%|█         | 2/20 [00:02<00:20,  1.12s/it]"


def stepping(seconds: float, least: float = LEAST, steps: int = 3) -> tuple[Patience, float]:
    """Return what watches a prompt that made steps at a pace, and when the last one was."""
    patience = Patience(least, 0.0)
    for step in range(1, steps + 1):
        patience.heard(Stepped(step, 20, "3"), step * seconds)
    return patience, steps * seconds


def line(text: str, when: str = "2026-11-22T12:00:00") -> LogLine:
    """Return one entry of the engine's log."""
    return LogLine(when, text)


def test_an_engine_that_loads_is_not_hanging() -> None:
    """F74: the first node is silent for ten minutes."""
    patience = Patience(LEAST, 0.0)
    patience.heard(Entered("4"), 1.0)

    assert not patience.is_over(600.0)
    assert not patience.is_over(LOADING_SECONDS)
    assert patience.is_over(1.0 + LOADING_SECONDS)


def test_one_step_is_no_pace() -> None:
    """It pays for what is loaded."""
    patience, last = stepping(200.0, steps=1)

    assert not patience.is_over(last + LEAST)


@pytest.mark.parametrize(("seconds", "limit"), [(1.0, LEAST), (30.0, PACES * 30.0)])
def test_after_steps_the_pace_decides(seconds: float, limit: float) -> None:
    """As long as many of the slowest step, and never less than was configured."""
    patience, last = stepping(seconds)

    assert not patience.is_over(last + limit - 0.1)
    assert patience.is_over(last + limit)


def test_the_slowest_step_counts() -> None:
    """A machine that swaps makes one step in a minute and the next in two seconds."""
    patience, last = stepping(2.0)
    patience.heard(Stepped(4, 20, "3"), last + 60.0)
    patience.heard(Stepped(5, 20, "3"), last + 62.0)

    assert not patience.is_over(last + 62.0 + PACES * 60.0 - 0.1)


def test_a_node_that_begins_is_a_sign_of_life() -> None:
    """Also without a step."""
    patience, last = stepping(1.0)
    patience.heard(Entered("8"), last + LEAST - 1)

    assert not patience.is_over(last + LEAST + 1)


def test_news_in_the_log_is_a_sign_of_life() -> None:
    """When another client holds up the stream of frames, the bar in the log goes on."""
    patience, last = stepping(1.0)
    patience.read([line(BAR)], last + 100)
    patience.read([line(BAR, "2026-11-22T12:03:20")], last + 200)

    assert not patience.is_over(last + LEAST)
    assert patience.is_over(last + 200 + LEAST)


@pytest.mark.parametrize("log", [[], [line(BAR)]])
def test_the_same_log_again_is_none(log: list[LogLine]) -> None:
    """Nor one that cannot be read."""
    patience, last = stepping(1.0)
    for after in (100, 200):
        patience.read(log, last + after)

    assert patience.is_over(last + LEAST)


def test_the_first_look_into_the_log_proves_nothing() -> None:
    """What is there may be as old as the silence."""
    patience, last = stepping(1.0)
    patience.read([line(BAR)], last + LEAST - 1)

    assert patience.is_over(last + LEAST)


def test_the_log_is_read_a_few_times_within_the_limit() -> None:
    """Not at each look, and not while all is well."""
    patience, last = stepping(1.0)
    looked = []
    for second in range(int(LEAST)):
        if patience.is_doubtful(last + second):
            patience.read([line(BAR)], last + second)
            looked.append(second)

    assert looked == [75, 150, 225]


def test_a_prompt_that_waits_begins_anew() -> None:
    """Behind other people's prompts, or while nobody can tell."""
    patience, last = stepping(1.0)
    patience.waits(last + 10_000)

    assert not patience.is_over(last + 10_000 + LEAST)


def test_while_a_prompt_waits_the_log_is_read_now_and_then() -> None:
    """Whoever runs before it may have killed the worker."""
    patience = Patience(LEAST, 0.0)
    for second in range(20):
        patience.waits(float(second))

    assert not Patience(LEAST, 0.0).is_doubtful(LOG_SECONDS)
    assert patience.is_doubtful(LOG_SECONDS)
    patience.read([], LOG_SECONDS)
    assert not patience.is_doubtful(LOG_SECONDS + 1)
    assert patience.is_doubtful(2 * LOG_SECONDS)


def test_what_was_interrupted_has_its_time_to_stop() -> None:
    """A step may be long."""
    patience, last = stepping(1.0)

    assert not patience.was_interrupted
    assert not patience.has_run_on(last + 10_000)
    patience.interrupted(last)
    assert patience.was_interrupted
    assert not patience.has_run_on(last + OBEY_SECONDS - 1)
    assert patience.has_run_on(last + OBEY_SECONDS)


@given(st.lists(st.floats(0.01, 1000.0), min_size=2, max_size=30), st.floats(10.0, 1000.0))
def test_a_prompt_at_its_own_pace_never_hangs(paces: list[float], least: float) -> None:
    """Whatever the pace: no step is ever longer than what the one before it allows, thirtyfold."""
    patience, now = Patience(least, 0.0), 0.0
    slowest = 0.0
    for step, pace in enumerate(paces, 1):
        wait = min(pace, max(least, PACES * slowest) * 0.99) if slowest else pace
        assert not patience.is_over(now + wait * 0.99)
        now += wait
        patience.heard(Stepped(step, 30, "3"), now)
        slowest = max(slowest, wait if step > 1 else 0.0)


# How the worker died.

DEATH = (
    "Exception in thread Thread-1 (prompt_worker):\n",
    "Traceback (most recent call last):\n",
    '  File "main.py", line 190, in prompt_worker\n',
    "    e.execute(item[2], prompt_id, item[3], item[4])\n",
    "AttributeError: 'int' object has no attribute 'items'\n",
)


@pytest.mark.parametrize("pieces", [DEATH, ("".join(DEATH),), tuple("".join(DEATH))])
def test_the_log_tells_how_the_worker_died(pieces: tuple[str, ...]) -> None:
    """ComfyUI writes it whole or in pieces, between other lines."""
    log = [line("got prompt\n"), *map(line, pieces), line("got prompt\n")]

    assert how_the_worker_died(log) == "AttributeError: 'int' object has no attribute 'items'"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "got prompt\n",
        "Exception in thread Thread-7 (download):\nTraceback\nValueError: x\n",
        "!!! Exception during processing !!! Error\nTraceback (most recent call last):\nError: x\n",
    ],
)
def test_a_worker_that_lives_has_no_last_words(text: str) -> None:
    """A node's error is caught; another thread is not the worker."""
    assert how_the_worker_died([line(text)]) == ""


def test_a_death_without_words_is_one() -> None:
    """The log was cut."""
    assert how_the_worker_died([line(DEATH[0]), line(DEATH[1])]) == "it left no word"
