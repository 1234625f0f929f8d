"""The LoRAs that were trained here: their versions, which of them is the chosen one, where it lies.

    loras/spyke/manifest.toml                 the newest training's story, and `[chosen]`
    loras/spyke/manifest-<job>.toml           the story of an earlier one
    loras/spyke/spyke-e03-1f2e3d4c.safetensors
    ComfyUI/models/loras/spyke-1f2e3d4c.safetensors     the chosen one, installed

A version is known by its content, so no name is ever used twice: ComfyUI goes on using what it
loaded under an old name, and dies if a loaded file is overwritten.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.system import files, locks, platform

MANIFEST = "manifest.toml"
SHORT = 8
"""How much of its hash a version is known by."""
_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Version:
    """One epoch of one training: a file in the LoRA's folder."""

    file: str
    sha256: str
    epoch: int
    job: str

    @property
    def short(self) -> str:
        """The beginning of its hash, by which people call it."""
        return self.sha256[:SHORT]

    def told(self) -> dict[str, Any]:
        """Return it as a manifest has it."""
        return {"file": self.file, "sha256": self.sha256, "epoch": self.epoch, "job": self.job}


@dataclass(frozen=True, slots=True)
class Loras:
    """The folder of all LoRAs, and ComfyUI's own when it is known."""

    folder: Path
    comfyui: Path | None

    def names(self) -> list[str]:
        """Return the names of all LoRAs that were trained here."""
        return sorted(path.parent.name for path in self.folder.glob(f"*/{MANIFEST}"))

    def manifest(self, name: str) -> dict[str, Any]:
        """Return the newest training's manifest, or an empty table when there is none to read."""
        return _read(self.folder / name / MANIFEST)

    def versions(self, name: str) -> list[Version]:
        """Return every version whose file is there, the newest training first, then by epoch."""
        folder = self.folder / name
        manifests = [folder / MANIFEST, *sorted(folder.glob("manifest-*.toml"), reverse=True)]
        found = (version for path in manifests for version in _versions(_read(path)))
        return [version for version in found if (folder / version.file).is_file()]

    def chosen(self, name: str) -> Version | None:
        """Return the chosen version, if there is one and its file is there."""
        version = _version(self.manifest(name).get("chosen"))
        is_there = version is not None and (self.folder / name / version.file).is_file()
        return version if is_there else None

    def find(self, name: str, said: str) -> Version:
        """Return the version that somebody means: an epoch of the newest training, a hash, a file.

        Raises PlasmaError `request.missing-file`.
        """
        versions = self.versions(name)
        newest = [version for version in versions if version.job == versions[0].job]
        for version in newest:
            if said == str(version.epoch):
                return version
        for version in versions:
            if said == version.file or (len(said) >= SHORT and version.sha256.startswith(said)):
                return version
        there = ", ".join(f"{version.epoch} ({version.short})" for version in newest)
        raise PlasmaError(
            Code.REQUEST_MISSING_FILE,
            f"there is no version '{said}' of the LoRA '{name}'",
            f"There are: {there}." if there else "`plasma-watch lora list` says what there is.",
        )

    def choose(self, name: str, version: Version) -> str:
        """Make a version the chosen one, installed; return the name that ComfyUI knows it by.

        Whoever shares the folder with another process does so while `changing` it.
        """
        chosen = self.as_chosen(name, version)
        text = toml_text.dumps(self.manifest(name) | {"chosen": chosen}).encode()
        files.write_whole(self.folder / name / MANIFEST, text, durable=True)
        return str(chosen["installed"])

    def as_chosen(self, name: str, version: Version) -> dict[str, Any]:
        """Install a version, and return what a manifest says of the chosen one."""
        return version.told() | {"installed": self.install(name, version)}

    def file_of(self, name: str) -> str:
        """Return the file that a request's LoRA means; a chosen version is installed if it must be.

        What was not trained here is returned as it was named.
        """
        if name.endswith(_SUFFIX) or (version := self.chosen(name)) is None:
            return name
        return self.install(name, version)

    def install(self, name: str, version: Version) -> str:
        """Put a version into ComfyUI's folder of LoRAs, under a name of its own; return the name.

        Raises OSError when the disk refuses.
        """
        if self.comfyui is None:
            return f"{name}-{version.short}{_SUFFIX}"
        folder = self.comfyui / "models" / "loras"
        folder.mkdir(parents=True, exist_ok=True)
        for digits in (SHORT, 2 * SHORT, len(version.sha256)):
            final = folder / f"{name}-{version.sha256[:digits]}{_SUFFIX}"
            if _placed(self.folder / name / version.file, final, version.sha256):
                return final.name
        raise FileExistsError(f"{final} holds something else")  # not by chance: 64 digits differ

    def uninstall(self, name: str, version: Version) -> None:
        """Take a version out of ComfyUI's folder again."""
        if self.comfyui:
            installed = f"{name}-{version.short}{_SUFFIX}"
            (self.comfyui / "models" / "loras" / installed).unlink(missing_ok=True)


def changing(home: Home) -> AbstractContextManager[None]:
    """Be the only one who reads, changes and writes the manifests of a home's LoRAs.

    What takes long is done before: others wait for a few seconds only.
    """
    return locks.alone(home.private / "loras.lock", "the LoRAs")


def _placed(source: Path, final: Path, sha256: str) -> bool:
    """Copy a file to its place, whole and exclusively; tell whether its content is there."""
    if not final.exists():
        copy(source, final)
    return digest(final) == sha256


def copy(source: Path, final: Path) -> None:
    """Copy a file to a name that nobody has yet: whole, on the disk itself, then published.

    What is there under that name already stays.
    """
    temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        with source.open("rb") as old, temporary.open("wb") as new:
            shutil.copyfileobj(old, new)
            new.flush()
            platform.full_sync(new.fileno())
        with contextlib.suppress(FileExistsError):
            files.publish(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)
    files.sync_folder(final.parent)


def digest(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _versions(manifest: Mapping[str, Any]) -> Iterator[Version]:
    listed = manifest.get("versions")
    for entry in listed if isinstance(listed, list) else ():
        if version := _version(entry):
            yield version


def _version(entry: object) -> Version | None:
    """Return what an entry of a manifest says, if it says it: people edit files."""
    match entry:
        case {"file": str(file), "sha256": str(sha256), "epoch": int(epoch), "job": str(job)}:
            return Version(Path(file).name, sha256, epoch, job)
        case _:
            return None
