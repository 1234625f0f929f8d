"""Finds a picture that the same resolved request made before, for `once = true`.

The same request is not enough: the workflow, the models and the pictures that it names must be what
they were, the engine no stand-in where the real one is asked, and the picture whole and unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.job import Made
from plasma_watch.outputs.manifest import Manifest, changed
from plasma_watch.outputs.naming import versions

NOT_COMPARED = frozenset({"note"})
"""What a request may say without meaning another picture."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a picture must have been made with to be the one that is asked for."""

    request: Mapping[str, Any]
    ignored: AbstractSet[str]
    """Request keys that make no difference this time."""
    used: Sequence[Mapping[str, str]]
    """The models and input pictures, with their hashes as far as they are known."""
    template_sha256: str
    is_sandbox: bool


def find(folder: Path, stem: str, wanted: Wanted, taken: AbstractSet[str]) -> Made | None:
    """Return the newest version that is what is wanted and was not taken yet."""
    if not folder.is_dir():
        return None
    there = [entry.name for entry in folder.iterdir()]
    for version in sorted(set(versions(stem, there)), reverse=True):
        picture = folder / f"{stem}_v{version}.png"
        if str(picture) not in taken and (made := _made(picture, wanted)):
            return made
    return None


def _made(picture: Path, wanted: Wanted) -> Made | None:
    try:
        manifest = Manifest.from_toml(picture.with_suffix(".toml").read_text(encoding="utf-8"))
        if not _is_same(manifest, wanted):
            return None
        digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    return Made(str(picture), digest) if digest == manifest.result.get("sha256") else None


def _is_same(manifest: Manifest, wanted: Wanted) -> bool:
    return (
        _compared(manifest.request, wanted) == _compared(wanted.request, wanted)
        and manifest.template_sha256 == wanted.template_sha256
        and bool(manifest.result.get("sandbox")) == wanted.is_sandbox
        and not changed([*manifest.models, *manifest.inputs], wanted.used)
    )


def _compared(request: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    left_out = NOT_COMPARED | wanted.ignored
    return {key: value for key, value in request.items() if key not in left_out}
