"""Files of weights, made byte by byte: whole ones, cut ones, and ones with nothing in them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

UP = "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"
DOWN = "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight"
ALPHA = "lora_unet_mid_block_attentions_0_proj_in.alpha"
LETTERS = {"F16": "e", "F32": "f", "F64": "d", "I64": "q"}


def packed(dtype: str, *values: float) -> bytes:
    """Return numbers as a file has them; `BF16` is the upper half of a single."""
    if dtype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in values)
    return struct.pack(f"<{len(values)}{LETTERS[dtype]}", *values)


def weights(
    tensors: Mapping[str, tuple[str, bytes]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole file of weights."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, (dtype, content) in tensors.items():
        place = [len(body), len(body) + len(content)]
        header[name] = {"dtype": dtype, "shape": [], "data_offsets": place}
        body += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def lora(*up: float, dtype: str = "F16", seed: float = 0.25) -> bytes:
    """Return a LoRA of one module; `up` is what it learned, and `seed` makes it another one."""
    return weights(
        {
            ALPHA: (dtype, packed(dtype, 8)),
            DOWN: (dtype, packed(dtype, seed, -0.5)),
            UP: (dtype, packed(dtype, *(up or (0.5, 0.125)))),
        },
        {"ss_output_name": "spyke"},
    )


def state(
    folder: Path, *, moments: float = 1.0, without: str = "", model: bytes | None = None
) -> Path:
    """Write what a training goes on from; `moments` is how much of the optimizer was written."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = 4 * len(packed("F32", 0.0))
    files = {
        "model.safetensors": lora(dtype="F32") if model is None else model,
        "optimizer.bin": bytes(int(2 * trained * moments)),
        "scheduler.bin": b"s",
        "random_states_0.pkl": b"r",
    }
    for name, content in files.items():
        if name != without:
            (folder / name).write_bytes(content)
    return folder
