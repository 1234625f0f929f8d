"""No path leads out, whatever changes between the look and the reading."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import files
from plasma_watch.system.beneath import read_beneath

INSIDE, SECRET = b"inside", b"secret"
ROUNDS = 3000
CODES = {Code.REQUEST_NOT_A_FILE, Code.REQUEST_MISSING_FILE}


@contextlib.contextmanager
def swapping(one: Path, other: Path, name: Path) -> Iterator[None]:
    """Let a name mean now the one, now the other, as fast as can be."""
    stop = threading.Event()

    def swap() -> None:
        for current in itertools.cycle((one, other)):
            if stop.is_set():
                return
            os.rename(current, name)  # noqa: PTH104 - as fast as can be
            os.rename(name, current)  # noqa: PTH104 - the same

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_often(read: Callable[[], bytes]) -> set[bytes | Code]:
    """Read again and again; return all that came of it."""
    found: set[bytes | Code] = set()
    for _ in range(ROUNDS):
        try:
            found.add(read())
        except PlasmaError as exc:
            found.add(exc.code)
        except FileNotFoundError:
            found.add(Code.REQUEST_MISSING_FILE)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside a folder with a secret of the same name."""
    for folder, content in (("home", INSIDE), ("outside", SECRET)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.png").write_bytes(content)
    return tmp_path / "home"


def test_file_that_becomes_a_link_is_never_followed(home: Path) -> None:
    """The last part of the way: between the check and the reading it leads elsewhere."""
    file, link = home / "a.file", home / "a.link"
    file.write_bytes(INSIDE)
    link.symlink_to(home.parent / "outside" / "p.png")

    with swapping(file, link, home / "a.png"):
        beneath = read_often(lambda: read_beneath("a.png", [home], 100))
        dropped = read_often(lambda: files.read_regular(home / "a.png", 100)[0])

    assert beneath | dropped <= {INSIDE, *CODES}


def test_folder_that_becomes_a_link_is_never_followed(home: Path) -> None:
    """Any part of the way."""
    folder, link = home / "poses.folder", home / "poses.link"
    folder.mkdir()
    (folder / "p.png").write_bytes(INSIDE)
    link.symlink_to(home.parent / "outside")

    with swapping(folder, link, home / "poses"):
        found = read_often(lambda: read_beneath("poses/p.png", [home], 100))

    assert found <= {INSIDE, *CODES}
