"""Why a ComfyUI of our own ended or will not start, in plain words; and when to try again. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_SECONDS = 600.0
"""The time in which only so many starts are allowed."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, and what to do."""

    words: str
    hint: str


_LOG = "Its log is .plasma/comfyui.log in the home."
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"address already in use|\[Errno (?:48|98)\]|port \d+ is already in use",
        "its port is taken by another program",
        "End that program, or give comfyui.url another port.",
    ),
    (
        r"No module named '?([\w.]+)",
        "its Python has no module {0}",
        "Install ComfyUI's requirements.txt with the Python named in comfyui.python.",
    ),
    (
        r"unrecognized arguments: (.+)",
        "it does not know {0}",
        "Mend comfyui.arguments; an older ComfyUI may not know them yet.",
    ),
    (
        r"can't open file '([^']+)'",
        "there is no {0}",
        "Mend comfyui.dir: it is the folder that holds main.py.",
    ),
    (
        r"Torch not compiled with CUDA enabled|Found no NVIDIA driver",
        "its PyTorch knows no GPU of this machine",
        'Install a PyTorch that does, or add "--cpu" to comfyui.arguments.',
    ),
    (
        r"invalid low watermark ratio",
        "PYTORCH_MPS_HIGH_WATERMARK_RATIO is below the low one",
        "Set PYTORCH_MPS_LOW_WATERMARK_RATIO too, or neither.",
    ),
)


def why_ended(code: int | None, log: str) -> Reason:
    """Return why it ended: a usual reason if its log shows one, else its last words."""
    for pattern, words, hint in _KNOWN:
        if found := re.search(pattern, log):
            return Reason(words.format(*(group.strip() for group in found.groups())), hint)
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = f"; its last words: {lines[-1]}" if lines else ""
    return Reason(f"it ended {_how(code)}{last}", _LOG)


def killed(*, was_for_memory: bool | None, was_short: bool) -> Reason:
    """Return what to call a kill that was not ours: by the kernel's word, else by the readings."""
    close = "Close other programs, or make smaller pictures."
    if was_for_memory:
        return Reason("the system killed it: out of memory", close)
    if was_short:
        return Reason("it was killed, probably because memory was short", close)
    return Reason("it was killed from outside (kill -9)", _LOG)


def _how(code: int | None) -> str:
    if code is None:
        return "while nobody watched"
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"


def seconds_until_start(starts: Sequence[float], now: float, most: int) -> float:
    """Return how long to wait before the next start: 0 while fewer than `most` were lately."""
    lately = [start for start in starts if now - start < WINDOW_SECONDS]
    if len(lately) < most:
        return 0.0
    return WINDOW_SECONDS - (now - lately[-most])
