"""What is the owner's alone: the journal and the private folder, also in a home from before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from plasma_watch.config import Config
from plasma_watch.daemon import check_layout
from plasma_watch.line import Line
from tests.door.process import make_home
from tests.fakes.home import a_home, drop, waiting


def rights(path: Path) -> int:
    """Return the rights of a folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_new_home_keeps_its_journals_to_itself(tmp_path: Path) -> None:
    """Whatever the umask lets others do elsewhere."""
    before = os.umask(0)
    try:
        home = make_home(tmp_path / "home")
    finally:
        os.umask(before)

    assert [rights(home / name) for name in ("running", ".plasma")] == [0o700, 0o700]
    assert rights(home / "inbox") == 0o777


def test_home_from_before_is_tightened_at_the_start(tmp_path: Path) -> None:
    """What others may do in the inbox is not ours to say."""
    home = a_home(tmp_path)
    for folder in home.spool() + home.closed():
        folder.chmod(0o775)

    check_layout(home, Config())

    assert [rights(folder) for folder in home.closed()] == [0o700, 0o700]
    assert [rights(folder) for folder in (home.inbox, home.done)] == [0o775, 0o775]


def test_folder_of_a_job_is_the_owners_alone(tmp_path: Path) -> None:
    """From the claim on, and wherever it ends."""
    home = a_home(tmp_path)
    line = Line(home)
    item = waiting(drop(home, "p003.toml"))
    line.admit(item)
    before = os.umask(0)
    try:
        ongoing = line.claim(item)
    finally:
        os.umask(before)

    assert ongoing is not None
    assert rights(ongoing.folder) == 0o700
