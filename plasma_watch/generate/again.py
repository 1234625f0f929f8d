"""A page that is made again: the old one, and how far the new one is from it.

What was dropped says which it was: a picture of ours is the old one itself, a manifest names it.
The old picture may be gone; then what the manifest kept of it, its hash, is all that is compared.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from plasma_watch.errors import PlasmaError
from plasma_watch.outputs.likeness import hash_distance, likeness
from plasma_watch.outputs.picture import decode, phash
from plasma_watch.request import GenerateRequest
from plasma_watch.system import files


@dataclass(frozen=True, slots=True)
class Original:
    """The picture that is made again."""

    name: str
    sha256: str
    phash: str
    template_sha256: str
    """Of the workflow as it was then; empty where that is not known."""
    image: Image.Image | None
    """Its pixels, where it is still there unchanged."""

    def compared(self, image: Image.Image, template_sha256: str) -> dict[str, Any]:
        """Return what the new manifest tells: which one it was, and how far the new one is off."""
        told: dict[str, Any] = {"of": self.name, "sha256": self.sha256}
        if self.template_sha256 not in ("", template_sha256):
            told["workflow_changed"] = True
        if self.image:
            return told | likeness(self.image, image).table()
        with contextlib.suppress(ValueError):  # somebody wrote it by hand
            told["perceptual"] = hash_distance(self.phash, phash(image.convert("RGB")))
        return told


def original_of(
    request: GenerateRequest, dropped: Path, folder: Path, limit: int
) -> Original | None:
    """Return the picture that a request makes again, if it is a manifest's or a picture's own.

    `folder` is where the pictures of the request lie.
    """
    if request.sweep is not None or request.count > 1:
        return None
    if dropped.suffix.lower() == ".png":
        return _in_picture(dropped, limit)
    result = request.result or {}
    match result:
        case {"file": str(name), "sha256": str(sha256)}:
            image = _image(folder / name, limit, sha256) if _is_plain(name) else None
            graph = request.graph or {}
            known = str(graph.get("template_sha256", ""))
            return Original(name, sha256, str(result.get("phash", "")), known, image)
        case _:
            return None


def _in_picture(dropped: Path, limit: int) -> Original | None:
    with contextlib.suppress(PlasmaError, OSError):
        content, _ = files.read_regular(dropped, limit)
        image = decode(content, dropped.name)
        digest = hashlib.sha256(content).hexdigest()
        return Original(dropped.name, digest, phash(image.convert("RGB")), "", image)
    return None


def _is_plain(name: str) -> bool:
    return PurePosixPath(name).name == name and "\0" not in name


def _image(path: Path, limit: int, sha256: str) -> Image.Image | None:
    """Return a picture's pixels, if it is still the one that the manifest was written for."""
    with contextlib.suppress(PlasmaError, OSError):
        content, _ = files.read_regular(path, limit)
        if hashlib.sha256(content).hexdigest() == sha256:
            return decode(content, path.name)
    return None


def carried(
    request: Mapping[str, Any], models: list[dict[str, str]], inputs: list[dict[str, str]]
) -> dict[str, Any]:
    """Return what a picture carries: its request, and the hashes of what it was made of.

    So a picture that is dropped is refused like a manifest when one of them has changed.
    """
    return dict(request) | {k: v for k, v in (("models", models), ("inputs", inputs)) if v}
