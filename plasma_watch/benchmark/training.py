"""A calibration of the trainer: fifty steps on pictures that anybody can draw, then thrown away.

What the pictures show does not matter to the pace; that they are always the same does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from plasma_watch.home import Home

NAME = "benchmark-train"
STEPS = 50
_FOLDER = "benchmark"
_SIZE = 512


def request(home: Home, datasets: str, least: int) -> dict[str, Any]:
    """Draw the dataset if it is not there, and return the request to calibrate on it."""
    folder = home.at(datasets) / _FOLDER
    for number in range(least):
        _draw(folder, number)
    return {
        "kind": "train",
        "lora": _FOLDER,
        "dataset": str(
            folder.relative_to(home.root) if folder.is_relative_to(home.root) else folder
        ),
        "trigger": _FOLDER,
        "resolution": _SIZE,
        "calibrate": STEPS,
    }


def _draw(folder: Path, number: int) -> None:
    """Draw one picture with its caption, unless it is there."""
    path = folder / f"picture-{number:02d}.png"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.linear_gradient("L").resize((_SIZE, _SIZE)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for ring in range(8, 0, -1):
        reach = ring * (20 + number)
        colour = (ring * 30 % 256, (number * 37 + ring * 11) % 256, (255 - ring * 20) % 256)
        centre = (100 + number * 20, 400 - number * 18)
        draw.ellipse([*(c - reach for c in centre), *(c + reach for c in centre)], fill=colour)
    image.save(path)
    path.with_suffix(".txt").write_text(f"{_FOLDER}, rings, picture {number}\n", "utf-8")
