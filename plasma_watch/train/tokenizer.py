"""Lays the trainer's tokenizer ready from ComfyUI's own copy, so that nothing is ever fetched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from plasma_watch.system import files

_NAME = "openai_clip-vit-large-patch14"
_SETTINGS = "tokenizer_config.json"
_FILES = ("vocab.json", "merges.txt", "special_tokens_map.json")
_LENGTH = 77
"""How many tokens the text encoder takes. ComfyUI, which splits texts itself, says more."""


def lay_ready(comfyui: Path, folder: Path) -> Path | None:
    """Return the folder with the tokenizer in it, or None when ComfyUI has none to copy.

    Raises OSError when the disk refuses.
    """
    source, target = comfyui / "comfy" / "sd1_tokenizer", folder / _NAME
    try:
        settings = json.loads((source / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(source / name, target / name)
    told = json.dumps(settings | {"model_max_length": _LENGTH})
    files.write_whole(target / _SETTINGS, told.encode())
    return folder
