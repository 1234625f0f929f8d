"""What is claimed of renames that never replace, on volumes with and without a call for it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from plasma_watch.system import renames
from tests.fakes.disk import keeps

LINKLESS = [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK]
NO_CALL = [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP]


def by_link(source: Path, target: Path) -> None:
    """Rename on a volume that has no call but links."""
    renames.rename_by_hand(source, target)


def without_links(source: Path, target: Path) -> None:
    """Rename on a volume that has neither."""

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(target))

    renames.rename_by_hand(source, target, link)


HANDS = [by_link, without_links]
Rename = Callable[[Path, Path], None]


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("rename", HANDS)
def test_a_file_is_renamed_by_hand(tmp_path: Path, rename: Rename) -> None:
    """Its content, its inode and everything else of it stay."""
    source = tmp_path / "a"
    source.write_text("content")
    inode = source.stat().st_ino

    rename(source, tmp_path / "b")

    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").stat().st_ino == inode


@pytest.mark.parametrize("rename", HANDS)
def test_a_folder_is_renamed_by_hand(tmp_path: Path, rename: Rename) -> None:
    """With all that lies in it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "job.toml").touch()

    rename(tmp_path / "a", tmp_path / "b")

    assert names(tmp_path) == ["b"]
    assert names(tmp_path / "b") == ["job.toml"]


@pytest.mark.parametrize("rename", HANDS)
def test_a_link_is_renamed_and_not_followed(tmp_path: Path, rename: Rename) -> None:
    """When a link was dropped and is refused, also one to a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").symlink_to("folder")

    rename(tmp_path / "a", tmp_path / "b")

    assert names(tmp_path) == ["b", "folder"]
    assert (tmp_path / "b").readlink() == Path("folder")


@pytest.mark.parametrize("rename", HANDS)
@pytest.mark.parametrize("source", ["file", "folder"])
@pytest.mark.parametrize("taken", ["file", "empty folder", "folder", "dangling link"])
def test_nothing_is_replaced_by_hand(
    tmp_path: Path, rename: Rename, source: str, taken: str
) -> None:
    """Whatever is renamed and whatever holds the name: both stay."""
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir() if source == "folder" else here.write_text("mine")
    match taken:
        case "file":
            there.write_text("yours")
        case "dangling link":
            there.symlink_to("nothing")
        case _:
            there.mkdir()
    if taken == "folder":
        (there / "inside").touch()
    before = there.lstat()

    with pytest.raises(FileExistsError):
        rename(here, there)

    assert names(tmp_path) == ["a", "b"]
    assert (there.lstat().st_ino, there.lstat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("rename", HANDS)
def test_what_is_gone_cannot_be_renamed(tmp_path: Path, rename: Rename) -> None:
    """When somebody took the request back in this moment."""
    with pytest.raises(FileNotFoundError):
        rename(tmp_path / "a", tmp_path / "b")

    assert names(tmp_path) == []


def test_a_folder_that_cannot_move_leaves_no_empty_one(tmp_path: Path) -> None:
    """When the rename fails after the empty folder was made for it: here, into itself."""
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError, match="Invalid argument"):
        renames.rename_by_hand(tmp_path / "a", tmp_path / "a" / "b")

    assert names(tmp_path / "a") == []


def test_a_disk_that_fails_is_not_one_that_cannot_link(tmp_path: Path) -> None:
    """When it is full, nothing else is tried."""

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))

    (tmp_path / "a").touch()

    with pytest.raises(OSError, match="No space left"):
        renames.rename_by_hand(tmp_path / "a", tmp_path / "b", link)

    assert names(tmp_path) == ["a"]


def test_a_disk_that_keeps_the_first_name_gets_no_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it links but will not unlink: one file never stands in two folders."""
    source = tmp_path / "a"
    source.touch()

    monkeypatch.setattr(os, "unlink", keeps(source))

    with pytest.raises(OSError, match="Input/output error"):
        renames.rename_by_hand(source, tmp_path / "b")

    assert names(tmp_path) == ["a"]


def test_a_first_name_that_is_gone_is_none_to_keep(tmp_path: Path) -> None:
    """When somebody took it away in this moment: the file has its second name and keeps it."""
    (tmp_path / "a").touch()

    def link(source: Path, target: Path) -> None:
        os.link(source, target)
        source.unlink()

    renames.rename_by_hand(tmp_path / "a", tmp_path / "b", link)

    assert names(tmp_path) == ["b"]


def test_the_platforms_call_does_it_where_it_can(tmp_path: Path) -> None:
    """It is told both names as bytes, and nothing else is done."""
    told = []

    def call(source: bytes, target: bytes) -> int:
        told.append((source, target))
        return 0

    renames.rename(tmp_path / "ä", tmp_path / "b", call)

    assert told == [(os.fsencode(tmp_path / "ä"), os.fsencode(tmp_path / "b"))]


@pytest.mark.parametrize("number", NO_CALL)
def test_a_volume_without_the_call_is_served_by_hand(tmp_path: Path, number: int) -> None:
    """When the kernel or the file system does not know it."""
    (tmp_path / "a").touch()

    renames.rename(tmp_path / "a", tmp_path / "b", lambda *_: number)

    assert names(tmp_path) == ["b"]


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EEXIST, FileExistsError),
        (errno.ENOENT, FileNotFoundError),
        (errno.EACCES, PermissionError),
        (errno.EXDEV, OSError),
    ],
)
def test_what_the_call_refuses_is_refused(
    tmp_path: Path, number: int, error: type[OSError]
) -> None:
    """With both names, and nothing tried in its place."""
    (tmp_path / "a").touch()

    with pytest.raises(error) as caught:
        renames.rename(tmp_path / "a", tmp_path / "b", lambda *_: number)

    assert caught.value.errno == number
    assert (caught.value.filename, caught.value.filename2) == (
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    )
    assert names(tmp_path) == ["a"]
