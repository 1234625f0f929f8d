"""What a dataset turned out to be: its pictures, how often each, and in which buckets."""

from collections import Counter
from dataclasses import dataclass, field

from plasma_watch.sandbox.trainer import buckets
from plasma_watch.sandbox.trainer.blueprint import Dataset, Subset
from plasma_watch.sandbox.trainer.buckets import Rules, Size
from plasma_watch.sandbox.trainer.console import Console


@dataclass(slots=True)
class Picture:
    """One picture that is trained on; how often, and in which bucket, is found out later."""

    path: str
    repeats: int
    is_reg: bool
    size: Size = (0, 0)
    bucket: Size = (0, 0)


@dataclass(slots=True)
class Gathered:
    """What was found for one dataset."""

    plan: Dataset
    rules: Rules
    subsets: list[tuple[Subset, int]] = field(default_factory=list)
    """Those with pictures, and with how many."""
    pictures: dict[str, Picture] = field(default_factory=dict)
    tags: dict[str, Counter[str]] = field(default_factory=dict)
    train_images: int = 0
    reg_images: int = 0
    buckets: list[tuple[Size, int]] = field(default_factory=list)
    mean_error: float = 0
    epoch: int = 0
    """The last epoch that was heard of."""

    @property
    def batches(self) -> int:
        """Count the batches of an epoch."""
        return buckets.batches(self.buckets, self.plan.batch_size)

    def enter(self, epoch: int, console: Console) -> None:
        """Hear of an epoch; a new one is told."""
        if epoch > self.epoch:
            console.info(
                "train_util.py:784",
                f"epoch is incremented. current_epoch: {self.epoch}, epoch: {epoch}",
            )
        self.epoch = epoch
