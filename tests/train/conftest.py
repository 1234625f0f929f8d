"""Homes that train."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import plotting
from tests.fakes.forge import Forge


@pytest.fixture(autouse=True)
def _cheap_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the losses with what costs nothing."""
    monkeypatch.setenv("PYTHONPATH", str(plotting.FOLDER))


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """A home that trains, in which no trainer outlives the test."""
    forge = Forge(tmp_path)
    yield forge
    left = forge.trainers()
    for process in left:
        process.kill()
    assert left == []
    for weights in tmp_path.rglob("*.safetensors"):
        weights.unlink()  # over all tests that is gigabytes


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A trainer of which each fault strikes once; `setenv` says which."""
    monkeypatch.setenv("PLASMA_SANDBOX_TRAINER_SPENT", str(tmp_path / "spent"))
    return monkeypatch
