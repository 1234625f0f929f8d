"""What every part of a run works with, and how files come to be: whole, or cut short on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.faults import Fault
from plasma_watch.sandbox.trainer.mischief import Mischief

CUT_SHORT = 0.756
"""How much of a file is there when the disk is full: what was seen of a real one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The same for all of a run."""

    console: Console
    mischief: Mischief
    seconds_per_step: float
    device: str

    def write(self, path: Path, content: bytes, place: str, full: Exception) -> None:
        """Write a file in place, as the real trainer does; halfway through, things may happen."""
        half = int(len(content) * CUT_SHORT)
        with path.open("wb") as file:
            file.write(content[:half])
            file.flush()
            struck: Mapping[str, Fault] = self.mischief.at(place)
            if "disk-full" in struck:
                raise full
            if "truncated" not in struck:
                file.write(content[half:])
