"""What is claimed of needs that are learned."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.gate.needs import MARGIN, Needs


@pytest.fixture
def needs(tmp_path: Path) -> Needs:
    """What nothing was learned of yet."""
    return Needs(tmp_path / "needs.json")


def test_before_anything_is_learned_the_config_counts(needs: Needs) -> None:
    """For every resolution."""
    assert needs.of(512, 9000) == 9000


def test_what_was_seen_counts_with_a_margin(needs: Needs, tmp_path: Path) -> None:
    """Also for the next daemon."""
    needs.learn(512, 6000)

    assert Needs(tmp_path / "needs.json").of(512, 9000) == int(6000 * MARGIN)
    assert needs.of(384, 9000) == 9000


def test_nothing_is_learned_from_nothing(needs: Needs) -> None:
    """A training that was too short to be measured."""
    needs.learn(512, 0)

    assert needs.of(512, 9000) == 9000


@pytest.mark.parametrize("text", ["", "[]", "{", '{"512": "much"}'])
def test_a_damaged_file_is_thrown_away(needs: Needs, tmp_path: Path, text: str) -> None:
    """What lies in .plasma can be."""
    (tmp_path / "needs.json").write_text(text)

    assert needs.of(512, 9000) == 9000
    needs.learn(512, 100)
    assert needs.of(512, 9000) == int(100 * MARGIN)


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    """It is learned another time."""
    Needs(tmp_path / "none" / "needs.json").learn(512, 100)

    assert not (tmp_path / "none").exists()
