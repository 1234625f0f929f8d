"""Pictures are found by what made them, by an index that only ever says where to look."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.outputs.manifest import Manifest
from plasma_watch.report.heads import read_head
from plasma_watch.report.index import Index
from plasma_watch.report.question import Question
from plasma_watch.system.locks import Lock

LONG_AGO = time.time() - 3600


class Shelf:
    """An output folder with its index. Its state is on the disk."""

    def __init__(self, root: Path) -> None:
        self.output = root / "output"
        self.output.mkdir()
        self.path = root / "index.sqlite"

    def put(self, name: str, result: dict[str, Any] | None = None, **request: Any) -> Path:
        """Put a manifest there, as if long ago; return its path."""
        path = self.output / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Manifest(
            request={"kind": "generate", "prompt": "spyke"} | request,
            result={"made": datetime(2026, 11, 22, 12, tzinfo=UTC), "sha256": name}
            | (result or {}),
            engine={"version": "0.3.64"},
            models=[],
            inputs=[],
            daemon={},
            graph={"3": {}},
            template_sha256="ef",
        )
        path.write_text(made.to_toml())
        self.age()
        return path

    def age(self) -> None:
        """Let all folders have changed long ago, so that they count as settled."""
        folders = (folder for folder, _, _ in os.walk(self.output))
        for folder in folders:
            found = Path(folder).stat()
            if time.time() - found.st_mtime < 60:
                os.utime(folder, (LONG_AGO, LONG_AGO + found.st_ino % 1000 + found.st_mtime % 1))

    def ask(self, most: int = 20, **keys: Any) -> list[str]:
        """Return the names that a question finds."""
        with Index(self.path, self.output) as index:
            return self.names(index.find(Question(**keys), most))

    def names(self, found: Any) -> list[str]:
        """Return found manifests as names below the output folder."""
        return [str(f.manifest.relative_to(self.output).with_suffix("")) for f in found]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty output folder."""
    return Shelf(tmp_path)


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    """A few pictures of two heroes."""
    shelf.put(
        "ch-01/raw/ch01_p003_v1",
        {"made": datetime(2026, 11, 1, 9, tzinfo=UTC), "phash": "00000000000000ff"},
        chapter=1,
        page=3,
        prompt="Spyke, WHITE cloak\nin the rain",
        seed=2**64 - 1,
        checkpoint="anything-v5-PrtRE.safetensors",
        workflow="txt2img-lora",
        lora={"name": "spyke-0a1b2c3d.safetensors", "strength": 0.8},
    )
    shelf.put(
        "ch-01/raw/ch01_p003_v2",
        {
            "made": datetime(2026, 11, 2, 9, tzinfo=UTC),
            "approved": datetime(2026, 11, 3, tzinfo=UTC),
        },
        chapter=1,
        page=3,
        prompt="Spyke, black cloak",
        seed=2,
        lora={"name": "spyke.safetensors"},
    )
    shelf.put(
        "studies/mara_v1",
        {"made": datetime(2026, 11, 3, 9, tzinfo=UTC)},
        prompt="mara, white dress",
        seed=3,
        checkpoint="counterfeit.safetensors",
        lora={"name": "spyke-style.safetensors"},
    )
    return shelf


