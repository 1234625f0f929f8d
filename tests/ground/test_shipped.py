"""What is claimed of the files that travel with the program."""

from __future__ import annotations

import pytest

from plasma_watch.shipped import shipped


@pytest.mark.parametrize("name", ["config.toml", "workflows", "examples"])
def test_what_init_writes_travels_with_the_program(name: str) -> None:
    """In a checkout and in an installed package alike."""
    assert shipped(name).exists()


def test_a_shipped_template_has_its_slot_map() -> None:
    """When a workflow is shipped without one it could not be used."""
    workflows = shipped("workflows")

    named = {path.stem for path in workflows.glob("*.json")}
    assert named
    assert named == {path.stem for path in workflows.glob("*.toml")}


def test_what_is_not_shipped_is_not_there() -> None:
    """Its path is told all the same, for the message of whoever opens it."""
    assert not shipped("no-such-thing").exists()
