"""From a request to the trainer's own settings: one TOML for the training, one for the dataset.

Pure. The trainer takes an unknown key without a word and has defaults that ruin a training, so
every key that matters is written out here, and a test holds them to the list of its real options.
Steps become epochs and repeats, because only from the end of an epoch a training goes on exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.config import Defaults
from plasma_watch.request import LORA_TABLES, TrainRequest

DEFAULT_STEPS = 1000
KEPT_STATES = 2
"""How many epochs the trainer keeps the state of: the last, and one if that was cut."""
UNET_BYTES_A_DIM = 1_740_000
"""What a rank adds to the single-precision LoRA of SD 1.5's U-Net, in bytes, measured."""
_BUCKET = 64
_WIDEST = 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a training is, in the units that the trainer counts in."""

    images: int
    repeats: int
    epochs: int
    steps_an_epoch: int

    @property
    def steps(self) -> int:
        """All the steps there are."""
        return self.epochs * self.steps_an_epoch


def resolve(request: TrainRequest, defaults: Defaults) -> dict[str, Any]:
    """Return the request as a table with every default in it."""
    filled = request.model_dump(exclude_none=True, exclude=set(LORA_TABLES))
    filled.setdefault("base", defaults.checkpoint)
    if "epochs" not in filled:
        filled.setdefault("steps", DEFAULT_STEPS)
    order = list(TrainRequest.model_fields)
    return {key: filled[key] for key in sorted(filled, key=order.index)}


def plan(request: TrainRequest, images: int, *, with_regularization: bool) -> Plan:
    """Return epochs and repeats that come nearest to what was asked.

    An epoch is made about `save_every` long, and no longer than the whole. The trainer shows one
    picture of regularization for each of the dataset's own, which doubles the steps.
    """
    pass_steps = images * (2 if with_regularization else 1)
    asked = request.steps or DEFAULT_STEPS
    long = request.save_every if request.epochs else min(request.save_every, asked)
    repeats = max(1, round(long / pass_steps))
    epochs = request.epochs or max(1, round(asked / (repeats * pass_steps)))
    return Plan(images, repeats, epochs, repeats * pass_steps)


def calibration(whole: Plan, steps: int) -> Plan:
    """Return the plan of so many steps and no more."""
    return Plan(whole.images, whole.repeats, 1, min(steps, whole.steps))


@dataclass(frozen=True, slots=True)
class Places:
    """Where one attempt finds and puts its files."""

    base: Path
    dataset: Path
    """The dataset's own TOML."""
    output: Path
    tokenizer: Path | None = None
    """The folder that the trainer's tokenizer was laid ready in; None leaves it to its cache."""
    resume: Path | None = None
    """The state of the epoch that it goes on from."""
    done_epochs: int = 0
    """How many epochs that state has behind it."""


def training_table(request: TrainRequest, plan: Plan, places: Places, job: str) -> dict[str, Any]:
    """Return the trainer's settings for one attempt."""
    table = _FIXED | {
        "pretrained_model_name_or_path": str(places.base),
        "dataset_config": str(places.dataset),
        "output_dir": str(places.output),
        "output_name": request.lora,
        "training_comment": f"plasma-watch {job}",
        "network_dim": request.dim,
        "network_alpha": float(request.alpha),
        "learning_rate": float(request.learning_rate),
        "seed": request.seed,
    }
    table |= _length(request, plan)
    if places.tokenizer:
        table["tokenizer_cache_dir"] = str(places.tokenizer)
    if places.resume:
        table |= {"resume": str(places.resume), "initial_epoch": places.done_epochs + 1}
    return table


def _length(request: TrainRequest, plan: Plan) -> dict[str, Any]:
    """Return how long to train; a calibration keeps nothing, so it saves nothing on its way."""
    if request.calibrate:
        return {"max_train_steps": plan.steps}
    return {
        "max_train_epochs": plan.epochs,
        "save_every_n_epochs": 1,
        "save_state": True,
        "save_last_n_epochs_state": KEPT_STATES,
    }


_FIXED: dict[str, Any] = {
    "network_module": "networks.lora",
    "network_train_unet_only": True,
    "save_model_as": "safetensors",
    "save_precision": "fp16",
    "optimizer_type": "AdamW",
    "lr_scheduler": "cosine",
    "min_snr_gamma": 5.0,
    "mixed_precision": "no",
    "sdpa": True,
    "gradient_checkpointing": True,
    "cache_latents": True,
    "max_data_loader_n_workers": 0,
}


def dataset_table(
    request: TrainRequest, plan: Plan, copy: Path, parts: Mapping[str, bool]
) -> dict[str, Any]:
    """Return the trainer's settings of the dataset; `parts` maps a folder to whether it is reg."""
    return {
        "general": {"caption_extension": ".txt", "shuffle_caption": False},
        "datasets": [
            {
                "resolution": request.resolution,
                "batch_size": 1,
                "enable_bucket": True,
                "min_bucket_reso": max(_BUCKET, request.resolution // 2 // _BUCKET * _BUCKET),
                "max_bucket_reso": max(request.resolution, min(_WIDEST, 4 * request.resolution)),
                "bucket_reso_steps": _BUCKET,
                "bucket_no_upscale": False,
                "subsets": [
                    {
                        "image_dir": str(copy / part),
                        "num_repeats": 1 if is_reg else plan.repeats,
                        "is_reg": is_reg,
                    }
                    for part, is_reg in parts.items()
                ],
            }
        ],
    }


def room_bytes(request: TrainRequest, epochs: int) -> int:
    """Return about how much disk so many epochs fill: a checkpoint each, and some states.

    A checkpoint is saved in half precision; a state holds the LoRA and two moments of every weight.
    """
    return epochs * checkpoint_bytes(request) + (KEPT_STATES + 1) * state_bytes(request)


def checkpoint_bytes(request: TrainRequest) -> int:
    """Return about how large one checkpoint is."""
    return request.dim * UNET_BYTES_A_DIM // 2


def state_bytes(request: TrainRequest) -> int:
    """Return about how large the state of one epoch is."""
    return 3 * request.dim * UNET_BYTES_A_DIM
