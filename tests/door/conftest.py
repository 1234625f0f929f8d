"""The door: homes, daemons and engines for the tests that go through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.process import DaemonProcess, EngineProcess, make_home


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """A quick engine that all tests share which do not harm it."""
    engine = EngineProcess(tmp_path_factory.mktemp("engine"), 0.01)
    yield engine
    engine.kill()


@pytest.fixture(scope="session")
def _slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine that takes its time."""
    engine = EngineProcess(tmp_path_factory.mktemp("slow"), 0.1)
    yield engine
    engine.kill()


@pytest.fixture
def slow_engine(_slow: EngineProcess) -> Iterator[EngineProcess]:
    """An engine slow enough to be met at work, which knows of no prompt but the test's."""
    yield _slow
    _slow.renew()


@pytest.fixture
def daemon(tmp_path: Path, engine: EngineProcess) -> Iterator[DaemonProcess]:
    """A running daemon with the shared engine."""
    daemon = DaemonProcess(make_home(tmp_path / "home"), engine)
    daemon.start()
    yield daemon
    daemon.kill()


@pytest.fixture
def own_daemon(tmp_path: Path, slow_engine: EngineProcess) -> Iterator[DaemonProcess]:
    """A home with a slow engine of its own; the daemon is not started."""
    daemon = DaemonProcess(make_home(tmp_path / "home"), slow_engine)
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.kill()
