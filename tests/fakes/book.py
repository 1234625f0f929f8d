"""An output folder as the daemon fills it: small pictures, each with its manifest beside it."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch.outputs.manifest import Manifest
from tests.fakes.home import NOON

SIZE = (64, 96)
GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}


def picture(number: int, size: tuple[int, int] = SIZE) -> bytes:
    """Return a picture as PNG; each number has one of its own."""
    image = Image.new("RGB", size, (number * 37 % 256, number * 59 % 256, 90))
    image.putpixel((number % size[0], number // size[0] % size[1]), (255, 255, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def place(output: Path, name: str, number: int, content: bytes = b"", **keys: Any) -> Path:
    """Put a picture and its manifest below the output folder; keys given are its request's."""
    path = output / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content or picture(number)
    path.with_suffix(".toml").write_text(manifest(path.name, content, number, **keys).to_toml())
    path.write_bytes(content)
    return path


def manifest(file: str, content: bytes, number: int, **keys: Any) -> Manifest:
    """Return the manifest of a picture."""
    result = {
        "file": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": SIZE[0],
        "height": SIZE[1],
        "made": NOON + timedelta(minutes=number),
        "sandbox": False,
    }
    request = {
        "kind": "generate",
        "workflow": "txt2img",
        "prompt": f"spyke, ginger hair, number {number}",
        "negative": "lowres",
        "seed": 1000 + number,
        "steps": 2,
        "cfg": 7.0,
        "sampler": "euler",
        "scheduler": "normal",
        "width": SIZE[0],
        "height": SIZE[1],
        "checkpoint": "anything-v5-PrtRE.safetensors",
        "count": 1,
    }
    told = keys.pop("result", {})
    return Manifest(
        request=request | keys,
        result=result | told,
        engine={"version": "0.3.64", "device": "mps"},
        models=[{"name": "anything-v5-PrtRE.safetensors", "sha256": "0" * 64}],
        inputs=[],
        daemon={"version": "0.1.0", "job": f"20261122T120000-n{number}"},
        graph=GRAPH,
        template_sha256="0" * 64,
    )


def page(output: Path, chapter: int, number: int, version: int = 1, **keys: Any) -> Path:
    """Put a version of a page of a chapter there."""
    name = f"ch-{chapter:02d}/raw/ch{chapter:02d}_p{number:03d}_v{version}"
    told = {"chapter": chapter, "page": number} | keys
    return place(output, name, 100 * chapter + 10 * number + version, **told)
