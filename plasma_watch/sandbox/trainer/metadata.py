"""What a checkpoint says of its training: strings for everything, as other programs read them.

One key is not the real trainer's: `plasma_sandbox`, so that nobody takes this for a LoRA.
"""

import json
import random
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.trainer import model
from plasma_watch.sandbox.trainer.gathered import Gathered
from plasma_watch.sandbox.trainer.schedule import Schedule

OURS = {"plasma_sandbox": "true"}
AS_GIVEN = (
    *("output_name", "learning_rate", "text_encoder_lr", "unet_lr", "gradient_checkpointing"),
    *("gradient_accumulation_steps", "lr_warmup_steps", "lr_scheduler", "network_module"),
    *("network_dim", "network_alpha", "network_dropout", "mixed_precision", "full_fp16", "v2"),
    *("clip_skip", "max_token_length", "cache_latents", "seed", "lowram", "noise_offset"),
    *("multires_noise_iterations", "multires_noise_discount", "adaptive_noise_scale"),
    *("zero_terminal_snr", "training_comment", "max_grad_norm", "caption_dropout_rate"),
    *("caption_dropout_every_n_epochs", "caption_tag_dropout_rate", "face_crop_aug_range"),
    *("prior_loss_weight", "min_snr_gamma", "scale_weight_norms", "ip_noise_gamma"),
    *("noise_offset_random_strength", "ip_noise_gamma_random_strength", "loss_type"),
    *("huber_schedule", "huber_scale", "huber_c", "fp8_base", "fp8_base_unet"),
    *("validation_seed", "validation_split", "max_validation_steps"),
    *("validate_every_n_epochs", "validate_every_n_steps", "resize_interpolation"),
)
"""Options that are written down as they are."""
ALWAYS_KEPT = tuple(
    f"ss_{key}"
    for key in (
        *("v2", "base_model_version", "network_module"),
        *("network_dim", "network_alpha", "network_args"),
    )
)
"""What is written even when no metadata is wanted."""


def of_training(
    options: Namespace, found: Iterable[Gathered], plan: Schedule, optimizer: str, began: float
) -> dict[str, str]:
    """Write down what is known before the first step."""
    datasets = list(found)
    told: dict[str, Any] = {f"ss_{key}": getattr(options, key) for key in AS_GIVEN}
    told |= {
        "ss_session_id": random.randrange(1 << 32),  # noqa: S311 - a name, not a secret
        "ss_training_started_at": began,
        "ss_num_train_images": sum(one.train_images for one in datasets),
        "ss_num_validation_images": 0,
        "ss_num_reg_images": sum(one.reg_images for one in datasets),
        "ss_num_batches_per_epoch": plan.batches,
        "ss_num_epochs": plan.epochs,
        "ss_max_train_steps": plan.steps,
        "ss_base_model_version": "sd_v1",
        "ss_sd_scripts_commit_hash": "(unknown)",
        "ss_optimizer": optimizer,
        "ss_debiased_estimation": bool(options.debiased_estimation_loss),
        "ss_sd_model_name": Path(options.pretrained_model_name_or_path).name,
        **model.hashes(Path(options.pretrained_model_name_or_path)),
    }
    told |= _of_config(datasets) if options.dataset_config else _of_folders(options, datasets)
    if options.network_args:
        pairs = dict(text.split("=", 1) for text in options.network_args)
        told["ss_network_args"] = json.dumps(pairs)
    return {key: str(value) for key, value in told.items()}


def of_checkpoint(
    options: Namespace, training: Mapping[str, str], step: int, epoch: int
) -> dict[str, str]:
    """Write down what stands in one file."""
    now = time.time()
    told = dict(training)
    if options.no_metadata:
        told = {key: value for key, value in told.items() if key in ALWAYS_KEPT}
    else:
        told |= {"ss_training_finished_at": str(now), "ss_steps": str(step), "ss_epoch": str(epoch)}
    return told | _of_standard(options, now) | OURS


