"""What the tests of the platform share: launchctl and systemctl as stand-ins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.launchd import FakeLaunchctl, FakeLaunchd
from tests.fakes.systemctl import FakeSystemctl


@pytest.fixture
def launchctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLaunchctl]:
    """The stand-in for launchctl, on PATH."""
    fake = FakeLaunchctl(tmp_path, FakeLaunchd(tmp_path))
    monkeypatch.setenv("PATH", f"{fake.folder}:{os.environ['PATH']}")
    yield fake
    fake.close()


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemctl:
    """The stand-in for systemctl, on PATH."""
    fake = FakeSystemctl(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.folder}:{os.environ['PATH']}")
    return fake
