"""What is claimed of the needs that are learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.config import GB
from plasma_watch.gate.needs import (
    ENOUGH,
    KEPT,
    MARGIN,
    Learned,
    Needs,
    learned,
    percentile,
    training_at,
)


@pytest.fixture
def needs(tmp_path: Path) -> Needs:
    """A home that has learned nothing yet."""
    return Needs(tmp_path / "needs.json")


def test_at_first_the_config_is_the_guess(needs: Needs) -> None:
    """A few runs are not enough to know better."""
    for _ in range(ENOUGH - 1):
        needs.learn("txt2img cold", 2 * GB)

    assert needs.of("txt2img cold", 6 * GB) == 6 * GB
    needs.learn("txt2img cold", 2 * GB)
    assert needs.of("txt2img cold", 6 * GB) == 2 * GB


def test_each_recipe_has_its_own_need(needs: Needs) -> None:
    """Of pages and of trainings."""
    for _ in range(ENOUGH):
        needs.learn("txt2img cold", 2 * GB)
        needs.learn("training at 512 px", 8 * GB)

    assert needs.of("txt2img-lora cold", 6 * GB) == 6 * GB
    assert needs.of("training at 512 px", 9 * GB) == 8 * GB


def test_of_a_training_one_is_enough(needs: Needs) -> None:
    """It takes a night; with a margin, until there are more."""
    known_as = training_at(512)
    assert needs.of(known_as, 9 * GB) == 9 * GB
    needs.learn(known_as, 6 * GB)
    assert needs.of(known_as, 9 * GB) == int(6 * GB * MARGIN)

    for _ in range(ENOUGH):
        needs.learn(known_as, 6 * GB)

    assert needs.of(known_as, 9 * GB) == 6 * GB


def test_one_peak_in_twenty_is_left_out() -> None:
    """Once, something else held the machine up."""
    peaks = [3 * GB] * 19

    assert learned([*peaks, 14 * GB], 6 * GB) == 3 * GB
    assert learned([*peaks[1:], 14 * GB, 14 * GB], 6 * GB) == 14 * GB


def test_a_need_never_shrinks_to_nothing() -> None:
    """A peak of a second can be missed."""
    assert learned([1] * 40, 6 * GB) == 6 * GB // 4


@given(st.lists(st.integers(1, 10**12), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_one_of_the_values(values: list[int], share: float) -> None:
    """At least that share of them does not exceed it."""
    found = percentile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_only_the_newest_count(needs: Needs) -> None:
    """A workflow that was mended is learned anew."""
    for peak in [9 * GB] * KEPT + [2 * GB] * KEPT:
        needs.learn("txt2img cold", peak)

    assert needs.of("txt2img cold", 6 * GB) == 2 * GB
    assert needs.told() == {"txt2img cold": Learned(2 * GB, KEPT)}


def test_nothing_is_learned_from_what_was_not_measured(needs: Needs) -> None:
    """A process that nobody could look at."""
    needs.learn("txt2img cold", 0)

    assert needs.told() == {}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": "b", "c": [true, -1, "x"]}', "[" * 9999])
def test_a_file_that_is_none_is_thrown_away(needs: Needs, tmp_path: Path, text: str) -> None:
    """What the config says counts again."""
    (tmp_path / "needs.json").write_text(text, "utf-8")

    assert needs.of("a", 6 * GB) == 6 * GB
    assert needs.told() == {}
    needs.learn("a", GB)
    assert needs.told() == {"a": Learned(GB, 1)}


def test_a_single_number_is_a_peak(needs: Needs, tmp_path: Path) -> None:
    """As an earlier version wrote it."""
    (tmp_path / "needs.json").write_text(json.dumps({"512": 8 * GB}), "utf-8")

    assert needs.told() == {"512": Learned(8 * GB, 1)}


def test_a_folder_that_cannot_be_written_is_no_harm(tmp_path: Path) -> None:
    """Then nothing is learned."""
    Needs(tmp_path / "missing" / "needs.json").learn("a", GB)
