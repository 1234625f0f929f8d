"""What befalls a node before it runs, and what becomes of the pictures that it saved."""

from __future__ import annotations

import errno
import io
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps

from plasma_watch.sandbox.bench import Made
from plasma_watch.sandbox.folders import Folders
from plasma_watch.sandbox.graph import Json
from plasma_watch.sandbox.mischief.running import die
from plasma_watch.sandbox.mischief.script import Fault, Script

log = logging.getLogger(__name__)

AGAIN = "again"
"""The subfolder that holds a second picture of the same name."""

Spoil = Callable[[Image.Image, bytes, str], bytes]


def before(script: Script, class_type: str) -> None:
    """Let happen what was told to happen before a node runs."""
    if class_type == "CheckpointLoaderSimple" and (fault := script.strikes("slow-load")):
        time.sleep(fault.number)
    if class_type == "SaveImage" and script.strikes("die-before-save"):
        die()


def after(script: Script, folders: Folders, class_type: str, made: Made) -> Made:
    """Let happen what was told to happen to what a node saved; return what it tells of that."""
    if class_type != "SaveImage":
        return made
    images = [image for image in made.shown.get("images", ()) if image["type"] == "output"]
    for image in images:
        _spoil(script, folders.output / image["subfolder"] / image["filename"])
    if script.strikes("die-after-save"):
        die()
    if script.strikes("same-names"):
        twins = [_twin(folders.output, image) for image in images]
        return replace(made, shown={**made.shown, "images": [*images, *twins]})
    return replace(made, shown={}) if script.strikes("no-outputs") else made


def _spoil(script: Script, path: Path) -> None:
    content = path.read_bytes()
    for name, spoil in SPOILED.items():
        if fault := script.strikes(name):
            path.write_bytes(spoiled(fault, spoil, content))
    if script.strikes("disk-full"):
        path.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if script.strikes("output-gone"):
        path.unlink()


def spoiled(fault: Fault, spoil: Spoil, content: bytes) -> bytes:
    """Return what a fault makes of a picture's bytes."""
    with Image.open(io.BytesIO(content)) as image:
        return spoil(image.convert("RGB"), content, fault.value)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _plain(image: Image.Image, _content: bytes, colour: str) -> bytes:
    return _png(Image.new("RGB", image.size, f"#{colour or '000000'}"))


def _truncated(_image: Image.Image, content: bytes, _value: str) -> bytes:
    return content[: len(content) // 2]


def _halved(image: Image.Image, _content: bytes, _value: str) -> bytes:
    return _png(image.resize((image.width // 2, image.height // 2)))


def _nan(image: Image.Image, content: bytes, value: str) -> bytes:
    log.warning("RuntimeWarning: invalid value encountered in cast")
    return _plain(image, content, value)


SPOILED: dict[str, Spoil] = {
    "black": _plain,
    "nan": _nan,
    "one-colour": _plain,
    "truncated": _truncated,
    "wrong-size": _halved,
}
"""What is made of a picture, by the fault's name."""


def _twin(output: Path, image: Json) -> Json:
    """Save another picture under the same name in a subfolder, and tell of it."""
    folder = output / image["subfolder"]
    twin = folder / AGAIN / image["filename"]
    twin.parent.mkdir(exist_ok=True)
    with Image.open(folder / image["filename"]) as first:
        ImageOps.mirror(first.convert("RGB")).save(twin, "PNG")
    return {**image, "subfolder": f"{image['subfolder']}/{AGAIN}"}
