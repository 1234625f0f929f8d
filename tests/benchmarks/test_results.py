"""What a figure says of itself: its ratio, its goal, and nothing that was not shown."""

from __future__ import annotations

import json

import pytest

from benchmarks.results import Goal, Result, Spread, at_p99, milliseconds, of_plain, plain, tell

FAST, SLOW = Spread.of([0.001] * 99 + [0.005]), Spread.of([0.002] * 99 + [0.2])


def test_spread_is_of_what_was_measured() -> None:
    """The slowest of a hundred is its p99."""
    assert Spread.of([float(n) for n in range(100, 0, -1)]) == Spread(50.5, 91.0, 100.0)


def test_one_measurement_is_its_own_spread() -> None:
    """There is nothing else to say."""
    assert Spread.of([3.0]) == Spread(3.0, 3.0, 3.0)


def test_ratio_is_to_the_floor() -> None:
    """Median to median, slowest to slowest."""
    assert milliseconds("x", SLOW, FAST).ratio == pytest.approx(2)
    assert at_p99("x", SLOW, FAST).ratio == pytest.approx(40)


def test_ratio_of_a_speed_is_how_many_times_slower() -> None:
    """More is better there."""
    assert Result("x", 25.0, "MB/s", 100.0, Goal(least=50)).ratio == 4


@pytest.mark.parametrize("floor", [None, 0.0])
def test_without_a_floor_there_is_no_ratio(floor: float | None) -> None:
    """Nor with one that costs nothing."""
    assert Result("x", 25.0, "ms", floor).ratio is None


@pytest.mark.parametrize(
    ("result", "is_met"),
    [
        (Result("x", 100.0, "ms", None, Goal(most=100)), True),
        (Result("x", 100.1, "ms", None, Goal(most=100)), False),
        (Result("x", 50.0, "MB/s", 1.0, Goal(least=50)), True),
        (Result("x", 49.9, "MB/s", 1.0, Goal(least=50)), False),
        (Result("x", 3.0, "ms", 2.0, Goal(most_ratio=1.5)), True),
        (Result("x", 3.1, "ms", 2.0, Goal(most_ratio=1.5)), False),
        (Result("x", 3.0, "ms", 2.0, Goal(most=2, most_ratio=1.5)), False),
        (Result("x", 3.0, "ms", None, Goal(most_ratio=1.5)), False),
        (Result("x", 3.0, "ms", 2.0), None),
    ],
)
def test_goal_is_met_when_every_part_is(result: Result, is_met: bool | None) -> None:  # noqa: FBT001
    """One of a ratio is missed where no ratio was shown; none is met where none was set."""
    assert result.is_met is is_met


def test_what_missed_its_goal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With floor, ratio, spread and goal beside it; the program says it too."""
    code = tell([milliseconds("a page", SLOW, FAST, Goal(most=10, most_ratio=1.5))])

    told = capsys.readouterr().out.split()
    assert " ".join(told) == (
        "a page 2.00 ms 2.00 x the floor of 1.00 ms (2.00 / 2.00 / 200) "
        "goal ≤ 10, ≤ 1.5 x the floor OVER"
    )
    assert code == 1


def test_what_has_no_goal_misses_none() -> None:
    """A figure may stand by itself."""
    assert tell([Result("x", 3.0, "MB")]) == 0


def test_result_comes_back_from_json() -> None:
    """With all its parts, or with none of them."""
    for result in (Result("x", 3.0, "MB"), at_p99("x", SLOW, FAST, Goal(most_ratio=2))):
        assert of_plain(json.loads(json.dumps(plain(result)))) == result