FIRST, SECOND, MARA = "ch-01/raw/ch01_p003_v1", "ch-01/raw/ch01_p003_v2", "studies/mara_v1"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, [FIRST, SECOND, MARA]),
        ({"character": "spyke"}, [FIRST, SECOND]),
        ({"character": "SPYKE-style"}, [MARA]),
        ({"character": "spyke-0a1b2c3d.safetensors"}, [FIRST]),
        ({"character": "spy*"}, []),
        ({"chapter": 1}, [FIRST, SECOND]),
        ({"chapter": 1, "page": 4}, []),
        ({"prompt": "white spyke"}, [FIRST]),
        ({"prompt": "WHITE"}, [FIRST, MARA]),
        ({"prompt": ""}, [FIRST, SECOND, MARA]),
        ({"prompt": "100%_"}, []),
        ({"seed": 2**64 - 1}, [FIRST]),
        ({"model": "anything"}, [FIRST]),
        ({"workflow": "txt2img-lora"}, [FIRST]),
        ({"since": date(2026, 11, 2)}, [SECOND, MARA]),
        ({"until": date(2026, 11, 2)}, [FIRST, SECOND]),
        ({"since": date(2026, 11, 2), "until": date(2026, 11, 2)}, [SECOND]),
        ({"approved": True}, [SECOND]),
        ({"most": 1}, [MARA]),
    ],
)
def test_pictures_are_found_by_what_made_them(
    full: Shelf, keys: dict[str, Any], found: list[str]
) -> None:
    """The newest last; each thing that is asked must hold."""
    assert full.ask(**keys) == found


def test_found_manifest_is_the_file_itself(full: Shelf) -> None:
    """What is shown is never the index's own word."""
    with Index(full.path, full.output) as index:
        (found,) = index.find(Question(seed=2), 20)

    assert found.table["prompt"] == "Spyke, black cloak"
    assert found.picture == full.output / f"{SECOND}.png"


def test_content_leads_to_its_manifest(full: Shelf) -> None:
    """Whatever the picture is called now."""
    with Index(full.path, full.output) as index:
        assert full.names(index.of_content(MARA)) == [MARA]
        assert index.of_content("nobody's") == []


def test_what_looks_alike_is_found_with_its_distance(full: Shelf) -> None:
    """The nearest first; what has no hash is like nothing."""
    full.put("studies/near_v1", {"phash": "00000000000000fe"})
    full.put("studies/odd_v1", {"phash": "no hash"})

    with Index(full.path, full.output) as index:
        found = index.like("00000000000000ff", 3, 5)
        nothing = index.like("ffffffff00000000", 3, 5)

    assert [(distance, *full.names([one])) for distance, one in found] == [
        (0, FIRST),
        (1, "studies/near_v1"),
    ]
    assert nothing == []


def test_versions_of_a_picture_are_found_in_their_order(full: Shelf) -> None:
    """Ten comes after nine; case makes no difference."""
    for version in (10, 9):
        full.put(f"ch-01/raw/ch01_p003_v{version}")

    with Index(full.path, full.output) as index:
        found = index.versions("CH01_p003")

    assert full.names(found)[-2:] == ["ch-01/raw/ch01_p003_v9", "ch-01/raw/ch01_p003_v10"]


def test_sheets_are_no_pictures(full: Shelf) -> None:
    """They are found by their content all the same."""
    full.put("studies/mara_sheet_v1", {"sheet": True})

    assert "studies/mara_sheet_v1" not in full.ask()
    with Index(full.path, full.output) as index:
        assert full.names(index.of_content("studies/mara_sheet_v1"))


# It keeps up.


