"""Everything of a gallery, once: its pictures, trainings and failures. One at a time a home."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plasma_watch import __version__
from plasma_watch.home import Home
from plasma_watch.job import JOURNAL
from plasma_watch.report.gallery.build import FOLDER, Gallery, Progress
from plasma_watch.report.gallery.failures import write_failures
from plasma_watch.report.gallery.trainings import write_trainings
from plasma_watch.report.sheet import SHOWN
from plasma_watch.status import read_status, stamp
from plasma_watch.system.locks import alone

WAIT_SECONDS = 60.0
"""How long another who works on it is waited for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A home, and where its outputs and its LoRAs lie."""

    home: Home
    output: Path
    loras: Path

    @property
    def index(self) -> Path:
        """The page that opens with a double click."""
        return self.output / "index.html"

    @property
    def is_there(self) -> bool:
        """Whether a gallery was made here."""
        return (self.output / FOLDER).is_dir()


def update(
    place: Place,
    jobs: Sequence[str] | None = None,
    pictures: Sequence[Path] = (),
    *,
    workers: int = 1,
    wait_seconds: float = WAIT_SECONDS,
    progress: Progress = lambda _, __: None,
) -> int:
    """Bring a gallery up to date; return how many pictures were new.

    With jobs, only what those made and `pictures` are looked at; without, everything is.
    Raises OSError when the disk refuses, PlasmaError when it cannot be made there or somebody else
    works on it for too long.
    """
    lock = place.home.private / "gallery.lock"
    with alone(lock, f"the gallery of {place.output}", wait_seconds):
        gallery = Gallery(place.output, workers)
        gallery.prepare()
        about = _about(place)
        if jobs is None:
            return gallery.refresh(about, progress)
        made = [path for job in jobs for path in _made_by(place.home, job)]
        return gallery.add([*made, *pictures], about)


def _about(place: Place) -> dict[str, Any]:
    """Write the pages of text, and return what all pages are told of them."""
    now = datetime.now(UTC)
    folder = place.output / FOLDER
    failures = write_failures(place.home, folder, now)
    return {
        "built": stamp(now),
        "version": __version__,
        "names": SHOWN,
        "failures": failures.many,
        "failed": failures.stamp,
        "loras": write_trainings(place.home, place.loras, folder),
    }


def _made_by(home: Home, job: str) -> Iterator[Path]:
    """Yield the pictures of a job, wherever its folder is by now."""
    for folder in (home.running, home.done, home.failed, home.cancelled):
        journal = read_status(folder / Path(job).name / JOURNAL)
        listed = journal.get("pictures")
        for picture in listed if isinstance(listed, list) else ():
            yield from (home.at(made["path"]) for made in picture.get("made", ()))
        match journal.get("sheet"):
            case {"made": {"path": str(path)}}:
                yield home.at(path)
            case _:
                pass
