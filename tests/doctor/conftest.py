"""What the doctor's tests share: a home as `init` makes it, and an engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plasma_watch.cli.homes import init
from plasma_watch.home import Home
from tests.sandbox.process import Sandbox, running


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Home:
    """A fresh home."""
    init(tmp_path / "home")
    capsys.readouterr()
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, in a process of its own."""
    with running(tmp_path_factory.mktemp("sandbox") / "base") as sandbox:
        yield sandbox
