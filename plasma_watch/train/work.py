"""One training under our hands: the job, what was asked, and where each of its files lies.

running/<job>/dataset/         the copy that is trained on
running/<job>/attempt-1/       one run of the trainer: train.toml, dataset.toml, trainer.log, out/
running/<job>/history.jsonl    what all of them went through
running/<job>/loss.png
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plasma_watch.job import Job, Training
from plasma_watch.line import Ongoing
from plasma_watch.request import TrainRequest
from plasma_watch.train import checkpoints, history, recipe
from plasma_watch.train.checkpoints import State
from plasma_watch.train.copying import REGULARIZATION, TRAIN, Copy
from plasma_watch.train.history import History
from plasma_watch.train.recipe import Plan
from plasma_watch.train.shop import Workshop

DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class Work:
    """A prepared training. How far it is stands in the journal and in the job's folder alone."""

    shop: Workshop
    ongoing: Ongoing
    request: TrainRequest
    copy: Copy
    plan: Plan

    @property
    def job(self) -> Job:
        """The job, as its journal has it now."""
        return self.ongoing.job

    @property
    def training(self) -> Training:
        """How far it is, as the journal has it now."""
        return self.job.training or Training()

    @property
    def folder(self) -> Path:
        """The job's folder."""
        return self.ongoing.folder

    @property
    def attempt(self) -> Path:
        """The folder of the last attempt."""
        return checkpoints.attempt_folder(self.folder, self.training.attempt)

    @property
    def history(self) -> History:
        """What it went through so far."""
        return History(self.folder / history.FILE)

    @property
    def parts(self) -> dict[str, bool]:
        """The folders of the copy, and whether each is regularization."""
        return {TRAIN: False} | ({REGULARIZATION: True} if self.copy.reg else {})

    def newest_state(self) -> State | None:
        """Return what it can go on from."""
        return checkpoints.newest_state(self.folder, self.request.lora)

    def whole_epochs(self) -> int:
        """Return how many epochs lie safe behind it."""
        state = self.newest_state()
        return state.epochs if state else 0

    def disk_bytes(self) -> int:
        """Return about how much more disk it will fill."""
        return recipe.room_bytes(self.request, self.plan.epochs - self.whole_epochs())

    def keep(self, *, durable: bool = False, **changes: Any) -> None:  # noqa: ANN401 - a training's fields
        """Write what changed in the training into the journal."""
        training = replace(self.training, **changes)
        self.ongoing.keep(replace(self.job, training=training), durable=durable)

    def say(self, text: str) -> None:
        """Add a line to the job's log."""
        self.shop.board.say(self.job.name, self.job.id, text)


def config_file(attempt: Path) -> Path:
    """Return the settings that an attempt is started with: no other process is."""
    return attempt / "train.toml"
