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
_INDENT = "  "


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
        text = with_entry(_read(path), new)
    except (OSError, ValueError, RecursionError) as exc:
        return f"{path} cannot be read ({exc}); it is left alone"
    # Half a character, as a program leaves that cuts texts in UTF-16, goes back as its escape.
    files.write_whole(path, text.encode(errors="backslashreplace"), durable=True)
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "[]"


def with_entry(log: str, new: Mapping[str, Any]) -> str:
    """Return the text of a log with an entry in it, keyed by `file`; other keys of it are kept.

    What is put behind the others leaves them as they are written: a long log costs no more for it.
    Raises ValueError when the log is not an array.
    """
    entries = json.loads(log)
    if not isinstance(entries, list):
        raise ValueError("not an array")  # noqa: TRY004 - of the text, not of the argument
    at = next((i for i, old in enumerate(entries) if _is_of(old, new)), None)
    if at is not None:
        entries[at] |= new
        return _text(entries) + "\n"
    before = log.rstrip().removesuffix("]").rstrip()
    comma, entry = "," if entries else "", _text(dict(new)).replace("\n", f"\n{_INDENT}")
    return f"{before}{comma}\n{_INDENT}{entry}\n]\n"


def _is_of(entry: object, new: Mapping[str, Any]) -> bool:
    return isinstance(entry, dict) and entry.get("file") == new["file"]


def _text(value: object) -> str:
    return json.dumps(value, indent=len(_INDENT), ensure_ascii=False)
