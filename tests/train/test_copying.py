"""What is claimed of the copy that is trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from plasma_watch.control import Stopping
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.train.copying import (
    REGULARIZATION,
    TRAIN,
    Copy,
    Item,
    Part,
    make_copy,
    read_copy,
)
from plasma_watch.train.dataset import Want
from plasma_watch.train.reading import Folder
from tests.fakes.datasets import fill, scene


class Guard:
    """What is called around each picture. Its state: how often, and when it has enough."""

    def __init__(self, most: int = 1000) -> None:
        self.count = 0
        self._most = most

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Count, and stop when it is enough."""
        self.count += 1
        if self.count > self._most:
            raise Stopping
        yield


def part(home: Path, name: str = TRAIN, named: str = "spyke", least: int = 2) -> Part:
    """Return a folder of the home to copy."""
    trigger = "spyke" if name == TRAIN else ""
    return Part(name, Folder(named, (home,), 10**6), Want("dataset", 0, least, trigger))


def copied(home: Path, *parts: Part) -> Copy:
    """Copy a dataset that is good."""
    made = make_copy(home / "copy", parts or (part(home),), 64, Guard())
    assert isinstance(made, Copy)
    return made


def test_a_copy_is_numbered_and_whole(tmp_path: Path) -> None:
    """Every picture has its caption beside it, and the list says where they came from."""
    fill(tmp_path / "spyke", 3)

    copy = copied(tmp_path)

    files = sorted(path.name for path in (tmp_path / "copy" / TRAIN).iterdir())
    assert files == ["0001.png", "0001.txt", "0002.png", "0002.txt", "0003.png", "0003.txt"]
    assert [item.name for item in copy.train] == ["p1.png", "p2.png", "p3.png"]
    assert copy.train[2].caption == "spyke, pose 3"
    assert (tmp_path / "copy" / TRAIN / "0003.txt").read_text() == "spyke, pose 3\n"
    assert read_copy(tmp_path / "copy") == copy


def test_the_users_folder_is_only_read(tmp_path: Path) -> None:
    """Not one file of it is another afterwards."""
    folder = fill(tmp_path / "spyke", 3)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}

    copied(tmp_path)

    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()} == before


def test_a_copy_is_upright_opaque_rgb(tmp_path: Path) -> None:
    """Whatever the pictures were, and with a warning that says so."""
    folder = fill(tmp_path / "spyke", 2)
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(3).save(folder / "p3.jpg", exif=exif)
    scene(4).convert("RGBA").save(folder / "p4.png")
    for name in ("p3.txt", "p4.txt"):
        (folder / name).write_text("spyke")

    copy = copied(tmp_path)

    with Image.open(tmp_path / "copy" / TRAIN / "0003.png") as image:
        assert (image.size, image.mode) == ((128, 96), "RGB")
        assert not dict(image.getexif())
    with Image.open(tmp_path / "copy" / TRAIN / "0004.png") as image:
        assert image.mode == "RGB"
    assert "p3.jpg (turned by its EXIF), p4.png (transparent" in copy.warnings[0]


def test_a_bad_dataset_leaves_no_copy(tmp_path: Path) -> None:
    """Everything that is wrong is told; what was copied goes again."""
    folder = fill(tmp_path / "spyke", 3)
    (folder / "p1.png").write_bytes((folder / "p1.png").read_bytes()[:-40])
    (folder / "p2.txt").unlink()

    made = make_copy(tmp_path / "copy", (part(tmp_path),), 64, Guard())

    assert isinstance(made, list)
    assert [p.code for p in made] == [Code.DATASET_BAD_PICTURE, Code.DATASET_NO_CAPTION]
    assert not (tmp_path / "copy").exists()


def test_regularization_is_a_part_of_its_own(tmp_path: Path) -> None:
    """Its captions need no trigger."""
    fill(tmp_path / "spyke", 2)
    fill(tmp_path / "girls", 1, trigger="a girl")

    copy = copied(tmp_path, part(tmp_path), part(tmp_path, REGULARIZATION, "girls", least=1))

    assert [item.caption for item in copy.reg] == ["a girl, pose 1"]
    assert (tmp_path / "copy" / REGULARIZATION / "0001.png").is_file()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It might have come with its turn, and did not."""
    with pytest.raises(PlasmaError) as caught:
        make_copy(tmp_path / "copy", (part(tmp_path),), 64, Guard())

    assert caught.value.code is Code.DATASET_MISSING


def test_a_copy_that_was_cut_short_is_none(tmp_path: Path) -> None:
    """The list is written last; the next start makes it all anew."""
    fill(tmp_path / "spyke", 3)
    with pytest.raises(Stopping):
        make_copy(tmp_path / "copy", (part(tmp_path),), 64, Guard(most=2))

    assert (tmp_path / "copy" / TRAIN / "0002.png").exists()
    assert read_copy(tmp_path / "copy") is None
    assert len(copied(tmp_path).train) == 3


@pytest.mark.parametrize("text", ["", "train = 3", "[[train]]\nname = 'x'", "\xff"])
def test_a_damaged_list_is_none(tmp_path: Path, text: str) -> None:
    """When the disk lost it."""
    (tmp_path / "contents.toml").write_text(text, encoding="latin-1")

    assert read_copy(tmp_path) is None


def test_a_dataset_is_known_by_its_content() -> None:
    """By pictures and captions, in order; names mean nothing."""
    one, other = Item("a.png", "1", "spyke"), Item("b.png", "2", "spyke")

    assert Copy((one, other)).sha256 == Copy((Item("z.png", "1", "spyke"), other)).sha256
    assert Copy((one, other)).sha256 != Copy((other, one)).sha256
    assert Copy((one, other)).sha256 != Copy((one,), (other,)).sha256
    assert Copy((one,)).sha256 != Copy((Item("a.png", "1", "spyke, hat"),)).sha256
