"""Makes the copy that is trained on: upright, opaque RGB, each picture with its caption's line.

    dataset/train/0001.png, 0001.txt, …    dataset/reg/0001.png, …    dataset/contents.toml

The user's folder is only read; the trainer writes nothing into it and is not misled by it. The list
is written last, so that a copy with a list is whole, and stands whatever becomes of the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image
from pydantic import TypeAdapter

from plasma_watch import toml_text
from plasma_watch.errors import Problem
from plasma_watch.system import files
from plasma_watch.train import dataset
from plasma_watch.train.dataset import Contents, Shot, Want
from plasma_watch.train.reading import CAPTION_SUFFIX, Folder, Found, contents_of, look

TRAIN = "train"
REGULARIZATION = "reg"
_LIST = "contents.toml"


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the copy: where it came from, and what its bytes were."""

    name: str
    sha256: str
    caption: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole copy, as its list has it."""

    train: tuple[Item, ...]
    reg: tuple[Item, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """What tells two datasets apart: every picture and caption, in order."""
        told = repr([[(i.sha256, i.caption) for i in part] for part in (self.train, self.reg)])
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Part:
    """One of the folders to copy: what it is called in the copy, and what it must be."""

    name: str
    folder: Folder
    want: Want


Guarded = Callable[[], contextlib.AbstractContextManager[None]]
"""Called around each picture: marks the step that a bad one may kill, and hears a stop."""

_COPIES = TypeAdapter(Copy)


def read_copy(folder: Path) -> Copy | None:
    """Return what a copy holds, or None when there is no whole one."""
    try:
        return _COPIES.validate_python(tomllib.loads((folder / _LIST).read_text("utf-8")))
    except (OSError, ValueError):
        return None


def make_copy(
    folder: Path, parts: tuple[Part, ...], resolution: int, guarded: Guarded
) -> Copy | list[Problem]:
    """Copy the parts into a folder; or return everything that is wrong with them, and no copy.

    Raises PlasmaError `dataset.missing` when one is not there, and OSError when the disk refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    copied = [_Copying(folder / part.name, part.folder, guarded) for part in parts]
    contents = [(part, copying.run()) for part, copying in zip(parts, copied, strict=True)]
    if wrong := [p for part, found in contents for p in dataset.problems(found, part.want)]:
        shutil.rmtree(folder, ignore_errors=True)
        return wrong
    items = {part.name: tuple(each.items) for part, each in zip(parts, copied, strict=True)}
    said = [w for _, found in contents for w in dataset.warnings(found, resolution)]
    copy = Copy(items[TRAIN], items.get(REGULARIZATION, ()), tuple(said))
    files.write_whole(folder / _LIST, toml_text.dumps(asdict(copy)).encode(), durable=True)
    return copy


class _Copying:
    """Copies one folder. Its state: the pictures that it has copied so far."""

    def __init__(self, target: Path, folder: Folder, guarded: Guarded) -> None:
        self._target = target
        self._folder = folder
        self._guarded = guarded
        self._found: dict[str, Found] = {}
        self.items: list[Item] = []

    def run(self) -> Contents:
        """Copy everything that can be, and return what was found."""
        self._target.mkdir(parents=True)
        contents = contents_of(self._folder, self._looked)
        for number, shot in enumerate(contents.shots, 1):
            self._caption(number, shot)
        return contents

    def _looked(self, name: str) -> Shot:
        with self._guarded():
            found = look(self._folder, name)
            if found.image:
                self._save(len(self._found) + 1, found.image)
        self._found[name] = Found(found.shot, found.sha256)
        return found.shot

    def _save(self, number: int, image: Image.Image) -> None:
        # Without what else the picture carried: its colour profile, its EXIF.
        image.info.clear()
        image.save(self._target / f"{number:04d}.png", compress_level=1)

    def _caption(self, number: int, shot: Shot) -> None:
        caption = shot.caption or ""
        path = self._target / f"{number:04d}{CAPTION_SUFFIX}"
        path.write_text(f"{caption}\n", encoding="utf-8")
        self.items.append(Item(shot.name, self._found[shot.name].sha256, caption))