def _of_standard(options: Namespace, now: float) -> dict[str, str]:
    sides = options.resolution and [side.strip() for side in str(options.resolution).split(",")]
    given = {
        key: getattr(options, f"metadata_{key}")
        for key in ("author", "description", "license", "tags")
    }
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.implementation_version": "sd-scripts/(unknown)",
        "modelspec.title": options.metadata_title or options.output_name or f"LoRA@{now}",
        "modelspec.resolution": f"{sides[0]}x{sides[-1]}" if sides else "512x512",
        "modelspec.date": datetime.fromtimestamp(int(now)).isoformat(),  # noqa: DTZ006 - local there
        "modelspec.prediction_type": "epsilon",
        **{f"modelspec.{key}": str(value) for key, value in given.items() if value},
    }


def _of_config(found: list[Gathered]) -> dict[str, str]:
    tags: dict[str, Mapping[str, int]] = {}
    for one in found:
        tags = {**one.tags, **tags}
    return {
        "ss_datasets": json.dumps([_of_dataset(one) for one in found]),
        "ss_tag_frequency": json.dumps(tags),
        "ss_dataset_dirs": json.dumps(_folders(found, is_reg=False)),
    }


def _of_folders(options: Namespace, found: list[Gathered]) -> dict[str, object]:
    one = found[0]
    return {
        "ss_batch_size_per_device": options.train_batch_size,
        "ss_total_batch_size": options.train_batch_size * options.gradient_accumulation_steps,
        "ss_resolution": one.plan.resolution,
        "ss_color_aug": options.color_aug,
        "ss_flip_aug": options.flip_aug,
        "ss_random_crop": options.random_crop,
        "ss_shuffle_caption": options.shuffle_caption,
        "ss_enable_bucket": one.plan.enable_bucket,
        "ss_bucket_no_upscale": one.plan.bucket_no_upscale,
        "ss_min_bucket_reso": one.rules.smallest if one.plan.enable_bucket else None,
        "ss_max_bucket_reso": one.rules.largest if one.plan.enable_bucket else None,
        "ss_keep_tokens": options.keep_tokens,
        "ss_dataset_dirs": json.dumps(_folders(found, is_reg=False)),
        "ss_reg_dataset_dirs": json.dumps(_folders(found, is_reg=True)),
        "ss_tag_frequency": json.dumps(one.tags),
        "ss_bucket_info": json.dumps(_buckets(one)),
    }


def _of_dataset(one: Gathered) -> dict[str, object]:
    return {
        "is_dreambooth": True,
        "batch_size_per_device": one.plan.batch_size,
        "num_train_images": one.train_images,
        "num_reg_images": one.reg_images,
        "resolution": one.plan.resolution,
        "enable_bucket": one.plan.enable_bucket,
        "min_bucket_reso": one.rules.smallest if one.plan.enable_bucket else None,
        "max_bucket_reso": one.rules.largest if one.plan.enable_bucket else None,
        "tag_frequency": one.tags,
        "bucket_info": _buckets(one),
        "resize_interpolation": one.plan.resize_interpolation,
        "subsets": [
            {
                "img_count": count,
                "num_repeats": subset.num_repeats,
                **{key: subset.shown[key] for key in SHOWN},
                "image_dir": Path(subset.image_dir).name,
                "class_tokens": subset.class_tokens,
                "is_reg": subset.is_reg,
            }
            for subset, count in one.subsets
        ],
    }


SHOWN = (
    *("color_aug", "flip_aug", "random_crop", "shuffle_caption", "keep_tokens"),
    *("caption_prefix", "caption_suffix", "resize_interpolation"),
)
"""What is written down of every subset; separators and wildcards are not imitated."""


def _buckets(one: Gathered) -> dict[str, object] | None:
    if not one.plan.enable_bucket:
        return None
    return {
        "buckets": {
            index: {"resolution": size, "count": count}
            for index, (size, count) in enumerate(one.buckets)
        },
        "mean_img_ar_error": one.mean_error,
    }


def _folders(found: list[Gathered], *, is_reg: bool) -> dict[str, object]:
    told: dict[str, object] = {}
    for one in found:
        for subset, count in one.subsets:
            if subset.is_reg == is_reg:
                name = _unused(Path(subset.image_dir).name, told)
                told[name] = {"n_repeats": subset.num_repeats, "img_count": count}
    return told


def _unused(name: str, told: Mapping[str, object]) -> str:
    number = 2
    new = name
    while new in told:
        new = f"{name} ({number})"
        number += 1
    return new
