"""What is kept: checkpoints and states, after steps, after epochs and at the end."""

import shutil
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.sandbox.trainer import metadata, names, state, tensors
from plasma_watch.sandbox.trainer.desk import Desk
from plasma_watch.sandbox.trainer.network import Learned, Network
from plasma_watch.sandbox.trainer.refusals import SafetensorError
from plasma_watch.sandbox.trainer.state import Where
from plasma_watch.sandbox.trainer.values import FORMATS, Format

FULL = SafetensorError(
    "Error while serializing: IoError(Os { code: 28, kind: StorageFull, "
    'message: "No space left on device" })'
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Knows what is to be kept; when, it is asked."""

    options: Namespace
    network: Network
    training: Mapping[str, str]
    desk: Desk

    def after_step(self, where: Where, learned: Learned) -> None:
        """Keep what a step made, if it is its turn."""
        every = self.options.save_every_n_steps
        if every is None or where.step % every:
            return
        stem = names.of_step(self.options, where.step)
        self._checkpoint(stem, where, learned, epoch=where.epoch - 1)
        if self.options.save_state:
            self.desk.console.info("train_util.py:5963", "")
            self.desk.console.info("train_util.py:5964", f"saving state at step {where.step}")
            state.save(names.state(stem), where, self.network, learned, self.desk)
            last = self.options.save_last_n_steps_state or self.options.save_last_n_steps
            old = names.old_step(where.step, every, last)
            if old:  # the very first is never removed
                self._remove_state(names.of_step(self.options, old), "5982")
        old = names.old_step(where.step, every, self.options.save_last_n_steps)
        if old is not None:
            self._remove(names.of_step(self.options, old))

    def after_epoch(self, where: Where, learned: Learned, epochs: int) -> None:
        """Keep what an epoch made, if it is its turn; the last one is kept under another name."""
        every = self._every(epochs)
        if every is None or where.epoch % every or where.epoch >= epochs:
            return
        stem = names.of_epoch(self.options, where.epoch)
        self._checkpoint(stem, where, learned, epoch=where.epoch)
        old = names.old_epoch(where.epoch, every, self.options.save_last_n_epochs)
        if old is not None:
            self._remove(names.of_epoch(self.options, old))
        if self.options.save_state:
            self.desk.console.info("train_util.py:5941", "")
            self.desk.console.info("train_util.py:5942", f"saving state at epoch {where.epoch}")
            state.save(names.state(stem), where, self.network, learned, self.desk)
            last = self.options.save_last_n_epochs_state or self.options.save_last_n_epochs
            old = names.old_epoch(where.epoch, every, last)
            if old is not None:
                self._remove_state(names.of_epoch(self.options, old), "5957")

    def at_end(self, where: Where, learned: Learned) -> None:
        """Keep what came out."""
        stem = names.of_end(self.options)
        if self.options.save_state or self.options.save_state_on_train_end:
            self.desk.console.info("train_util.py:5989", "")
            self.desk.console.info("train_util.py:5990", "saving last state.")
            state.save(names.state(stem), where, self.network, learned, self.desk)
        self._checkpoint(stem, where, learned, epoch=where.epoch, place="final")
        self.desk.console.info("train_network.py:1729", "model saved.")

    def _every(self, epochs: int) -> int | None:
        ratio = self.options.save_n_epoch_ratio
        if ratio is not None and ratio > 0:
            return epochs // int(ratio) or 1
        every: int | None = self.options.save_every_n_epochs
        return every

    def _checkpoint(
        self, stem: Path, where: Where, learned: Learned, epoch: int, place: str = "saving"
    ) -> None:
        path = names.checkpoint(stem, self.options)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.desk.console.say(f"\nsaving checkpoint: {path}")
        form = FORMATS.get(self.options.save_precision, Format.F32)
        weights = self.network.weights(learned, form)
        told = metadata.of_checkpoint(self.options, self.training, where.step, epoch)
        data = tensors.body(weights)
        told |= tensors.hashes(weights, told, data)
        self.desk.write(path, tensors.head(weights, told) + data, place, FULL)

    def _remove(self, stem: Path) -> None:
        path = names.checkpoint(stem, self.options)
        if path.exists():
            self.desk.console.say(f"removing old checkpoint: {path}")
            path.unlink()

    def _remove_state(self, stem: Path, line: str) -> None:
        folder = names.state(stem)
        if folder.exists():
            self.desk.console.info(f"train_util.py:{line}", f"removing old state: {folder}")
            shutil.rmtree(folder)
