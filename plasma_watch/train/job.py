"""The train kind: for now it checks a request and says that it cannot run it."""

from __future__ import annotations

from collections.abc import Mapping

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.request import TrainRequest
from plasma_watch.toml_check import KeyPath


def check(request: TrainRequest, lines: Mapping[KeyPath, int], subject: str) -> None:  # noqa: ARG001 - a kind's shape
    """Refuse a well-formed request for a LoRA: this version cannot train."""
    raise PlasmaError(
        Code.TRAINER_NOT_YET,
        f"{subject} is a good request for '{request.lora}', but this version cannot train yet",
        "Keep the file and drop it again after an update.",
    )
