"""What a sandbox is started with; it knows nothing of how that was asked for."""

from dataclasses import dataclass
from pathlib import Path

from plasma_watch.sandbox.mischief.script import Fault


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs from one sandbox to the next."""

    base: Path
    """Holds `models/`, `input/`, `output/` and `temp/`; made when missing."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    seconds_per_step: float = 0.05
    with_parent: bool = False
    """End when standard input ends, which is when the parent dies, however it dies."""
    previews: bool = False
    """Send a picture with every step, as ComfyUI does with `--preview-method`."""
    faults: tuple[Fault, ...] = ()
    """What it is to do wrong."""
