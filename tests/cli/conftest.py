"""The command line, called as the console script calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from plasma_watch.cli import main
from plasma_watch.cli.homes import init
from plasma_watch.system.locks import Lock


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A fresh home."""
    init(tmp_path / "home")
    capsys.readouterr()
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command against the home."""
    monkeypatch.setenv("PLASMA_HOME", str(home))

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["plasma-watch", *arguments])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return call


@pytest.fixture
def held(home: Path) -> Lock:
    """The home's lock, held as a daemon would."""
    lock = Lock(home / ".plasma" / "lock")
    assert lock.acquire()
    return lock
