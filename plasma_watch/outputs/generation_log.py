"""`generation-log.json` beside the pictures: the pipeline's own list, which we add to.

Entries and keys of others are kept. A file that is not an array is left alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from plasma_watch.status import stamp
from plasma_watch.system import files

log = logging.getLogger(__name__)

FILE = "generation-log.json"


def entry(
    request: Mapping[str, Any], picture: str, manifest: str, made: datetime
) -> dict[str, Any]:
    """Return the entry of one picture."""
    lora, controlnet = request.get("lora"), request.get("controlnet")
    return {
        "file": picture,
        "generationBackend": "comfyui",
        "seed": request.get("seed"),
        "sampler": request.get("sampler"),
        "scheduler": request.get("scheduler"),
        "steps": request.get("steps"),
        "cfg": request.get("cfg"),
        "lora": dict(lora) if lora else None,
        "controlnet": dict(controlnet) if controlnet else None,
        "prompt": request.get("prompt"),
        "manifest": manifest,
        "createdAt": stamp(made),
    }


def add(folder: Path, new: Mapping[str, Any]) -> str:
    """Put an entry into the log of a folder; one of the same file is brought up to date.

    Returns a warning when the log is not an array and was left alone, else an empty string.
    """
    path = folder / FILE
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        entries = []
    except (OSError, ValueError) as exc:
        return f"{path} cannot be read ({exc}); it is left alone"
    if not isinstance(entries, list):
        return f"{path} is not an array; it is left alone"
    text = json.dumps(merged(entries, new), indent=2, ensure_ascii=False) + "\n"
    # Half a character, as a program leaves that cuts texts in UTF-16, goes back as its escape.
    files.write_whole(path, text.encode(errors="backslashreplace"), durable=True)
    return ""


def merged(entries: list[Any], new: Mapping[str, Any]) -> list[Any]:
    """Return the entries with the new one in them, keyed by `file`; other keys of it are kept."""
    at = [
        i
        for i, old in enumerate(entries)
        if isinstance(old, dict) and old.get("file") == new["file"]
    ]
    if not at:
        return [*entries, dict(new)]
    return [old | new if i == at[0] else old for i, old in enumerate(entries)]
