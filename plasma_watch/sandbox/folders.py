"""The base directory: where models, inputs and outputs lie, and which there are just now."""

import os
import posixpath
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.sandbox import weights

WEIGHTS = (".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft")
ANY = ("*",)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of model: the folders that hold it, best first, and the suffixes that count."""

    places: tuple[str, ...]
    suffixes: tuple[str, ...] = WEIGHTS


SHELVES = {
    "checkpoints": Shelf(("models/checkpoints", "output/checkpoints")),
    "configs": Shelf(("models/configs",), (".yaml",)),
    "loras": Shelf(("models/loras", "output/loras")),
    "vae": Shelf(("models/vae", "output/vae")),
    "text_encoders": Shelf(("models/text_encoders", "models/clip", "output/clip")),
    "diffusion_models": Shelf(
        ("models/unet", "models/diffusion_models", "output/diffusion_models")
    ),
    "clip_vision": Shelf(("models/clip_vision",)),
    "style_models": Shelf(("models/style_models",)),
    "embeddings": Shelf(("models/embeddings",)),
    "diffusers": Shelf(("models/diffusers",), ("folder",)),
    "vae_approx": Shelf(("models/vae_approx",)),
    "controlnet": Shelf(("models/controlnet", "models/t2i_adapter")),
    "gligen": Shelf(("models/gligen",)),
    "upscale_models": Shelf(("models/upscale_models",)),
    "custom_nodes": Shelf(("custom_nodes",), ANY),
    "hypernetworks": Shelf(("models/hypernetworks",)),
    "photomaker": Shelf(("models/photomaker",)),
    "classifiers": Shelf(("models/classifiers",), ("",)),
    "model_patches": Shelf(("models/model_patches",)),
    "audio_encoders": Shelf(("models/audio_encoders",)),
}

UNET_KEY = "model.diffusion_model.out.2.bias"
STANDINS = {
    "checkpoints/anything-v5-PrtRE.safetensors": (UNET_KEY, None),
    "loras/spyke.safetensors": (
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
        {"ss_output_name": "spyke", "ss_network_dim": "16", "ss_network_alpha": "8"},
    ),
    "vae/vae-ft-mse-840000-ema-pruned.safetensors": ("decoder.conv_out.bias", None),
    "controlnet/control_v11p_sd15_openpose.pth": ("control_model.zero_convs.0.0.bias", None),
}


@dataclass(frozen=True, slots=True)
class Folders:
    """The places under one base directory, read anew at every question."""

    base: Path

    @property
    def input(self) -> Path:
        """Hold the uploaded pictures."""
        return self.base / "input"

    @property
    def output(self) -> Path:
        """Hold what was made."""
        return self.base / "output"

    @property
    def temp(self) -> Path:
        """Hold what nobody keeps."""
        return self.base / "temp"

    def by_type(self, name: str) -> Path | None:
        """Find the folder that a client calls `input`, `output` or `temp`."""
        return {"input": self.input, "output": self.output, "temp": self.temp}.get(name)

    def model_places(self, shelf: str) -> list[Path]:
        """List the folders of a kind of model."""
        return [self.base / place for place in SHELVES[shelf].places]

    def model_names(self, shelf: str) -> list[str]:
        """List the models of a kind, with the subfolder before the name."""
        suffixes = SHELVES[shelf].suffixes
        found = {name for place in self.model_places(shelf) for name in _names_below(place)}
        return sorted(n for n in found if suffixes is ANY or Path(n).suffix.lower() in suffixes)

    def model_file(self, shelf: str, name: str) -> Path | None:
        """Find the file of a model; a name cannot climb out of its folder."""
        if shelf not in SHELVES:
            return None
        inside = os.path.normpath(f"/{name}").lstrip("/")
        files = (place / inside for place in self.model_places(shelf))
        return next((file for file in files if file.is_file()), None)

    def input_names(self) -> list[str]:
        """List the files directly in the input folder."""
        return sorted(file.name for file in self.input.iterdir() if file.is_file())

    def annotated(self, name: str) -> tuple[str, Path | None]:
        """Split `name.png [output]` into the name and the folder it names."""
        for kind in ("output", "input", "temp"):
            if name.endswith(f"[{kind}]"):
                # The blank before the bracket goes too, whatever character it is.
                return name[: -len(kind) - 3], self.by_type(kind)
        return name, None

    def picture_file(self, name: str) -> str:
        """Find the file that LoadImage means: nothing holds it inside the input folder."""
        bare, place = self.annotated(name)
        return posixpath.join(place or self.input, bare)

    def has_picture(self, name: str) -> bool:
        """Tell whether there is anything where LoadImage would look."""
        return Path(self.picture_file(name)).exists()


def prepare(folders: Folders) -> None:
    """Make what is missing and empty `temp`; only a base without models gets the stand-ins."""
    fresh = not (folders.base / "models").exists()
    clear_temp(folders)
    for place in (folders.input, folders.output, folders.temp):
        place.mkdir(parents=True, exist_ok=True)
    for shelf in SHELVES.values():
        (folders.base / shelf.places[0]).mkdir(parents=True, exist_ok=True)
    if fresh:
        _write_standins(folders.base / "models")


def clear_temp(folders: Folders) -> None:
    """Throw away what lies in `temp`."""
    shutil.rmtree(folders.temp, ignore_errors=True)


def _write_standins(models: Path) -> None:
    for name, (key, metadata) in STANDINS.items():
        (models / name).write_bytes(weights.standin(name, key, metadata))


def _names_below(place: Path) -> Iterator[str]:
    for folder, inner, files in os.walk(place, followlinks=True):
        inner[:] = [name for name in inner if name != ".git"]
        for file in files:
            yield (Path(folder) / file).relative_to(place).as_posix()
