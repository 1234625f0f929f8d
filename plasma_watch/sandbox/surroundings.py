"""What every ticket runs in: the same for all of them, but for who is on stage."""

from collections.abc import Callable
from dataclasses import dataclass

from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.frames import Frame
from plasma_watch.sandbox.interrupt import Interrupt
from plasma_watch.sandbox.mischief.script import Script


@dataclass(slots=True)
class Stage:
    """Who is played to and which node is on: what a client that comes back is told."""

    client: object = None
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the engine that a running ticket needs, and what it was started with."""

    catalog: Catalog
    interrupt: Interrupt
    stage: Stage
    send: Callable[[Frame], None]
    wants_metadata: Callable[[object], bool]
    seconds_per_step: float
    previews: bool
    script: Script
    forget: Callable[[], None]
    """Makes the engine forget everything, as a restart does."""
