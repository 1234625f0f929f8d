"""Checkpoints and states have the names that the real trainer gives them."""

from argparse import Namespace
from pathlib import Path

import pytest

from plasma_watch.sandbox.trainer import names

NAMED = Namespace(output_dir="out", output_name="spyke", save_model_as="safetensors")
NAMELESS = Namespace(output_dir="out", output_name=None, save_model_as="safetensors")


@pytest.mark.parametrize(
    ("stem", "checkpoint"),
    [
        (names.of_epoch(NAMED, 3), "spyke-000003.safetensors"),
        (names.of_step(NAMED, 40), "spyke-step00000040.safetensors"),
        (names.of_end(NAMED), "spyke.safetensors"),
        (names.of_epoch(NAMELESS, 3), "epoch-000003.safetensors"),
        (names.of_step(NAMELESS, 40), "at-step00000040.safetensors"),
        (names.of_end(NAMELESS), "last.safetensors"),
    ],
)
def test_names(stem: Path, checkpoint: str) -> None:
    """After an epoch, a step, and at the end; a state has the same stem."""
    assert names.checkpoint(stem, NAMED) == Path("out") / checkpoint
    assert names.state(stem).name == f"{stem.name}-state"


def test_name_may_have_a_point() -> None:
    """It is no ending."""
    options = Namespace(output_dir="out", output_name="v1.5", save_model_as="safetensors")

    assert names.checkpoint(names.of_epoch(options, 1), options).name == "v1.5-000001.safetensors"
    assert names.state(names.of_end(options)).name == "v1.5-state"


@pytest.mark.parametrize(
    ("epoch", "every", "last", "old"),
    [(3, 1, None, None), (1, 1, 2, None), (2, 1, 2, 0), (3, 1, 2, 1), (6, 2, 2, 2)],
)
def test_old_epochs_go(epoch: int, every: int, last: int | None, old: int | None) -> None:
    """When there are enough newer ones."""
    assert names.old_epoch(epoch, every, last) == old


@pytest.mark.parametrize(
    ("step", "every", "last", "old"),
    [(6, 1, None, None), (2, 1, 2, None), (3, 1, 2, 0), (6, 1, 2, 3), (50, 10, 30, 10)],
)
def test_old_steps_go(step: int, every: int, last: int | None, old: int | None) -> None:
    """`last` counts steps, not files: 30 of them in tens leave four files."""
    assert names.old_step(step, every, last) == old
