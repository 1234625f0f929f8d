"""Reads what a training went through, as far as pictures of it need: losses, memory, attempts.

`history.jsonl` in its job's folder is added to and never rewritten, so only what is new is read.
A line that is no JSON, as a crash leaves one, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = "history.jsonl"
_MOST_BYTES = 64_000_000
"""How much of a file is read at once; no training writes so much."""

Row = Mapping[str, Any]


class History:
    """One file, as it grows. Its state: what was read of it, and how far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """Return all its rows, those included that are new."""
        new = self._new()
        whole, _, _ = new.rpartition(b"\n")
        self._at += len(whole) + 1 if whole else 0
        self._rows += _parsed(whole)
        return self._rows

    def _new(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                return file.read(_MOST_BYTES)
        except OSError:
            return b""


def _parsed(text: bytes) -> Iterator[Row]:
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def losses(rows: list[Row]) -> list[tuple[int, float]]:
    """Return step and loss as they were told; of a step that was made again there are several."""
    return [
        (row["step"], float(row["loss"]))
        for row in rows
        if isinstance(row.get("step"), int) and isinstance(row.get("loss"), int | float)
    ]
