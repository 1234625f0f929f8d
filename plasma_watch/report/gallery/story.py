"""The story of each LoRA as it is told on its page: read from its manifest, its job, its status.

.gallery/loras/spyke/loss.png, sheet.png, dataset.png     copies, so that the folder can move
.gallery/loras/spyke/curves.json                          kept when its job's folder is gone
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.home import Home
from plasma_watch.job import JOURNAL, State
from plasma_watch.loras import Loras
from plasma_watch.report.gallery.measures import Measures, kept, measures_of
from plasma_watch.report.gallery.pages import write
from plasma_watch.report.history import FILE, History
from plasma_watch.status import read_status

CURVES = "curves.json"
SHEET = Path("report", "contact-sheet.png")
"""Where the contact sheet of a dataset lies, below it."""
_TABLES = ("result", "chosen", "recipe", "engine", "daemon", "models", "versions", "inputs")

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a page tells of one LoRA."""

    name: str
    manifest: Table
    """Of the newest training that left something; empty while the first one runs."""
    earlier: Sequence[Table]
    job: Table
    """The journal of the training that runs now; empty when none does."""
    told: Table
    """The status of that training."""
    measures: Measures
    pictures: Sequence[str]
    """Which of the copies are there."""

    @property
    def is_live(self) -> bool:
        """Whether it trains now."""
        return bool(self.job)

    @property
    def request(self) -> Table:
        """What was asked for: by the training that runs, else by the newest."""
        running = self.job.get("request")
        if isinstance(running, dict):
            return running
        return {key: value for key, value in self.manifest.items() if key not in _TABLES}

    @property
    def result(self) -> Table:
        """What came of the newest that is over."""
        found = self.manifest.get("result")
        return found if isinstance(found, dict) else {}


def stories(home: Home, loras: Path, folder: Path) -> Iterator[Story]:
    """Yield the story of every LoRA that was trained here or trains now; copy its pictures."""
    running = dict(_running(home))
    known = Loras(loras, None).names() if loras.is_dir() else []
    for name in sorted({*known, *running}):
        yield _story(home, loras, folder, name, running.get(name))


def _running(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield each LoRA that trains now, and the folder of its job."""
    with contextlib.suppress(OSError):
        for folder in sorted(home.running.iterdir()):
            match read_status(folder / JOURNAL):
                case {"kind": "train", "request": {"lora": str(name)}}:
                    yield Path(name).name, folder
                case _:
                    pass


def _story(home: Home, loras: Path, folder: Path, name: str, job: Path | None) -> Story:
    manifest = Loras(loras, None).manifest(name)
    journal = read_status(job / JOURNAL) if job else {}
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    request = journal.get("request") or manifest
    return Story(
        name=name,
        manifest=manifest,
        earlier=[read_status(path) for path in sorted((loras / name).glob("manifest-*.toml"))],
        job=journal,
        told=read_status(home.status / f"{journal.get('name')}.toml") if job else {},
        measures=_measured(home, own, manifest, job),
        pictures=list(_copied(home, loras / name, own, request, job)),
    )


def _ended(home: Home, manifest: Table) -> Path:
    """Return where the folder of the training is that a manifest tells of."""
    daemon = manifest.get("daemon")
    job = Path(str(daemon.get("job", ""))).name if isinstance(daemon, dict) else ""
    places = (home.root / state / job for state in (State.DONE, State.FAILED))
    return next((place for place in places if job and place.is_dir()), home.done / "none")


def _measured(home: Home, own: Path, manifest: Table, job: Path | None) -> Measures:
    """Return what was measured: of the training that runs, else of the newest, which is kept."""
    if job:
        return measures_of(History(job / FILE).rows())
    path, history = own / CURVES, _ended(home, manifest) / FILE
    with contextlib.suppress(OSError, ValueError):
        if not history.exists() or path.stat().st_mtime > history.stat().st_mtime:
            return kept(path.read_text("utf-8"))
    found = measures_of(History(history).rows())
    if history.exists():
        write(path, found.to_json())
    return found


def _copied(home: Home, lora: Path, own: Path, request: Table, job: Path | None) -> Iterator[str]:
    """Bring the copies of the pictures up to date; yield those that are there."""
    dataset = home.at(str(request.get("dataset", "datasets"))) / SHEET
    sources = {"loss.png": (job or lora) / "loss.png", "sheet.png": lora / "sheet.png"}
    for name, source in (sources | {"dataset.png": dataset}).items():
        if _copy(source, own / name):
            yield name


def _copy(source: Path, target: Path) -> bool:
    """Copy a picture if it is another than before; tell whether there is one."""
    try:
        seen = source.stat()
        is_same = target.exists() and target.stat().st_mtime_ns == seen.st_mtime_ns
        if not is_same:
            temporary = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(source, temporary)
            os.utime(temporary, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
            temporary.replace(target)
    except FileNotFoundError:
        return target.exists()
    return True
