"""The base model, as far as a stand-in looks: whether it is there, whole, and of the kind.

Of the weights only the header is read, and one key of a U-Net is enough: the stand-ins that the
sandbox makes for ComfyUI have no more.
"""

import hashlib
from argparse import Namespace
from pathlib import Path

from plasma_watch.sandbox.trainer import tensors
from plasma_watch.sandbox.trainer.desk import Desk
from plasma_watch.sandbox.trainer.refusals import SafetensorError, missing

UNET = "model.diffusion_model."
MATCHED = "<All keys matched successfully>"


def load(options: Namespace, desk: Desk) -> None:
    """Load the model, or say why it cannot be loaded."""
    console = desk.console
    name = options.pretrained_model_name_or_path
    console.info("train_util.py:5574", "loading model for process 0/1")
    if not Path(name).is_file():
        console.info("train_util.py:5536", f"load Diffusers pretrained models: {name}")
        raise ValueError(
            f'The provided pretrained_model_name_or_path "{name}" is neither a valid local path '
            "nor a valid repo id. Please check the parameter."
        )
    console.info("train_util.py:5530", f"load StableDiffusion checkpoint: {name}")
    _check(Path(name))
    console.info("original_unet.py:1395", "UNet2DConditionModel: 64, 8, 768, False, False")
    desk.mischief.at("model")
    console.info("model_util.py:1011", f"loading u-net: {MATCHED}")
    console.info("model_util.py:1019", f"loading vae: {MATCHED}")
    console.info("model_util.py:1076", f"loading text encoder: {MATCHED}")
    _set_attention(options, desk)


def hashes(path: Path) -> dict[str, str]:
    """Name a model by a stretch of it, as was done of old, and by all of it."""
    with path.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(tensors.LEGACY_START)
        stretch = hashlib.sha256(file.read(tensors.LEGACY_LENGTH)).hexdigest()[:8]
    return {"ss_sd_model_hash": stretch, "ss_new_sd_model_hash": whole}


def _check(path: Path) -> None:
    try:
        header = tensors.read_header(path)
    except ValueError as exc:
        raise SafetensorError(f"Error while deserializing header: {exc}") from None
    if not any(key.startswith(UNET) for key in header):
        raise KeyError("time_embed.0.weight")


def _set_attention(options: Namespace, desk: Desk) -> None:
    if options.mem_eff_attn:
        desk.console.info("train_util.py:3364", "Enable memory efficient attention for U-Net")
    elif options.xformers:
        desk.console.info("train_util.py:3367", "Enable xformers for U-Net")
        raise missing("xformers", "No xformers / xformersがインストールされていないようです")
    elif options.sdpa:
        desk.console.info("train_util.py:3375", "Enable SDPA for U-Net")
