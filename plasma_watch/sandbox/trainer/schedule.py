"""How many steps a training has, and where it begins: with it all that is wrong about resuming.

A run that goes on counts from the beginning of an epoch. Only `initial_epoch` says which rightly;
without it the steps of the state decide, and more or fewer are made than were missing.
"""

import math
from argparse import Namespace
from dataclasses import dataclass

from plasma_watch.sandbox.trainer.refusals import insist


@dataclass(frozen=True, slots=True)
class Schedule:
    """The steps of a whole training."""

    batches: int
    """Of one epoch."""
    accumulation: int
    """How many batches make a step."""
    steps: int
    """In all, by the options; what the bar counts to."""

    @property
    def steps_per_epoch(self) -> int:
        """Count the steps of one epoch."""
        return math.ceil(self.batches / self.accumulation)

    @property
    def epochs(self) -> int:
        """Count the epochs, the last of which may be cut short."""
        return math.ceil(self.steps / self.steps_per_epoch)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins."""

    epoch: int = 0
    """How many epochs are left out."""
    skip: int = 0
    """How many batches of the first one are left out."""
    skipping: int = 0
    """How many steps are said to be left out."""


def schedule(options: Namespace, batches: int) -> Schedule:
    """Count the steps: so many epochs, or so many steps."""
    accumulation = options.gradient_accumulation_steps
    steps = options.max_train_steps
    if options.max_train_epochs is not None:
        steps = options.max_train_epochs * math.ceil(batches / accumulation)
    return Schedule(batches, accumulation, steps)


def start(options: Namespace, plan: Schedule, from_state: int | None) -> Start:
    """Tell where a run begins that is given a state's steps, or told where."""
    step = _initial_step(options, plan, from_state)
    insist(
        not step or plan.steps > step,
        "max_train_steps should be greater than initial step / max_train_stepsは"
        f"初期ステップより大きい必要があります: {plan.steps} vs {step}",
    )
    if not options.skip_until_initial_step or not step:
        return Start(step // plan.steps_per_epoch)
    batches = step * plan.accumulation
    epoch = batches // plan.steps_per_epoch
    return Start(epoch, batches - epoch * plan.batches, skipping=step)


def is_told(options: Namespace) -> bool:
    """Tell whether the options say where to begin, whatever the state says."""
    return options.initial_epoch is not None or options.initial_step is not None


def _initial_step(options: Namespace, plan: Schedule, from_state: int | None) -> int:
    if options.initial_step is not None:
        return int(options.initial_step)
    if options.initial_epoch is not None:
        return int(options.initial_epoch - 1) * plan.steps_per_epoch
    return from_state or 0
