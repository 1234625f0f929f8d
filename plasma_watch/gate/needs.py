"""How much memory trainings really took here: learned from those that went well.

What is learned lies in one file of `.plasma/` that can be thrown away; then what the config says
counts again.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from plasma_watch.system import files

MARGIN = 1.1
"""By how much the need is taken to be larger than the largest that was seen."""


class Needs:
    """What trainings took at their peak, by resolution."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, resolution: int, otherwise: int) -> int:
        """Return the need of a training in bytes: learned, or else what the config says."""
        peak = self._read().get(str(resolution))
        return int(peak * MARGIN) if peak else otherwise

    def learn(self, resolution: int, peak: int) -> None:
        """Remember what a training took; nothing is learned from one that was not measured."""
        if peak > 0:
            known = self._read() | {str(resolution): peak}
            with contextlib.suppress(OSError):
                files.write_whole(self._path, json.dumps(known).encode())

    def _read(self) -> dict[str, int]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return (
            {k: v for k, v in known.items() if isinstance(v, int)}
            if isinstance(known, dict)
            else {}
        )
