"""One picture of a job under our hands: its journal, and what it is worked on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.follow import Listener
from plasma_watch.comfyui.patience import Patience
from plasma_watch.control import Control
from plasma_watch.generate import again, resolve
from plasma_watch.generate.order import Order
from plasma_watch.generate.template import Graph
from plasma_watch.job import Job, Picture, prompt_id
from plasma_watch.line import Ongoing
from plasma_watch.tripwire import Tripwire


@dataclass(frozen=True, slots=True)
class Bench:
    """What every picture is worked on with."""

    client: Client
    control: Control
    tripwire: Tripwire
    output: Path
    """The output folder."""
    told: Callable[[Path], str]
    """How a path is told to people: relative to the home, absolute if outside."""
    placed: Callable[[Job, Path, Mapping[str, Any]], None]
    """Told of every picture in its place, with its request, before the journal is."""
    listener: Callable[[], Listener]
    """Returns the open socket to hear the engine by."""
    deaf: Callable[[], None]
    """Told of every socket that stayed open and told nothing of the end."""
    hung: Callable[[str], None]
    """Told of a prompt that hangs and cannot be stopped."""
    rescue: Callable[[], bool]
    """Restarts the engine if it is ours; tells whether it could."""
    patience: Callable[[float], Patience]
    """Begins to watch a prompt at a time; how long is too long is in it."""
    version: str
    host: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One picture: where it stands is in the journal, and nowhere else."""

    bench: Bench
    ongoing: Ongoing
    order: Order
    number: int

    @property
    def job(self) -> Job:
        """The job, as its journal has it now."""
        return self.ongoing.job

    @property
    def picture(self) -> Picture:
        """The picture, as the journal has it now."""
        return self.job.pictures[self.number - 1]

    @property
    def prompt(self) -> str:
        """The prompt id of the present attempt."""
        return self.prompt_of(self.picture.attempt)

    def prompt_of(self, attempt: int) -> str:
        """Return the prompt id of an attempt."""
        return prompt_id(self.job, self.number, attempt)

    def request(self) -> dict[str, Any]:
        """Return the resolved request that makes this picture again."""
        return resolve.of_picture(self.job.request or {}, self.picture)

    def carried(self, graph: Graph) -> dict[str, Any]:
        """Return what the picture itself carries, made with a graph."""
        inputs = [item.told() for item in self.order.inputs]
        return again.carried(self.request(), self.order.models_of(graph), inputs)

    def keep(self, picture: Picture, *, durable: bool = False) -> None:
        """Write the picture into the journal."""
        self.ongoing.keep(self.job.with_picture(picture), durable=durable)
