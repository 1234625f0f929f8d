"""The picture of the reference run. It never changes, so that machines can be compared."""

from __future__ import annotations

from typing import Any

SEED = 20_251_122
LIMIT_SECONDS = 120.0
"""A picture must be made in less."""
NAME = "benchmark"

REQUEST: dict[str, Any] = {
    "kind": "generate",
    "workflow": "txt2img",
    "prompt": "anime character, white cloak, standing, masterpiece",
    "negative": "lowres, bad anatomy, bad hands, extra digits, text, watermark",
    "steps": 20,
    "cfg": 7.0,
    "sampler": "euler_ancestral",
    "scheduler": "normal",
    "width": 512,
    "height": 512,
    "checkpoint": "anything-v5-PrtRE.safetensors",
    "output": "studies/benchmark",
}


def request(seed: int) -> dict[str, Any]:
    """Return the request; the warm run has the next seed, so that no cache answers."""
    return REQUEST | {"seed": seed}
