"""An engine that does wrong when it is told to, and a home that works with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.fakes.studio import Studio
from tests.sandbox.process import Sandbox, running

QUICK = ("--seconds-per-step", "0.001")
Start = Callable[..., AbstractContextManager[Sandbox]]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One engine for all faults that it lives through."""
    with running(tmp_path_factory.mktemp("faults") / "base", *QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def engine(shared: Sandbox) -> Iterator[Sandbox]:
    """That engine, without a fault."""
    shared.give()
    yield shared
    shared.give()
    shared.wait_until_idle()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Sandbox]:
    """An engine of the test's own, to be killed."""
    with running(tmp_path / "base", *QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def studio(tmp_path: Path, engine: Sandbox) -> Studio:
    """A home that makes its pictures there."""
    return Studio(tmp_path, engine.url, engine.base)
