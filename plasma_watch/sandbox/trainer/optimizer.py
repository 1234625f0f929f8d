"""The optimizer by its name: nothing is optimized, but what is not there is missed."""

import ast
from argparse import Namespace
from typing import Any

from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.refusals import missing

TORCH = frozenset(
    {
        *("Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "ASGD", "LBFGS"),
        *("NAdam", "RAdam", "RMSprop", "Rprop", "SGD", "SparseAdam"),
    }
)
"""The optimizers that need no other library; Adafactor and its like are not imitated."""
ADAMW = "torch.optim.adamw.AdamW"


def choose(options: Namespace, console: Console) -> str:
    """Tell which optimizer it is, by the name that stands in the metadata."""
    name = options.optimizer_type or "AdamW"
    arguments = _arguments(options.optimizer_args or [])
    if options.use_8bit_adam or "8bit" in name.lower() or name.lower().startswith("paged"):
        raise missing(
            "bitsandbytes", "No bitsandbytes / bitsandbytesがインストールされていないようです"
        )
    if options.use_lion_optimizer or name.lower() == "lion":
        raise missing(
            "lion_pytorch", "No lion_pytorch / lion_pytorch がインストールされていないようです"
        )
    shown = "" if not arguments else f"({','.join(f'{k}={v}' for k, v in arguments.items())})"
    if name.lower() == "adamw":
        console.info("train_util.py:5096", f"use AdamW optimizer | {arguments}")
        return ADAMW + shown
    console.info("train_util.py:5124", f"use {name} | {arguments}")
    if name not in TORCH:
        raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")
    return f"torch.optim.{name.lower()}.{name}{shown}"


def _arguments(given: list[str]) -> dict[str, Any]:
    pairs = (text.split("=", 1) for text in given)
    return {key: ast.literal_eval(value) for key, value in pairs}
