"""How a loss falls: fast, then slowly, and never smoothly; each step's own, and what is shown."""

import math
import random
from dataclasses import dataclass, field

FLOOR = 0.085
"""Where the loss of a LoRA on a few pictures ends up, more or less."""
HEIGHT = 0.075
SETTLING_STEPS = 180
SPREAD = 0.35


def of_step(seed: int, step: int) -> float:
    """Give the loss of one step, counted over all runs: a run that is resumed goes on with it."""
    chance = random.Random(f"{seed} {step}").gauss(0, SPREAD)  # noqa: S311 - it must be the same again
    return (FLOOR + HEIGHT * math.exp(-step / SETTLING_STEPS)) * math.exp(chance)


@dataclass(slots=True)
class Recorder:
    """The average over the last epoch, as it is shown; a run that begins later counts zeros."""

    losses: list[float] = field(default_factory=list)
    total: float = 0.0

    def add(self, epoch: int, step: int, loss: float) -> float:
        """Take the loss of a step within its epoch, both counted from 0; give the average."""
        if epoch == 0:
            self.losses.append(loss)
        else:
            self.losses += [0.0] * (step + 1 - len(self.losses))
            self.total -= self.losses[step]
            self.losses[step] = loss
        self.total += loss
        return self.total / len(self.losses)
