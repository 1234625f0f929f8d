"""What ComfyUI says about itself, and whether it is fit for our work. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from plasma_watch.errors import Code, PlasmaError

MIN_VERSION = (0, 3, 56)
"""Before it, an interrupt that names a prompt stopped whatever ran."""
SANDBOX = "plasma-watch-sandbox"
"""How the stand-in engine calls itself in its launch arguments."""

_WRONG_ON_MPS = {
    "--fp16-vae": "the VAE in fp16 gives black pictures on MPS",
    "--bf16-vae": "the VAE must run in fp32 on MPS",
    "--force-fp32": "the U-Net in fp32 does not fit into 16 GB",
    "--fp32-unet": "the U-Net in fp32 does not fit into 16 GB",
    "--bf16-unet": "the U-Net must run in fp16 on MPS",
}
_NEEDED_ON_MPS = ("--force-fp16", "--fp32-vae")


@dataclass(frozen=True, slots=True)
class Facts:
    """The parts of `/system_stats` that matter here."""

    version: str
    device: str
    device_name: str
    torch: str
    python: str
    argv: tuple[str, ...]

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the stand-in engine."""
        return self.argv[:1] == (SANDBOX,)


def read_facts(answer: object, url: str) -> Facts:
    """Read the answer of `/system_stats`.

    Raises PlasmaError `engine.not-comfyui` when something else answers there.
    """
    match answer:
        case {"system": dict(system), "devices": [dict(device), *_]}:
            return _facts(system, device)
        case _:
            raise not_comfyui(url)


def not_comfyui(url: str) -> PlasmaError:
    """Return the error for an address where something else answers."""
    return PlasmaError(
        Code.ENGINE_NOT_COMFYUI,
        f"what answers at {url} is not ComfyUI",
        "Set comfyui.url in config.toml to ComfyUI's address.",
    )


def _facts(system: dict[str, Any], device: dict[str, Any]) -> Facts:
    argv = system.get("argv")
    return Facts(
        version=str(system.get("comfyui_version", "unknown")),
        device=str(device.get("type", "unknown")),
        device_name=str(device.get("name", "unknown")),
        torch=str(system.get("pytorch_version", "unknown")),
        python=str(system.get("python_version", "unknown")).split(" ")[0],
        argv=tuple(str(arg) for arg in argv) if isinstance(argv, list) else (),
    )


def check_fit(facts: Facts, required_device: str) -> None:
    """Raise the PlasmaError that says why this engine may not be used, if it may not."""
    if _version(facts.version) < MIN_VERSION:
        raise PlasmaError(
            Code.ENGINE_TOO_OLD,
            f"ComfyUI {facts.version} is too old; {'.'.join(map(str, MIN_VERSION))} is the least",
            "Update ComfyUI: an older one cannot cancel one job without stopping others.",
        )
    if facts.is_sandbox:
        return
    if required_device not in ("any", facts.device):
        raise PlasmaError(
            Code.ENGINE_WRONG_DEVICE,
            f"ComfyUI runs on {facts.device}; {required_device} is required",
            "Start ComfyUI without --cpu and with a PyTorch that knows the device, "
            "or set comfyui.required_device.",
        )
    if facts.device == "mps":
        _check_precision(facts.argv)


def _check_precision(argv: tuple[str, ...]) -> None:
    missing = [flag for flag in _NEEDED_ON_MPS if flag not in argv]
    wrong = [f"{flag} ({why})" for flag, why in _WRONG_ON_MPS.items() if flag in argv]
    lacks = [f"without {' and '.join(missing)}"] if missing else []
    has = [f"with {', '.join(wrong)}"] if wrong else []
    if lacks or has:
        raise PlasmaError(
            Code.ENGINE_WRONG_PRECISION,
            f"ComfyUI was started {' and '.join(lacks + has)}",
            f"Start it with {' '.join(_NEEDED_ON_MPS)}: on MPS the U-Net must run in fp16 and "
            "the VAE in fp32.",
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
