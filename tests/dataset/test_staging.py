"""A dataset's folder changes whole or not at all, by one command at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from plasma_watch.dataset.record import RECORD, Record
from plasma_watch.dataset.staging import staging
from plasma_watch.errors import Code, PlasmaError


def visible(folder: Path) -> set[str]:
    """Return what can be seen in a folder."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def published(folder: Path, *names: str) -> None:
    """Put files into a folder, with a record."""
    with staging(folder) as stage:
        for name in names:
            stage.stage(name, name.encode())
        stage.publish(Record(trigger="spyke"))


def test_nothing_is_seen_before_everything_is_there(tmp_path: Path) -> None:
    """Then all of it."""
    folder = tmp_path / "deep" / "set"
    with staging(folder) as stage:
        stage.stage("a.png", b"a")
        before = visible(folder)
        stage.publish(Record(trigger="spyke"))

    assert before == set()
    assert visible(folder) == {"a.png", RECORD}
    assert not (folder / ".dataset.tmp").exists()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """And nothing half written; a folder that was new is gone again."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "mine.png").write_bytes(b"m")
    for folder in (old, tmp_path / "new"):
        with pytest.raises(FileNotFoundError), staging(folder) as stage:
            stage.stage("no/a.png", b"a")

    assert visible(old) == {"mine.png"}
    assert not (tmp_path / "new").exists()


def test_what_was_staged_whole_is_put_into_place_after_a_crash(tmp_path: Path) -> None:
    """The record lies in the hidden folder: then all the rest does as well."""
    staged = tmp_path / ".dataset.tmp"
    staged.mkdir()
    for name, content in (("a.png", b"a"), ("a.txt", b"t"), (RECORD, b"trigger = 'spyke'\n")):
        (staged / name).write_bytes(content)

    with staging(tmp_path) as stage:
        assert stage.read().trigger == "spyke"

    assert visible(tmp_path) == {"a.png", "a.txt", RECORD}


def test_what_the_disk_refused_half_way_is_finished_by_the_next_command(tmp_path: Path) -> None:
    """Here a folder named like a picture is in the way; nothing is lost until it is gone."""
    folder = tmp_path / "set"
    (folder / "b.png").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        published(folder, "a.png", "b.png", "b.txt", "c.png")
    with pytest.raises(IsADirectoryError), staging(folder):
        pass

    (folder / "b.png").rmdir()
    with staging(folder) as stage:
        assert stage.read().trigger == "spyke"

    assert visible(folder) == {"a.png", "b.png", "b.txt", "c.png", RECORD}
    assert (folder / "b.png").read_bytes() == b"b.png"
    assert not (folder / ".dataset.tmp").exists()


def test_what_was_not_is_thrown_away(tmp_path: Path) -> None:
    """Without a record nobody knows what is missing."""
    staged = tmp_path / ".dataset.tmp"
    staged.mkdir()
    (staged / "a.png").write_bytes(b"half")

    with staging(tmp_path):
        pass

    assert visible(tmp_path) == set()
    assert not staged.exists()


def test_two_commands_at_a_time_are_refused(tmp_path: Path) -> None:
    """The second is told who is at work."""
    with staging(tmp_path), pytest.raises(PlasmaError) as caught, staging(tmp_path):
        pass

    assert caught.value.code is Code.DATASET_BUSY


def test_what_lies_there_is_told(tmp_path: Path) -> None:
    """Pictures by their hashes, captions by their texts; folders and hidden files are neither."""
    (tmp_path / "a.PNG").write_bytes(b"a")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfspyke")
    (tmp_path / ".b.png").write_bytes(b"b")
    (tmp_path / "c.png").mkdir()
    (tmp_path / "notes.md").write_bytes(b"n")

    with staging(tmp_path) as stage:
        lying = stage.lying()

    assert set(lying.pictures) == {"a.PNG"}
    assert lying.captions == {"a": "spyke"}


def test_staged_files_can_be_taken_back(tmp_path: Path) -> None:
    """What is kept as it lies there is not written."""
    with staging(tmp_path) as stage:
        stage.stage("a.png", b"new")
        stage.forget("a.png")
        stage.publish(Record())

    assert visible(tmp_path) == {RECORD}
