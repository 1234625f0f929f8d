"""Engines to speak with: one that says what it is told to, and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.engine import FakeEngine, fake_engine
from tests.sandbox.process import Sandbox, running


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """An engine that says what it is told to say."""
    with fake_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, in a process of its own, with a preview for each step."""
    base = tmp_path_factory.mktemp("sandbox") / "base"
    with running(base, "--seconds-per-step", "0.02", "--previews") as sandbox:
        yield sandbox
