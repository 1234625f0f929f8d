"""Finds a picture that the same resolved request made before, for `once = true`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from plasma_watch.job import Made
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.naming import versions

NOT_COMPARED = frozenset({"note"})
"""What a request may say without meaning another picture."""


def find(
    folder: Path,
    stem: str,
    wanted: Mapping[str, Any],
    ignored: AbstractSet[str],
    used: AbstractSet[str],
) -> Made | None:
    """Return the newest version whose manifest asks for the same and whose picture is there."""
    if not folder.is_dir():
        return None
    there = [entry.name for entry in folder.iterdir()]
    for version in sorted(set(versions(stem, there)), reverse=True):
        path = folder / f"{stem}_v{version}.toml"
        made = _made(path, _compared(wanted, ignored), ignored)
        if made and made.path not in used:
            return made
    return None


def _made(path: Path, wanted: Mapping[str, Any], ignored: AbstractSet[str]) -> Made | None:
    try:
        manifest = Manifest.from_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    picture = path.with_suffix(".png")
    is_same = _compared(manifest.request, ignored) == wanted and picture.is_file()
    return Made(str(picture), str(manifest.result.get("sha256", ""))) if is_same else None


def _compared(request: Mapping[str, Any], ignored: AbstractSet[str]) -> dict[str, Any]:
    return {k: v for k, v in request.items() if k not in NOT_COMPARED and k not in ignored}
