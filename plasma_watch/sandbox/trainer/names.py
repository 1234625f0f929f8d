"""What checkpoints and states are called, and which old ones go when a new one comes."""

from argparse import Namespace
from pathlib import Path


def of_epoch(options: Namespace, epoch: int) -> Path:
    """Name what is saved after an epoch, without the ending."""
    return Path(options.output_dir) / f"{options.output_name or 'epoch'}-{epoch:06d}"


def of_step(options: Namespace, step: int) -> Path:
    """Name what is saved after a step, without the ending."""
    return Path(options.output_dir) / f"{options.output_name or 'at'}-step{step:08d}"


def of_end(options: Namespace) -> Path:
    """Name what is saved at the end, without the ending."""
    return Path(options.output_dir) / (options.output_name or "last")


def checkpoint(stem: Path, options: Namespace) -> Path:
    """Name the file of a checkpoint."""
    return stem.with_name(f"{stem.name}.{options.save_model_as}")


def state(stem: Path) -> Path:
    """Name the folder of a state."""
    return stem.with_name(f"{stem.name}-state")


def old_epoch(epoch: int, every: int, last: int | None) -> int | None:
    """Tell which epoch goes when this one is there."""
    return None if last is None or epoch < every * last else epoch - every * last


def old_step(step: int, every: int, last: int | None) -> int | None:
    """Tell which step goes when this one is there: `last` counts steps, not files."""
    if last is None or step - last - 1 < 0:
        return None
    return (step - last - 1) // every * every
