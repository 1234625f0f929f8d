"""What the tests of single rooms share."""

from pathlib import Path

import pytest

from plasma_watch.sandbox.bench import Bench, Draw
from plasma_watch.sandbox.folders import Folders, prepare


@pytest.fixture
def steps() -> list[tuple[int, int]]:
    """Collect the steps that were taken."""
    return []


@pytest.fixture
def bench(tmp_path: Path, steps: list[tuple[int, int]]) -> Bench:
    """Give a bench over a base directory that was just made."""
    prepare(Folders(tmp_path))

    def step(value: int, maximum: int, draw: Draw | None) -> None:
        steps.append((value, maximum))
        assert draw is None or draw().width > 0

    return Bench(Folders(tmp_path), {}, step)
