"""The faces of the nodes, as `/object_info` shows them; the lists of files in them are live."""

import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.folders import Folders
from plasma_watch.sandbox.graph import Json

MODEL_INPUTS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LoraLoader", "lora_name"): "loras",
    ("LoraLoaderModelOnly", "lora_name"): "loras",
    ("ControlNetLoader", "control_net_name"): "controlnet",
    ("VAELoader", "vae_name"): "vae",
}
MAKERS: dict[str, Callable[[Any], object]] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}
"""The kinds of plain values, and how each is made of what a client sent."""
PICTURE_INPUTS = (("LoadImage", "image"), ("LoadImageMask", "image"))
PIXEL_SPACE = "pixel_space"
"""A VAE that needs no file."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Answers what a node looks like just now."""

    folders: Folders

    def __contains__(self, class_type: object) -> bool:
        """Tell whether there is such a node."""
        return class_type in _printed()

    def face(self, class_type: str) -> Json:
        """Show one node with the files that there are now."""
        face = _printed()[class_type]
        for node, name in (*MODEL_INPUTS, *PICTURE_INPUTS):
            if node == class_type:
                face = _with_choices(face, name, self._choices(node, name))
        return face

    def faces(self) -> dict[str, Json]:
        """Show every node."""
        return {class_type: self.face(class_type) for class_type in _printed()}

    def _choices(self, class_type: str, name: str) -> list[str]:
        if class_type == "LoadImage":
            return [file for file in self.folders.input_names() if is_picture_name(file)]
        if class_type == "LoadImageMask":
            return self.folders.input_names()
        models = self.folders.model_names(MODEL_INPUTS[class_type, name])
        return [*models, PIXEL_SPACE] if class_type == "VAELoader" else models


def is_picture_name(name: str) -> bool:
    """Tell by its suffix whether a file is listed as a picture."""
    return (content_type(name) or "").startswith("image/")


def content_type(name: str) -> str | None:
    """Guess what a file holds by its suffix."""
    if Path(name).suffix.lower() == ".webp":  # not every Python knows it
        return "image/webp"
    return mimetypes.guess_type(name)[0]


def inputs_of(face: Json) -> dict[str, tuple[str, list[Any]]]:
    """List a node's inputs in order: whether each is required or optional, and its description."""
    return {
        name: (group, description)
        for group in ("required", "optional")
        for name, description in face["input"].get(group, {}).items()
    }


def takes_link(description: list[Any]) -> bool:
    """Tell whether an input can only come from another node."""
    return not isinstance(description[0], list) and description[0] not in MAKERS


def _with_choices(face: Json, name: str, choices: list[str]) -> Json:
    required = face["input"]["required"]
    changed = {**required, name: [choices, *required[name][1:]]}
    return {**face, "input": {**face["input"], "required": changed}}


@cache
def _printed() -> dict[str, Json]:
    text = files("plasma_watch.sandbox").joinpath("object_info.json").read_text("utf-8")
    faces: dict[str, Json] = json.loads(text)
    return faces
