"""Puts a picture and its manifest where people look for them: whole, together, never over another.

    .<job>-1.png.tmp, .<job>-1.toml.tmp    written and synced beside their place
    ch01_p003_v1.toml                      linked first
    ch01_p003_v1.png                       linked second: whoever sees it finds its manifest

A crash in between leaves at most a manifest without its picture. `was_placed` finds it by the
name that the journal was told before, and by the job and picture that the manifest itself names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.outputs.naming import Place, next_version
from plasma_watch.system import files

_TRIES = 1000
Publish = Callable[[Path, Path], None]
"""Gives a finished file its final name, or raises FileExistsError when that is taken."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The two temporary files of one picture, in the folder where it will lie."""

    folder: Path
    mark: str
    """What makes them this picture's own: job and number."""

    @property
    def picture(self) -> Path:
        """The picture, still under a temporary name."""
        return self.folder / f".{self.mark}.png.tmp"

    @property
    def manifest(self) -> Path:
        """The manifest, still under a temporary name."""
        return self.folder / f".{self.mark}.toml.tmp"

    def discard(self) -> None:
        """Remove what is left of the two."""
        self.picture.unlink(missing_ok=True)
        self.manifest.unlink(missing_ok=True)


def place(
    draft: Draft,
    where: Place,
    content: bytes,
    manifest_for: Callable[[str], str],
    announce: Callable[[Path], None],
    *,
    publish: Publish = files.publish,
) -> Path:
    """Place a picture and its manifest under the next free version; return the picture's path.

    `announce` is told each name before anything appears under it; `publish` gives a finished file
    its name. Raises OSError when the disk refuses; then nothing of it is left.
    """
    draft.folder.mkdir(parents=True, exist_ok=True)
    try:
        files.write_new(draft.picture, content, durable=True)
        final = _place(draft, where, manifest_for, announce, publish)
    except OSError:
        draft.discard()
        raise
    files.sync_folder(draft.folder)
    return final


def _place(
    draft: Draft,
    where: Place,
    manifest_for: Callable[[str], str],
    announce: Callable[[Path], None],
    publish: Publish,
) -> Path:
    there = os.listdir(draft.folder)  # noqa: PTH208 - of hundreds, pathlib makes as many objects
    number = next_version(where.stem, there)
    for version in range(number, number + _TRIES):
        final = draft.folder / f"{where.version(version)}.png"
        announce(final)
        files.write_new(draft.manifest, manifest_for(final.name).encode(), durable=True)
        if _published(draft, final, publish):
            with contextlib.suppress(OSError):  # a name that could not be removed at once
                draft.discard()
            return final
    raise FileExistsError(f"no free version of {where.stem} in {draft.folder}")


def _published(draft: Draft, final: Path, publish: Publish) -> bool:
    """Publish both under a name, or neither, if somebody else took the name meanwhile."""
    manifest = final.with_suffix(".toml")
    try:
        publish(draft.manifest, manifest)
    except FileExistsError:
        return False
    try:
        publish(draft.picture, final)
    except OSError as exc:
        manifest.unlink()
        if isinstance(exc, FileExistsError):
            return False
        raise
    return True


def was_placed(final: Path, sha256_in: Callable[[str], str | None]) -> str | None:
    """Find out, after a crash, whether a picture was placed; a manifest without it is taken back.

    `sha256_in` returns the digest of the picture that a manifest's text was written for, or None
    when the manifest is not this picture's. Returns that digest, or None when it was not placed.
    """
    manifest = final.with_suffix(".toml")
    try:
        text = manifest.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    expected = sha256_in(text)
    if text and expected is None:  # an empty one is the placeholder of a volume that cannot link
        return None
    found = _content(final)
    if found and hashlib.sha256(found).hexdigest() == expected:
        return expected
    if found == b"" and expected:  # the placeholder of the picture; what else is there is others'
        final.unlink()
    manifest.unlink()
    return None


def _content(picture: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        return picture.read_bytes()
    return None
