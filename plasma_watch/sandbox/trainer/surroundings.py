"""What a run is told by its environment: how fast, and what shall go wrong.

The command line is the real trainer's, so what only a stand-in needs comes this way.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.sandbox.trainer.faults import Fault, parse

SECONDS = "PLASMA_SANDBOX_SECONDS_PER_STEP"
FAULTS = "PLASMA_SANDBOX_TRAINER_FAULT"
SPENT = "PLASMA_SANDBOX_TRAINER_SPENT"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that is not an option of the real trainer."""

    seconds_per_step: float = 0.05
    faults: tuple[Fault, ...] = ()
    spent: Path | None = None
    """A file of faults that struck already: each strikes once, over any number of runs."""
    device: str = "cpu"
    """What the real trainer would train on here, unless a fault says otherwise."""


def surroundings_of(environment: Mapping[str, str], system: str = sys.platform) -> Surroundings:
    """Read the environment."""
    spent = environment.get(SPENT, "")
    return Surroundings(
        seconds_per_step=float(environment.get(SECONDS) or Surroundings().seconds_per_step),
        faults=parse(environment.get(FAULTS, "")),
        spent=Path(spent) if spent else None,
        device="mps" if system == "darwin" else "cpu",
    )
