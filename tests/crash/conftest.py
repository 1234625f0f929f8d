"""One quick engine for all the daemons that die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.door.process import EngineProcess


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine whose steps cost next to nothing."""
    engine = EngineProcess(tmp_path_factory.mktemp("engine"), 0.001)
    yield engine
    engine.kill()
