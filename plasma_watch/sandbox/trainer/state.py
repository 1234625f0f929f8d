"""The folder from which a training goes on: written file by file, read in the same order.

`train_state.json` is the first, `random_states_0.pkl` the last. What a kill leaves behind is
therefore told by the last one; the real trainer does not look, and neither does this one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.trainer import archive, tensors
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.desk import Desk
from plasma_watch.sandbox.trainer.network import Learned, Network
from plasma_watch.sandbox.trainer.refusals import SafetensorError
from plasma_watch.sandbox.trainer.values import Format

MODEL, OPTIMIZER, SCHEDULER = "model.safetensors", "optimizer.bin", "scheduler.bin"
RANDOM, TRAIN = "random_states_0.pkl", "train_state.json"
RANDOM_BYTES, RANDOM_PICKLED_BYTES = 5056, 7900
PICKLED_BYTES = 475
"""What torch needs in an optimizer's file for each tensor, besides its numbers."""
METADATA = {"format": "pt", "plasma_sandbox": "true"}
FULL = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 1971072 vs 1970964")
"""What torch says of a full disk, and what it said before."""
FULL.__context__ = RuntimeError("basic_ios::clear: iostream error")


@dataclass(frozen=True, slots=True)
class Where:
    """How far a run is, by its own count."""

    epoch: int
    step: int


def save(folder: Path, where: Where, network: Network, learned: Learned, desk: Desk) -> None:
    """Write a state."""
    console = desk.console
    console.info("accelerator.py:3241", f"Saving current state to {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    console.info(
        "train_network.py:946",
        f"save train state to {folder / TRAIN} at epoch {where.epoch} step {where.step}",
    )
    told = {"current_epoch": where.epoch, "current_step": where.step}
    (folder / TRAIN).write_text(json.dumps(told), "utf-8")
    _save_model(folder / MODEL, network, learned)
    console.info("checkpointing.py:108", f"Model weights saved in {folder / MODEL}")
    desk.write(folder / OPTIMIZER, _optimizer(network), "state", FULL)
    console.info("checkpointing.py:115", f"Optimizer state saved in {folder / OPTIMIZER}")
    ours = {"steps": learned.steps, "is_nan": learned.is_nan}
    (folder / SCHEDULER).write_bytes(archive.packed(SCHEDULER, told=ours))
    console.info("checkpointing.py:122", f"Scheduler state saved in {folder / SCHEDULER}")
    for number, name in enumerate(("sampler.bin", "sampler_1.bin")):  # said, and never written
        where_to = f"dataloader {number} saved in {folder / name}"
        console.info("checkpointing.py:139", f"Sampler state for {where_to}")
    (folder / RANDOM).write_bytes(
        archive.packed(RANDOM, [bytes(RANDOM_BYTES)], pickled=RANDOM_PICKLED_BYTES)
    )
    console.info("checkpointing.py:170", f"Random states saved in {folder / RANDOM}")


def load(folder: Path, network: Network, console: Console) -> tuple[Learned, int | None]:
    """Read a state: what was learned, and after how many steps of that run, if it says so."""
    console.info("train_util.py:4777", f"resume training from local state: {folder}")
    if not folder.is_dir():
        raise ValueError(f"Tried to find {folder} but folder does not exist")
    console.info("accelerator.py:3390", f"Loading states from {folder}")
    step = _load_train(folder / TRAIN, console)
    _load_model(folder, network)
    console.info("checkpointing.py:232", "All model weights loaded successfully")
    archive.told(folder / OPTIMIZER)
    console.info("checkpointing.py:240", "All optimizer states loaded successfully")
    ours = archive.told(folder / SCHEDULER)
    console.info("checkpointing.py:248", "All scheduler states loaded successfully")
    console.info("checkpointing.py:266", "All dataloader sampler states loaded successfully")
    console.info("checkpointing.py:297", "Could not load random states")
    console.info("accelerator.py:3478", "Loading in 0 custom states")
    return Learned(ours.get("steps", 0), is_nan=ours.get("is_nan", False)), step


def _save_model(path: Path, network: Network, learned: Learned) -> None:
    weights = network.weights(learned, Format.F32)
    path.write_bytes(tensors.head(weights, METADATA) + tensors.body(weights))


def _optimizer(network: Network) -> bytes:
    """Write what AdamW keeps of every number: a count, and two numbers as large."""
    counts = network.parameters()
    blocks = (block for count in counts for block in (bytes(4), bytes(4 * count), bytes(4 * count)))
    return archive.packed(OPTIMIZER, blocks, pickled=PICKLED_BYTES * len(counts))


def _load_train(path: Path, console: Console) -> int | None:
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    console.info("train_network.py:969", f"load train state from {path}: {told}")
    return int(told["current_step"])


def _load_model(folder: Path, network: Network) -> None:
    path = folder / MODEL
    if not path.exists():  # then it is looked for under the older name, and that is what is missed
        path = folder / "pytorch_model.bin"
    try:
        header = tensors.read_header(path)
    except ValueError as exc:
        raise SafetensorError(f"Error while deserializing header: {exc}") from None
    wanted = {
        name: shape for one in network.modules for name, shape in one.shapes(network.dim).items()
    }
    wrong = [
        f"\tsize mismatch for {name}: copying a param with shape torch.Size({found['shape']}) from "
        f"checkpoint, the shape in current model is torch.Size({wanted[name]})."
        for name, found in header.items()
        if name in wanted and found["shape"] != wanted[name]
    ]
    if wrong:
        lines = "\n".join(["Error(s) in loading state_dict for LoRANetwork:", *wrong])
        raise RuntimeError(lines)
