"""Which epoch is best is a thing to look at: all of them, side by side, on one sheet.

A training that was asked for samples drops one more request into the line: a sweep over every epoch
and every prompt. All epochs are installed for it; when it has ended, its sheet is laid beside the
LoRA, and all but the chosen one are taken out of ComfyUI again. What is still to be tidied up so
stands in `.plasma/samples/`, one file a training.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.config import Limits
from plasma_watch.home import Home
from plasma_watch.job import Job, same_name
from plasma_watch.loras import Loras, Version
from plasma_watch.request import TrainRequest
from plasma_watch.system import files, platform

log = logging.getLogger(__name__)

SHEET = "sheet.png"
_SHEETS = re.compile(r".*_sheet_v\d+\.png", re.DOTALL)
_STRENGTH = 0.8


@dataclass(frozen=True, slots=True)
class Showing:
    """What was installed for a sheet: of which LoRA, and under which request it is made."""

    mark: Path
    request: str
    lora: str
    versions: tuple[Version, ...]


def shown(
    versions: Sequence[Version], prompts: Sequence[str], limits: Limits
) -> tuple[list[Version], list[str]]:
    """Return the epochs and prompts that a sheet is made of: each once, the last epochs if many."""
    each = list(dict.fromkeys(prompts))[: limits.max_count]
    most = limits.max_count // len(each)
    return list(versions[-most:]), each


def sweep(
    request: TrainRequest, installed: Sequence[str], prompts: Sequence[str], limits: Limits
) -> dict[str, Any]:
    """Return the request that makes the pictures of a sheet, all from one seed."""
    side = min(request.resolution, limits.max_width, limits.max_height) // 8 * 8
    return {
        "kind": "generate",
        "output": f"samples/{request.lora}",
        "prompt": prompts[0],
        "seed": request.seed,
        "width": side,
        "height": side,
        "note": f"samples of the LoRA {request.lora}",
        **({"checkpoint": request.base} if request.base else {}),
        "lora": {"name": installed[-1], "strength": _STRENGTH},
        "sweep": {"lora": list(installed), "prompt": list(prompts)},
    }


class Samples:
    """The sheets that are still to come. It holds no state: the marks on the disk are the truth."""

    def __init__(self, home: Home, loras: Loras, limits: Limits) -> None:
        self._home = home
        self._loras = loras
        self._limits = limits
        self._folder = home.private / "samples"

    def ask(self, job: Job, request: TrainRequest, versions: Sequence[Version]) -> str:
        """Install the epochs of a training and drop the sweep that shows them; return its name.

        Done once for a job; a sweep of that name that waits already is not replaced. Raises OSError
        when the disk refuses.
        """
        mark, name = self._folder / f"{job.id}.toml", f"{job.name}-samples"
        if mark.exists():
            return name
        kept, prompts = shown(versions, request.samples, self._limits)
        installed = [self._loras.install(request.lora, version) for version in kept]
        table = sweep(request, installed, prompts, self._limits)
        self._drop(name, toml_text.dumps(table).encode())
        self._folder.mkdir(exist_ok=True)
        told = {"request": name, "lora": request.lora, "versions": [v.told() for v in kept]}
        files.write_whole(mark, toml_text.dumps(told).encode())
        return name

    def _drop(self, name: str, content: bytes) -> None:
        """Put a request into the inbox, whole, as anybody does."""
        temporary = self._home.inbox / f".{name}.tmp"
        files.write_new(temporary, content, durable=True)
        with contextlib.suppress(FileExistsError):
            platform.rename_exclusive(temporary, self._home.inbox / f"{name}.toml")
        temporary.unlink(missing_ok=True)

    def ended(self, job: Job) -> None:
        """Take a sheet that was made to its LoRA, and tidy up behind it."""
        for showing in self._showings():
            if job.kind != "train" and same_name(job.name) == same_name(showing.request):
                self._lay_beside(showing, job.outputs())
                self._tidy(showing)

    def tidy_left(self) -> None:
        """Tidy up behind sheets that will not come any more: their request is gone."""
        for showing in self._showings():
            if not self._is_under_way(showing.request):
                self._tidy(showing)

    def _is_under_way(self, name: str) -> bool:
        home, file = self._home, f"{name}.toml"
        return any(
            path.exists()
            for folder in (home.inbox, home.urgent, *home.running.glob("*"))
            for path in (folder / file,)
        )

    def _showings(self) -> Iterator[Showing]:
        for mark in sorted(self._folder.glob("*.toml")):
            if showing := _read(mark):
                yield showing

    def _lay_beside(self, showing: Showing, outputs: Sequence[str]) -> None:
        sheets = [path for path in outputs if _SHEETS.fullmatch(path)]
        target = self._loras.folder / showing.lora / SHEET
        temporary = target.with_name(f".{SHEET}.tmp")
        for sheet in sheets[:1]:
            try:
                shutil.copyfile(self._home.at(sheet), temporary)
                temporary.replace(target)
            except OSError as exc:
                log.warning("%s: its sheet stays where it is: %s", showing.lora, exc.strerror)

    def _tidy(self, showing: Showing) -> None:
        chosen = self._loras.chosen(showing.lora)
        try:
            for version in showing.versions:
                if version != chosen:
                    self._loras.uninstall(showing.lora, version)
            showing.mark.unlink(missing_ok=True)
        except OSError as exc:
            log.warning("%s: epochs stay in ComfyUI: %s", showing.lora, exc.strerror)


def _read(mark: Path) -> Showing | None:
    try:
        table: Mapping[str, Any] = tomllib.loads(mark.read_text("utf-8"))
        versions = tuple(Version(**entry) for entry in table["versions"])
        return Showing(mark, str(table["request"]), str(table["lora"]), versions)
    except (OSError, ValueError, KeyError, TypeError):
        return None
