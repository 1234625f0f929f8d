"""Brings the gallery of an output folder up to date: as a whole, or for pictures that are known.

The manifests are the truth. `refresh` compares what was kept with what lies there, and reads only
what is another; `add` is told which pictures are new and looks for no others, so that one page more
costs its thumbnail and one file of rows. A run that is cut short leaves whole files, and the next
one goes on.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from plasma_watch.errors import PlasmaError
from plasma_watch.report.gallery import thumbs
from plasma_watch.report.gallery.cabinet import ROWS, Cabinet, group_of
from plasma_watch.report.gallery.entry import Entry, entry_of
from plasma_watch.report.gallery.pages import drop_groups, write_group, write_index, write_shared
from plasma_watch.system import files

FOLDER = ".gallery"
_MOST_MANIFEST_BYTES = 4_000_000

Progress = Callable[[int, int], None]
"""Is told how many pictures of how many were looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """A picture with a manifest beside it: what its entry is called, and the state of its files."""

    name: str
    seen: str


class Gallery:
    """The gallery of one output folder. It holds no state: what lies on the disk is the truth."""

    def __init__(self, output: Path, workers: int = 1) -> None:
        self._output = output
        self._folder = output / FOLDER
        self._workers = workers

    def prepare(self) -> None:
        """Make the folders, and write what all pages share.

        Raises OSError when the disk refuses, PlasmaError `config.layout` when a page of somebody
        else lies in our place.
        """
        write_index(self._output, FOLDER)
        for folder in (self._folder / "data", self._folder / "thumbs"):
            folder.mkdir(parents=True, exist_ok=True)
        write_shared(self._folder)

    def refresh(self, about: Mapping[str, Any], progress: Progress = lambda _, __: None) -> int:
        """Make everything as the output folder has it; return how many pictures were new.

        Raises OSError when the disk refuses.
        """
        cabinet = Cabinet(self._folder / "data")
        known = _known(cabinet)
        there = {found.name: found for found in _walk(self._output, "")}
        new = [each for each in there.values() if _is_new(each, known, self._folder)]
        done = 0
        for batch in _batches(new):
            self._put(
                cabinet, batch, {n: known[n][1] for n in (f.name for f in batch) if n in known}
            )
            done += len(batch)
            progress(done, len(new))
            cabinet.tell(about)
        for group, gone in _gone(known, there).items():
            cabinet.apply(group, (), gone, {name: known[name][1] for name in gone})
        cabinet.tell(about)
        cabinet.tidy()
        self._tidy_thumbs(cabinet)
        for told in cabinet.groups.values():
            write_group(self._folder, told)
        drop_groups(self._folder, {str(told["slug"]) for told in cabinet.groups.values()})
        return len(new)

    def add(self, pictures: Iterable[Path], about: Mapping[str, Any]) -> int:
        """Put pictures in that are new, or another than before; return how many there were."""
        cabinet = Cabinet(self._folder / "data")
        found = [each for picture in pictures if (each := self._found(picture))]
        for batch in _batches(found):
            group = group_of(batch[0].name)
            self._put(cabinet, batch, cabinet.where(group, [each.name for each in batch]))
            if group in cabinet.groups:
                write_group(self._folder, cabinet.groups[group])
        cabinet.tell(about)
        return len(found)

    def _put(self, cabinet: Cabinet, batch: Sequence[Found], where: Mapping[str, int]) -> None:
        with ThreadPoolExecutor(self._workers) as pool:
            entries = [entry for entry in pool.map(self._entry, batch) if entry]
        if entries:
            cabinet.apply(group_of(batch[0].name), entries, (), where)

    def _entry(self, found: Found) -> Entry | None:
        """Return the entry of a picture; None when its manifest is none."""
        picture = self._output / f"{found.name}.png"
        try:
            content, _ = files.read_regular(picture.with_suffix(".toml"), _MOST_MANIFEST_BYTES)
            thumb = thumbs.made(picture, self._folder / "thumbs")
            path = PurePosixPath(f"{found.name}.png")
            return entry_of(path, content.decode(), found.seen, thumb)
        except (FileNotFoundError, ValueError, RecursionError, PlasmaError):
            return None

    def _found(self, picture: Path) -> Found | None:
        try:
            name = picture.relative_to(self._output).with_suffix("").as_posix()
            return Found(name, _seen(picture.stat(), picture.with_suffix(".toml").stat()))
        except (ValueError, OSError):
            return None

    def _tidy_thumbs(self, cabinet: Cabinet) -> None:
        """Remove the thumbnails of what is not there any more."""
        used = {f"{row['thumb']}{thumbs.SUFFIX}" for _, _, row in cabinet.rows()}
        for path in (self._folder / "thumbs").glob(f"*/*{thumbs.SUFFIX}"):
            if path.name not in used:
                path.unlink(missing_ok=True)


def _walk(folder: Path, below: str) -> Iterator[Found]:
    """Yield every picture with a manifest, whatever folder it lies in; hidden ones are not ours."""
    try:
        with os.scandir(folder) as entries:
            there = {entry.name: entry for entry in entries if not entry.name.startswith(".")}
    except OSError:
        return
    for name, entry in sorted(there.items()):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / name, f"{below}{name}/")
        stem, _, suffix = name.rpartition(".")
        manifest = there.get(f"{stem}.toml")
        if suffix == "png" and manifest and entry.is_file(follow_symlinks=False):
            yield Found(f"{below}{stem}", _seen(entry.stat(), manifest.stat()))


def _seen(picture: os.stat_result, manifest: os.stat_result) -> str:
    parts = (picture.st_mtime_ns, picture.st_size, manifest.st_mtime_ns, manifest.st_size)
    return " ".join(map(str, parts))


def _known(cabinet: Cabinet) -> Known:
    """Return what was kept; nothing when it was damaged: it can be thrown away."""
    try:
        return {row["id"]: (group, number, row) for group, number, row in cabinet.rows()}
    except (ValueError, LookupError, TypeError):
        cabinet.groups.clear()
        cabinet.tidy()
        return {}


Known = Mapping[str, tuple[str, int, Mapping[str, Any]]]


def _is_new(found: Found, known: Known, folder: Path) -> bool:
    """Tell whether a picture, or its thumbnail, is not as it was kept."""
    if found.name not in known:
        return True
    row = known[found.name][2]
    has_thumb = not row["thumb"] or thumbs.path_of(folder / "thumbs", row["thumb"]).exists()
    return row["seen"] != found.seen or not has_thumb


def _gone(known: Known, there: Mapping[str, Found]) -> dict[str, list[str]]:
    gone: dict[str, list[str]] = defaultdict(list)
    for name in known.keys() - there.keys():
        gone[known[name][0]].append(name)
    return gone


def _batches(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield what belongs to one group together, as much as one file of rows holds."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        groups[group_of(each.name)].append(each)
    for group in groups.values():
        yield from (group[at : at + ROWS] for at in range(0, len(group), ROWS))
