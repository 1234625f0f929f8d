"""No path leads out, whatever changes between the look and the reading."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import files
from plasma_watch.system.beneath import read_beneath
from tests.sandbox.process import PATIENCE_SECONDS

INSIDE, SECRET = b"inside", b"secret"
ROUNDS = 300
needs_exchange = pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps names")
CODES = {Code.REQUEST_NOT_A_FILE, Code.REQUEST_MISSING_FILE}


_SWAPPER = """
import ctypes, os, sys
exchange, here = 2, -100
call = ctypes.CDLL(None).renameat2
names = [os.fsencode(name) for name in sys.argv[1:]]
while os.getppid() != 1:
    if call(here, names[0], here, names[1], exchange):
        sys.exit("cannot exchange names here")
"""
"""Lets two names mean each other's thing, as fast as can be, for as long as the test lives."""


@contextlib.contextmanager
def swapping(name: Path, other: Path) -> Iterator[None]:
    """Let a name mean now the one thing, now the other, and never nothing."""
    command = [sys.executable, "-S", "-c", _SWAPPER, str(name), str(other)]
    with subprocess.Popen(command) as process:
        try:
            yield
            assert process.poll() is None
        finally:
            process.kill()


def read_often(read: Callable[[], bytes], found: set[bytes | Code]) -> None:
    """Read again and again, and note all that came of it."""
    for _ in range(ROUNDS):
        try:
            found.add(read())
        except PlasmaError as exc:
            found.add(exc.code)
        except FileNotFoundError:
            found.add(Code.REQUEST_MISSING_FILE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside a folder with a secret of the same name."""
    for folder, content in (("home/poses", INSIDE), ("outside", SECRET)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "p.png").write_bytes(content)
    return tmp_path / "home"


def naive(path: Path) -> bytes:
    """Look first, and read then."""
    if any(part.is_symlink() for part in (path, path.parent)):
        raise FileNotFoundError
    return path.read_bytes()


@needs_exchange
@pytest.mark.parametrize("swapped", ["p.png", "poses"])
def test_what_becomes_a_link_is_never_followed(home: Path, swapped: str) -> None:
    """The last part of the way, or any other: between look and reading it leads elsewhere."""
    path = home / "poses" / "p.png"
    name = path if swapped == "p.png" else path.parent
    (home / "link").symlink_to(home.parent / "outside" / ("p.png" if name == path else ""))

    beneath: set[bytes | Code] = set()
    dropped: set[bytes | Code] = set()
    naively: set[bytes | Code] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    with swapping(name, home / "link"):
        while not (INSIDE in beneath and SECRET in naively) and time.monotonic() < deadline:
            read_often(lambda: read_beneath("poses/p.png", [home], 100), beneath)
            read_often(lambda: files.read_regular(path, 100)[0], dropped)
            read_often(lambda: naive(path), naively)

    assert INSIDE in beneath
    assert SECRET in naively
    assert beneath <= {INSIDE, *CODES}
    assert swapped == "poses" or dropped <= {INSIDE, *CODES}
