"""What the gallery keeps of one picture: a row to find and show it by, and its manifest to read.

Pure. A manifest may be a person's work by now, so nothing in it is taken to be of the right kind,
and everything that is a request's own words stays a text: the page never makes code of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from plasma_watch import toml_text
from plasma_watch.outputs.naming import split_version
from plasma_watch.report.sheet import SHOWN
from plasma_watch.request import MANIFEST_TABLES, flat
from plasma_watch.status import stamp

_INSTALLED = re.compile(r"(?P<name>.+)-[0-9a-f]{8}", re.DOTALL)
"""The name under which a version of a LoRA is installed: everybody calls it by the first part."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the gallery."""

    row: Mapping[str, Any]
    """What finds and shows it: small, read with all others of its group."""
    more: Mapping[str, str]
    """What its manifest says, as TOML: read when somebody asks for it."""

    @property
    def id(self) -> str:
        """Its path below the output folder, without the suffix."""
        return str(self.row["id"])


def entry_of(picture: PurePosixPath, manifest: str, seen: str, thumb: str) -> Entry:
    """Return the entry of a picture: its path below the output folder, its manifest's text.

    `seen` tells two states of its files apart; `thumb` names its thumbnail, or is empty.
    Raises ValueError when the text is no manifest.
    """
    table = tomllib.loads(manifest)
    match table:
        case {"result": dict(result)}:
            row = _row(picture, _request(table), result) | {"thumb": thumb, "seen": seen}
            return Entry(row, _more(table))
        case _:
            raise ValueError("not a manifest: it has no result")


def _request(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in MANIFEST_TABLES}


def _row(
    picture: PurePosixPath, request: Mapping[str, Any], result: Mapping[str, Any]
) -> dict[str, Any]:
    stem, version = split_version(picture.name)
    told = {key: _word(value) for key, value in flat(request).items() if key in SHOWN}
    return {
        "id": str(picture.with_suffix("")),
        "picture": str(picture),
        "stem": str(picture.with_name(stem)),
        "version": version,
        "width": _whole(result.get("width")),
        "height": _whole(result.get("height")),
        "made": _time(result.get("made")),
        "approved": _time(result.get("approved")),
        "sandbox": bool(result.get("sandbox")),
        "sheet": bool(result.get("sheet")),
        "chapter": _whole(request.get("chapter"), -1),
        "page": _whole(request.get("page"), -1),
        "lora": lora_name(told.get("lora.name", "")),
        "note": str(request.get("note", "")),
        "told": told,
    }


def lora_name(file: str) -> str:
    """Return what people call a LoRA: `spyke` for `spyke-1f2e3d4c.safetensors`."""
    name = file.removesuffix(".safetensors")
    found = _INSTALLED.fullmatch(name)
    return found["name"] if found else name


def _more(table: Mapping[str, Any]) -> dict[str, str]:
    facts = {key: table[key] for key in MANIFEST_TABLES if key in table and key != "graph"}
    graph = table.get("graph")
    return {
        "request": toml_text.dumps(_request(table)),
        "facts": toml_text.dumps(facts),
        "graph": str(graph.get("json", "")) if isinstance(graph, dict) else "",
    }


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _whole(value: object, missing: int = 0) -> int:
    return value if isinstance(value, int) and abs(value) < _SAFE else missing


_SAFE = 2**53
"""Up to here a page's script knows whole numbers exactly."""


def _time(value: object) -> str:
    return stamp(value) if isinstance(value, datetime) and value.tzinfo else ""
