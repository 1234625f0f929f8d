"""What the engine says of its node classes, remembered for a moment.

Its lists of files are live, so a list is asked for anew when it is old, or when it lacks what a
graph names: a LoRA that was installed a second ago must be found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

FRESH_SECONDS = 10.0
"""How long an answer counts; a line of pages asks for the same classes again and again."""

Info = Mapping[str, Any]


class Catalog:
    """Remembers one engine's answers. Its state: each answer, and when it was given."""

    def __init__(
        self, ask: Callable[[str], Info], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[str, tuple[float, Info]] = {}

    def of(self, node_classes: Iterable[str]) -> dict[str, Info]:
        """Return what the engine says of some classes; raises what asking raises."""
        return {name: self._of(name) for name in sorted(node_classes)}

    def _of(self, name: str) -> Info:
        when, info = self._known.get(name, (float("-inf"), {}))
        if self._clock() - when >= FRESH_SECONDS:
            info = self._ask(name)
            self._known[name] = (self._clock(), info)
        return info

    def forget(self) -> bool:
        """Forget every answer; tell whether there was one."""
        known, self._known = self._known, {}
        return bool(known)
