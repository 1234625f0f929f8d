"""The steps: a bar that is drawn twice for each, and a loss that falls."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import NoReturn

from tqdm import tqdm

from plasma_watch.sandbox.trainer.dataset import check_sizes
from plasma_watch.sandbox.trainer.desk import Desk
from plasma_watch.sandbox.trainer.gathered import Gathered
from plasma_watch.sandbox.trainer.losses import Recorder, of_step
from plasma_watch.sandbox.trainer.network import Learned
from plasma_watch.sandbox.trainer.saving import Keeper
from plasma_watch.sandbox.trainer.schedule import Schedule, Start
from plasma_watch.sandbox.trainer.state import Where

SLOWER = 8
REFRESHES = 1_000_000
AT_ONCE = 1000


@dataclass(slots=True)
class Loop:
    """One run over its epochs; it holds how far it has come."""

    keeper: Keeper
    found: list[Gathered]
    plan: Schedule
    start: Start
    learned: Learned
    desk: Desk
    recorder: Recorder = field(default_factory=Recorder)
    step: int = 0
    """By the count of this run, which a resumed one begins anew."""

    def run(self) -> None:
        """Take every step and keep what is to be kept."""
        self.step = self.start.skip
        bar = _bar(self.plan.steps - self.start.skip)
        for epoch in range(self.start.epoch, self.plan.epochs):
            self.desk.console.say(f"\nepoch {epoch + 1}/{self.plan.epochs}\n")
            self._epoch(epoch, bar)
            self.keeper.after_epoch(Where(epoch + 1, self.step), self.learned, self.plan.epochs)
            bar.unpause()  # what was saved meanwhile is not counted
        self.keeper.at_end(Where(self.plan.epochs, self.step), self.learned)
        bar.close()  # after an error it is closed when Python ends: behind the traceback

    def _epoch(self, epoch: int, bar: tqdm[NoReturn]) -> None:
        skipped = self.start.skip if epoch == self.start.epoch else 0
        last = self.plan.batches - max(0, skipped - 1)
        self._fetch(epoch + 1)
        for batch in range(1 if skipped else 0, last):
            completes = (batch + 1) % self.plan.accumulation == 0 or batch + 1 == last
            self._batch(epoch, batch, bar, completes=completes)
            if self.step >= self.plan.steps:
                break

    def _fetch(self, epoch: int) -> None:
        """Take the first batch: what cannot be trained on fails only here."""
        options = self.keeper.options
        if not (options.cache_latents or options.cache_latents_to_disk):
            check_sizes(self.found)
        for one in self.found:
            one.enter(epoch, self.desk.console)
        if options.mixed_precision == "fp16" and self.desk.device == "cpu":
            raise RuntimeError(
                "expected m1 and m2 to have the same dtype, but got: c10::Half != float"
            )

    def _batch(self, epoch: int, batch: int, bar: tqdm[NoReturn], *, completes: bool) -> None:
        struck = self.desk.mischief.at(self.step + 1)
        if "flood" in struck:
            _flood(bar, int(struck["flood"].number(REFRESHES)))
        slow = self.desk.mischief.lasts("slow")
        times = slow.number(SLOWER) if slow else 1
        time.sleep(self.desk.seconds_per_step * times / self.plan.accumulation)
        loss = self._loss()
        if completes:
            self.step += 1
            self.learned = self._learn(loss)
            bar.update(1)
            bar.unpause()
            self.keeper.after_step(Where(epoch + 1, self.step), self.learned)
        bar.set_postfix(avr_loss=self.recorder.add(epoch, batch, loss))

    def _loss(self) -> float:
        for kind in ("nan", "inf"):
            if self.desk.mischief.lasts(kind):
                return float(kind)
        lost = self.learned.is_nan
        return math.nan if lost else of_step(self.keeper.network.seed, self.learned.steps + 1)

    def _learn(self, loss: float) -> Learned:
        return Learned(
            steps=self.learned.steps + 1,
            is_nan=self.learned.is_nan or not math.isfinite(loss),
            is_zero=self.desk.mischief.lasts("zero") is not None,
        )


def _bar(total: int) -> tqdm[NoReturn]:
    # Each step is drawn, however fast it is: the real one leaves out what comes within 0.1 s.
    return tqdm(total=total, desc="steps", smoothing=0, mininterval=0, miniters=1)


def _flood(bar: tqdm[NoReturn], refreshes: int) -> None:
    text = f"\r{bar}"
    for _ in range(refreshes // AT_ONCE):
        sys.stderr.write(text * AT_ONCE)
    sys.stderr.write(text * (refreshes % AT_ONCE))