CHANGES: dict[str, Callable[[Shelf], object]] = {
    "nothing": lambda _: None,
    "a new one": lambda shelf: shelf.put("ch-01/raw/ch01_p004_v1", seed=9),
    "a new folder": lambda shelf: shelf.put("ch-02/raw/ch02_p001_v1", seed=9),
    "one removed": lambda shelf: (shelf.output / f"{FIRST}.toml").unlink(),
    "one renamed": lambda shelf: (shelf.output / f"{FIRST}.toml").rename(
        shelf.output / "ch-01/raw/best.toml"
    ),
    "a folder moved": lambda shelf: (shelf.output / "ch-01").rename(shelf.output / "done"),
    "one rewritten whole": lambda shelf: shelf.put(FIRST, seed=4711),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_changed_is_read_anew(full: Shelf, change: Callable[[Shelf], object]) -> None:
    """As an index that begins anew would have it."""
    full.ask()

    change(full)
    found = full.ask()

    full.path.unlink()
    assert found == full.ask()


def test_what_has_not_changed_is_not_read_again(full: Shelf) -> None:
    """Neither files nor folders."""
    with Index(full.path, full.output) as index:
        assert index.refresh() == 0
    with Index(full.path, full.output) as index:
        hidden = full.output / f"{MARA}.toml"
        index._db.execute(
            "UPDATE pictures SET prompt = 'of the index' WHERE name = ?", [hidden.name]
        )
        index._db.commit()
    with Index(full.path, full.output) as index:
        assert full.names(index.find(Question(prompt="of the index"), 5)) == [MARA]


def test_folder_that_changed_just_now_is_not_trusted(full: Shelf) -> None:
    """Its clock may not tell the next change from the last."""
    full.ask()
    path = full.put("studies/new_v1", seed=8)
    now = time.time_ns()
    os.utime(path.parent, ns=(now, now))
    assert full.ask(seed=8)

    path.rename(path.with_name("renamed_v1.toml"))
    os.utime(path.parent, ns=(now, now))

    assert full.ask(seed=8) == ["studies/renamed_v1"]


def test_file_changed_in_place_is_read_anew_before_it_is_shown(full: Shelf) -> None:
    """An editor that writes in place leaves the folder as it was."""
    full.ask()
    path = full.output / f"{SECOND}.toml"
    stamp = path.parent.stat()
    path.write_text(path.read_text().replace("seed = 2\n", "seed = 77\n"))
    os.utime(path.parent, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert full.ask(seed=2) == []
    assert full.ask(seed=77) == [SECOND]


def test_file_that_went_without_a_trace_is_not_shown(full: Shelf) -> None:
    """Also when its folder says that nothing changed."""
    full.ask()
    path = full.output / f"{SECOND}.toml"
    stamp = path.parent.stat()
    path.unlink()
    os.utime(path.parent, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert full.ask() == [FIRST, MARA]


def test_what_is_no_manifest_is_passed_over(full: Shelf) -> None:
    """Hidden files, other people's, folders called so, links."""
    (full.output / "notes.toml").write_text("a = 1")
    (full.output / "bad.toml").write_bytes(b"\xff\xfe")
    (full.output / ".p003.toml.tmp").write_text("half")
    (full.output / ".hidden.toml").write_text((full.output / f"{FIRST}.toml").read_text())
    (full.output / "folder.toml").mkdir()
    (full.output / "link.toml").symlink_to(full.output / f"{FIRST}.toml")
    (full.output / "round").symlink_to(full.output)
    full.age()

    assert full.ask() == [FIRST, SECOND, MARA]


@pytest.mark.parametrize(
    "text",
    [
        '[result]\nmade = 2026-11-22T12:00:00Z\n\n[graph]\njson = "{}"\n\n[lora]\nname = "x"\n',
        "lora = 5\n[result]\nmade = 2026-11-22T12:00:00Z\n",
        '[graph]\njson = "{}"\n\n[engine]\nx = "1"\n\n[result]\nmade = 2026-11-22T12:00:00Z\n',
        'chapter = "one"\nprompt = 3\n[result]\nmade = 2026-11-22T12:00:00Z\n',
    ],
)
def test_manifest_that_a_person_put_in_order_is_read(shelf: Shelf, text: str) -> None:
    """In another order, or with values of another kind."""
    (shelf.output / "mine_v1.toml").write_text(text)
    shelf.age()

    assert shelf.ask() == ["mine_v1"]


def test_picture_without_a_time_is_not_listed(shelf: Shelf) -> None:
    """Nobody knows where it belongs; its content still leads to it."""
    shelf.put("old_v1", {"made": "yesterday"})

    assert shelf.ask() == []
    with Index(shelf.path, shelf.output) as index:
        assert shelf.names(index.of_content("old_v1")) == ["old_v1"]


def test_head_of_what_is_not_there_is_empty(tmp_path: Path) -> None:
    """Nor of a folder."""
    assert read_head(tmp_path / "gone.toml") == read_head(tmp_path) == {}


# It can be thrown away.


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\0" * 500])
def test_damaged_index_is_made_anew(full: Shelf, content: bytes) -> None:
    """Nobody notices."""
    full.path.write_bytes(content)

    assert full.ask() == [FIRST, SECOND, MARA]


def test_index_that_breaks_later_is_made_anew(full: Shelf) -> None:
    """Its beginning is good, its pages are not."""
    full.ask()
    content = bytearray(full.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    full.path.write_bytes(bytes(content))
    full.put("studies/new_v1", seed=8)

    assert full.ask(seed=8) == ["studies/new_v1"]


def test_index_of_an_older_form_is_made_anew(full: Shelf) -> None:
    """The form is part of it."""
    db = sqlite3.connect(full.path)
    db.execute("CREATE TABLE pictures (odd TEXT)")
    db.close()

    assert full.ask() == [FIRST, SECOND, MARA]


def test_index_that_cannot_be_written_is_held_in_memory(full: Shelf) -> None:
    """The answer is the same."""
    full.path.mkdir()

    assert full.ask() == [FIRST, SECOND, MARA]


def test_output_that_is_not_there_holds_nothing(shelf: Shelf) -> None:
    """Nothing was made yet."""
    shelf.output.rmdir()

    assert shelf.ask() == []


def test_two_may_ask_at_once(full: Shelf) -> None:
    """One waits for the other."""
    with Index(full.path, full.output) as one, Index(full.path, full.output) as other:
        assert full.names(one.find(Question(), 5)) == full.names(other.find(Question(), 5))


def test_all_who_ask_first_make_one_index(full: Shelf) -> None:
    """At once, where there is none yet: each gets the whole answer."""
    begin = threading.Barrier(4)

    def ask(_: int) -> list[str]:
        begin.wait()
        return full.ask()

    with ThreadPoolExecutor(4) as people:
        for _ in range(60):
            assert list(people.map(ask, range(4))) == [[FIRST, SECOND, MARA]] * 4
            assert kept(full) == 3
            full.path.unlink()


def kept(shelf: Shelf) -> int:
    """Return how many manifests the file of the index knows."""
    db = sqlite3.connect(shelf.path)
    (many,) = db.execute("SELECT count(*) FROM pictures").fetchone()
    db.close()
    return int(many)


@pytest.mark.parametrize("held", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_index_that_others_work_with_is_never_thrown_away(full: Shelf, held: str) -> None:
    """Whoever was waited for too long keeps it; the answer is the same."""
    full.ask()
    before = full.path.stat().st_ino
    full.put("studies/new_v1", seed=8)
    other = sqlite3.connect(full.path)
    other.execute(held)

    with Index(full.path, full.output, wait_seconds=0.01) as index:
        assert full.names(index.find(Question(seed=8), 5)) == ["studies/new_v1"]

    other.close()
    assert full.path.stat().st_ino == before
    assert full.ask(seed=8) == ["studies/new_v1"]


def test_one_at_a_time_brings_it_up_to_date(full: Shelf) -> None:
    """Who has waited for too long reads all for itself."""
    lock = Lock(full.path.with_suffix(".lock"))
    assert lock.acquire()

    with Index(full.path, full.output, wait_seconds=0) as index:
        assert full.names(index.find(Question(), 5)) == [FIRST, SECOND, MARA]

    assert not full.path.exists()
    lock.release()
    assert full.ask() == [FIRST, SECOND, MARA]
    assert kept(full) == 3


def test_home_that_cannot_be_written_answers_all_the_same(full: Shelf) -> None:
    """There is no place for an index, nor for its lock."""
    full.path = full.output / f"{FIRST}.toml" / "index.sqlite"

    assert full.ask() == [FIRST, SECOND, MARA]
