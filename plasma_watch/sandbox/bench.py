"""What a node may touch besides its inputs: files, its own memory, and how far it has come."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from plasma_watch.sandbox.folders import Folders
from plasma_watch.sandbox.graph import Json
from plasma_watch.sandbox.picture import Picture

Draw: TypeAlias = Callable[[], Picture]
Step: TypeAlias = Callable[[int, int, Draw | None], None]
"""Called with value, maximum, and what draws the picture as it will be, where there is one."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The place at which a node works."""

    folders: Folders
    memory: Json
    """What this node remembers from graph to graph."""
    step: Step
    """Takes the time of one step, and says so."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a node made: an output for each of its slots, and what it shows to clients."""

    outputs: tuple[object, ...] = ()
    shown: Json = field(default_factory=dict)
