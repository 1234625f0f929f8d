"""The nodes that read model files. Only names and headers count; what fails here fails there."""

from dataclasses import replace
from pathlib import Path

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.bench import Bench, Made
from plasma_watch.sandbox.catalog import PIXEL_SPACE
from plasma_watch.sandbox.faults import ReportedError
from plasma_watch.sandbox.values import Clip, ControlNet, Lora, Model, Vae, Weights

UNET = "model.diffusion_model."
TORCH_MAGIC = (b"PK\x03\x04", b"\x80")
"""How a file begins that PyTorch wrote: as an archive, or as a pickle."""


def load_checkpoint(bench: Bench, *, ckpt_name: str) -> Made:
    """Load model, text encoder and VAE from one file."""
    path = _find(bench, "checkpoints", ckpt_name)
    keys = _keys(path)
    if keys is not None and not any(key.startswith(UNET) for key in keys):
        raise RuntimeError(_no_model(path, keys))
    held = Weights(ckpt_name, weights.digest(path))
    return Made((Model(held), Clip(held), Vae(held)))


def load_vae(bench: Bench, *, vae_name: str) -> Made:
    """Load a VAE of its own."""
    if vae_name == PIXEL_SPACE:
        return Made((Vae(Weights(vae_name, "")),))
    return Made((Vae(_load(bench, "vae", vae_name)),))


def load_control_net(bench: Bench, *, control_net_name: str) -> Made:
    """Load a ControlNet."""
    return Made((ControlNet(_load(bench, "controlnet", control_net_name)),))


def load_lora(
    bench: Bench,
    *,
    model: Model,
    clip: Clip,
    lora_name: str,
    strength_model: float,
    strength_clip: float,
) -> Made:
    """Lay a LoRA over model and text encoder."""
    if strength_model == 0 and strength_clip == 0:
        return Made((model, clip))
    held = _remembered(bench, lora_name)
    return Made(
        (
            replace(model, loras=(*model.loras, Lora(held, strength_model))),
            replace(clip, loras=(*clip.loras, Lora(held, strength_clip))),
        )
    )


def load_lora_for_model(
    bench: Bench, *, model: Model, lora_name: str, strength_model: float
) -> Made:
    """Lay a LoRA over the model alone."""
    if strength_model == 0:
        return Made((model,))
    held = _remembered(bench, lora_name)
    return Made((replace(model, loras=(*model.loras, Lora(held, strength_model))),))


def _remembered(bench: Bench, name: str) -> Weights:
    # The engine's node keeps the last file it read and looks only at the path: a LoRA replaced
    # under its old name goes on being the old one.
    path = _find(bench, "loras", name)
    if bench.memory.get("path") != path:
        bench.memory.update(path=path, weights=_load(bench, "loras", name))
    held: Weights = bench.memory["weights"]
    return held


def _load(bench: Bench, shelf: str, name: str) -> Weights:
    path = _find(bench, shelf, name)
    _keys(path)
    return Weights(name, weights.digest(path))


def _find(bench: Bench, shelf: str, name: str) -> Path:
    path = bench.folders.model_file(shelf, name)
    if path is None:
        raise FileNotFoundError(f"Model in folder '{shelf}' with filename '{name}' not found.")
    return path


def _keys(path: Path) -> set[str] | None:
    """List the names of the tensors; None for the older formats, which only must look whole."""
    if path.suffix.lower() in (".safetensors", ".sft"):
        return set(weights.read_header(path))
    with path.open("rb") as file:
        start = file.read(weights.LENGTH.size)
    if not start:
        raise EOFError
    if not start.startswith(TORCH_MAGIC):
        _stand_in_or_nothing(path)
    return None


def _stand_in_or_nothing(path: Path) -> None:
    try:
        weights.read_header(path)
    except ReportedError as exc:
        raise ReportedError("_pickle.UnpicklingError", "Weights only load failed.") from exc


def _no_model(path: Path, keys: set[str]) -> str:
    told = f"ERROR: Could not detect model type of: {path}\n"
    if any("lora" in key for key in keys):
        told += (
            "\nHINT: This seems to be a Lora file and Lora files should be put in the lora folder"
            " and loaded with a lora loader node.."
        )
    return told
