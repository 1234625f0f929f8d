"""Puts what a training made where people look for it, so that nothing is ever overwritten.

    loras/spyke/spyke-e03-1f2e3d4c.safetensors     named after its content
    loras/spyke/manifest.toml, loss.png, trainer.log
    loras/spyke/manifest-<job>.toml, …             an earlier training's, moved there

Every step may be done twice: a crash in between is made good by doing it all again. So a manifest
lies there at every moment: the earlier one until ours takes its place, and nothing else of ours is
put beside it before.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import loras, toml_text
from plasma_watch.errors import PlasmaError
from plasma_watch.loras import MANIFEST, Version
from plasma_watch.outputs.weights import check_lora
from plasma_watch.system import files, platform

log = logging.getLogger(__name__)

LOSS = "loss.png"
LOG = "trainer.log"
_BESIDE = (LOSS, LOG, "sheet.png")


@dataclass(frozen=True, slots=True)
class Good:
    """A checkpoint that passed: its epoch, its file, its content's hash, what it says of itself."""

    epoch: int
    path: Path
    sha256: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """What a manifest tells of a training: the resolved request, and tables of facts."""

    request: Mapping[str, Any]
    result: Mapping[str, Any]
    recipe: Mapping[str, Any]
    engine: Mapping[str, Any]
    daemon: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Any]]

    def to_toml(self, versions: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> str:
        """Return the manifest's text: first the request, then the tables."""
        tables = {
            "result": dict(self.result),
            "chosen": dict(chosen),
            "recipe": dict(self.recipe),
            "engine": dict(self.engine),
            "daemon": dict(self.daemon),
            "models": [dict(item) for item in self.models],
            "versions": [dict(item) for item in versions],
            "inputs": [dict(item) for item in self.inputs],
        }
        return toml_text.dumps(dict(self.request) | {k: v for k, v in tables.items() if v})


def good_ones(found: Mapping[int, Path]) -> tuple[list[Good], list[PlasmaError]]:
    """Return the checkpoints that are whole, finite and learned something; and why others not."""
    good, bad = [], []
    for epoch, path in found.items():
        try:
            metadata = check_lora(path).metadata
            good.append(Good(epoch, path, loras.digest(path), metadata))
        except PlasmaError as exc:
            bad.append(exc)
    return good, bad


class Shelf:
    """The folder of one LoRA. It holds no state: what lies there is the truth."""

    def __init__(self, folder: Path, name: str, job: str) -> None:
        self.folder = folder
        self._name = name
        self._job = job

    def place(self, good: Sequence[Good]) -> list[Version]:
        """Copy checkpoints to their places, under names that tell epoch and content."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return [self._placed(each) for each in good]

    def _placed(self, good: Good) -> Version:
        final = self.folder / f"{self._name}-e{good.epoch:02d}-{good.sha256[:8]}.safetensors"
        if not final.exists() or loras.digest(final) != good.sha256:
            loras.copy(good.path, final)
        return Version(final.name, good.sha256, good.epoch, self._job)

    def make_room(self) -> None:
        """Move what an earlier training left beside its checkpoints out of the way.

        Of its manifest a copy: the name means what that says until ours is told.
        """
        earlier = self._told_by()
        if not earlier or earlier == self._job:
            return
        for path in (self.folder / name for name in _BESIDE):
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                platform.rename_exclusive(path, path.with_stem(f"{path.stem}-{earlier}"))
        manifest = self.folder / MANIFEST
        aside = manifest.with_stem(f"{manifest.stem}-{earlier}")
        files.write_whole(aside, manifest.read_bytes(), durable=True)

    def _told_by(self) -> str:
        """Return the job whose manifest lies there."""
        told = loras.Loras(self.folder.parent, None).manifest(self._name).get("daemon")
        return str(told.get("job", "")) if isinstance(told, dict) else ""

    def chosen_before(self) -> dict[str, Any]:
        """Return what the manifest there says is chosen."""
        chosen = loras.Loras(self.folder.parent, None).manifest(self._name).get("chosen")
        return chosen if isinstance(chosen, dict) else {}

    def put_beside(self, source: Path, name: str) -> None:
        """Copy a file of the job beside the checkpoints; it is no loss if that cannot be."""
        temporary = self.folder / f".{name}.tmp"
        try:
            shutil.copyfile(source, temporary)
            temporary.replace(self.folder / name)
        except OSError as exc:
            temporary.unlink(missing_ok=True)
            log.warning("%s: no %s beside the LoRA: %s", self._job, name, exc.strerror)

    def tell(
        self, story: Story, versions: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]
    ) -> Path:
        """Write the manifest, whole."""
        path = self.folder / MANIFEST
        files.write_whole(path, story.to_toml(versions, chosen).encode(), durable=True)
        return path
