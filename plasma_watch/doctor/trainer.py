"""Kohya: does its Python run and import its parts, is what it trains on there. Never imported here.

Its own Python is asked, by one short script, and only when training is set up at all.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plasma_watch.config import Config
from plasma_watch.doctor.line import Line, green, red, yellow
from plasma_watch.doctor.machine import numbers, torch_line
from plasma_watch.system import platform, tools

_ASK_SECONDS = 180.0
_PARTS = ("torch", "accelerate", "transformers", "diffusers", "safetensors")
_NOT_FOR_A_MAC = ("bitsandbytes", "xformers", "triton")
_ASK = """
import importlib.metadata as metadata, json, sys
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
told = {"python": sys.version.split()[0], "wrong": "", "devices": ["cpu"]}
told["versions"] = {name: version(name) for name in sys.argv[1:]}
try:
    import torch, accelerate, transformers, diffusers, safetensors
    if torch.backends.mps.is_available():
        told["devices"].append("mps")
    if torch.cuda.is_available():
        told["devices"].append("cuda")
except Exception as error:
    told["wrong"] = f"{type(error).__name__}: {error}"
print("\\n" + json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Trainer:
    """What was read of kohya; nothing but the first two where training is not set up."""

    script: str
    python: str
    script_is_there: bool = False
    told: Mapping[str, Any] | None = None
    """What its Python said of itself; None when it did not run."""
    silence: str = ""
    pinned_torch: str = ""
    """The version that sd-scripts asks for, where it asks for one."""
    precision: str = ""
    """What accelerate's own config says, where there is one."""
    base: Path | None = None
    base_is_there: bool | None = None
    has_tokenizer: bool | None = None

    @property
    def is_set_up(self) -> bool:
        """Whether the config names a trainer."""
        return bool(self.script and self.python)


def read(config: Config, user_home: Path) -> Trainer:
    """Read all of it; asking its Python takes a while."""
    kohya, comfyui = config.kohya, config.comfyui
    if not (kohya.script and kohya.python):
        return Trainer(kohya.script, kohya.python)
    script, python = Path(kohya.script).expanduser(), Path(kohya.python).expanduser()
    command = [str(python), "-c", _ASK, *_PARTS, *_NOT_FOR_A_MAC]
    answer = tools.ask(command, _ASK_SECONDS)
    folder = Path(comfyui.dir).expanduser() if comfyui.dir else None
    base = folder / "models" / "checkpoints" / config.defaults.checkpoint if folder else None
    return Trainer(
        script=str(script),
        python=str(python),
        script_is_there=script.is_file(),
        told=_told(answer.out),
        silence=(answer.err.strip().splitlines() or ["it said nothing"])[-1],
        pinned_torch=_pinned(script.parent),
        precision=_precision(user_home),
        base=base,
        base_is_there=base.is_file() if base else None,
        has_tokenizer=_has_tokenizer(folder, user_home),
    )


def _told(said: str) -> Mapping[str, Any] | None:
    with contextlib.suppress(ValueError, IndexError):
        told = json.loads(said.strip().splitlines()[-1])
        return told if isinstance(told, dict) and isinstance(told.get("versions"), dict) else None
    return None


def _pinned(folder: Path) -> str:
    """Return the version of PyTorch that the requirements beside the script pin."""
    found = ""
    with contextlib.suppress(OSError):
        for file in sorted(folder.glob("requirements*.txt")):
            if match := re.search(
                r"^torch==([\d.]+)", file.read_text("utf-8", "replace"), re.MULTILINE
            ):
                found = match[1].rstrip(".")
    return found


def _precision(user_home: Path) -> str:
    config = user_home / ".cache" / "huggingface" / "accelerate" / "default_config.yaml"
    with contextlib.suppress(OSError):
        if match := re.search(
            r"^mixed_precision:\s*['\"]?(\w+)", config.read_text("utf-8"), re.MULTILINE
        ):
            return match[1]
    return ""


def _has_tokenizer(comfyui: Path | None, user_home: Path) -> bool | None:
    """Tell whether the tokenizer is on this disk: ComfyUI brings it, Hugging Face caches it."""
    cached = user_home / ".cache" / "huggingface" / "hub" / "models--openai--clip-vit-large-patch14"
    if cached.is_dir():
        return True
    return (comfyui / "comfy" / "sd1_tokenizer" / "vocab.json").is_file() if comfyui else None


def judge(trainer: Trainer, required_device: str, system: str) -> Iterator[Line]:
    """Judge what was read."""
    if not trainer.is_set_up:
        said = "not set up: kohya.script and kohya.python are empty"
        yield yellow("trainer", said, "Name them in config.toml, if LoRAs shall be trained.")
        return
    if not trainer.script_is_there:
        yield red("trainer", f"{trainer.script} is not there", "Mend kohya.script.")
    if trainer.told is None:
        said = f"{trainer.python} does not run: {trainer.silence}"
        yield red("trainer's Python", said, "Mend kohya.python, or make its environment anew.")
        return
    yield from _python(trainer, trainer.told, required_device, system)
    yield from _material(trainer)


def _python(
    trainer: Trainer, told: Mapping[str, Any], required_device: str, system: str
) -> Iterator[Line]:
    versions: Mapping[str, str] = told["versions"]
    said = f"Python {told.get('python')}, PyTorch {versions.get('torch') or 'missing'}"
    if wrong := str(told.get("wrong", "")):
        repair = f"Install what is missing into the environment of {trainer.python}."
        yield red("trainer's Python", f"{said}: {wrong}", repair)
        return
    needed = platform.DEFAULT_DEVICE if required_device == "auto" else required_device
    if needed not in ("any", *told.get("devices", ())):
        repair = "Install a PyTorch that knows it, or set kohya.required_device."
        yield red("trainer's Python", f"{said} does not know {needed}", repair)
    else:
        yield green("trainer's Python", said)
    yield from _versions(trainer, told, system)


def _versions(trainer: Trainer, told: Mapping[str, Any], system: str) -> Iterator[Line]:
    versions: Mapping[str, str] = told["versions"]
    torch = versions.get("torch", "")
    if line := torch_line("trainer's PyTorch", torch, system):
        yield line
    if trainer.pinned_torch and not torch.startswith(trainer.pinned_torch):
        said = f"PyTorch {torch}; sd-scripts asks for {trainer.pinned_torch}"
        yield yellow("trainer's PyTorch", said, "It may work; if it does not, install that one.")
    if numbers(str(told.get("python", ""))) >= (3, 12):
        said = f"Python {told['python']}; sd-scripts says 3.10 or 3.11"
        yield yellow("trainer's Python", said, "It may work; if it does not, use an older one.")
    extra = [name for name in _NOT_FOR_A_MAC if versions.get(name)]
    if extra and system.startswith("macOS"):
        said = f"{', '.join(extra)} {'is' if len(extra) == 1 else 'are'} made for NVIDIA"
        yield yellow("trainer's parts", said, f"Uninstall {'it' if len(extra) == 1 else 'them'}.")
    if trainer.precision not in ("", "no"):
        said = f"accelerate's own config says mixed_precision {trainer.precision}"
        yield yellow("accelerate", said, "The daemon does not use it; by hand, choose no.")


def _material(trainer: Trainer) -> Iterator[Line]:
    if trainer.base_is_there is None:
        said = "comfyui.dir is not set: nobody knows where models lie"
        yield red("base model", said, "Name ComfyUI's folder in config.toml.")
    elif not trainer.base_is_there:
        repair = "Put it there, or set defaults.checkpoint."
        yield red("base model", f"{trainer.base} is not there", repair)
    else:
        yield green("base model", str(trainer.base))
    if trainer.has_tokenizer is False:
        said = "the tokenizer is not on this disk: the first training would need the network"
        yield yellow("tokenizer", said, "ComfyUI brings it: is comfyui.dir right?")
