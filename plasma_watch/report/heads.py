"""Reads of a manifest what finding it needs, fast: everything before its graph, or less."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plasma_watch.outputs.naming import split_version

_ENGINE, _GRAPH = b"\n[engine]\n", b"\n[graph]\n"
"""Where the parts of a manifest begin that are slow to read: of no use to the index, to nobody."""


def read_head(path: Path, end: bytes = _GRAPH) -> dict[str, Any]:
    """Return a manifest's table up to where its graph begins; an empty one when it is none.

    A person may have put its parts in another order: then it is read whole.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    head, cut, _ = content.partition(end)
    table = _parsed(head)
    if cut and "result" not in table:
        table = _parsed(content)
    return table if isinstance(table.get("result"), dict) else {}


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return {}


def row_of(path: Path, folder: str, stamp: str) -> tuple[Any, ...]:
    """Return what the index keeps of a manifest; a file that is none is kept as such."""
    table = read_head(path, _ENGINE)
    result, lora = table.get("result", {}), table.get("lora", {})
    stem, version = split_version(path.name)
    made = result.get("made")
    return (
        folder,
        path.name,
        stamp,
        stem.casefold(),
        version,
        made.astimezone(UTC).isoformat() if isinstance(made, datetime) and made.tzinfo else None,
        table.get("chapter") if isinstance(table.get("chapter"), int) else None,
        table.get("page") if isinstance(table.get("page"), int) else None,
        str(table.get("prompt", "")).casefold(),
        str(table.get("seed", "")),
        str(table.get("checkpoint", "")).casefold(),
        str(lora.get("name", "")).casefold() if isinstance(lora, dict) else "",
        str(table.get("workflow", "")),
        str(result.get("sha256", "")),
        str(result.get("phash", "")),
        "approved" in result,
        bool(result.get("sheet")),
    )
