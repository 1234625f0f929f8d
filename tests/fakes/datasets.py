"""Datasets on a real disk."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw


def scene(number: int, width: int = 96, height: int = 128) -> Image.Image:
    """Return a picture that is like no other number's."""
    image = Image.new("RGB", (width, height), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    for n in range(8):
        place = (number * 7919 + n * 104_729) % 9973
        x, y = place % width, place // 7 % height
        pen.ellipse((x - 20, y - 20, x + 20, y + 20), fill=(place % 256, n * 30, number * 9 % 256))
    return image


def fill(folder: Path, count: int = 15, trigger: str = "spyke") -> Path:
    """Fill a folder with pictures and their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        scene(number).save(folder / f"p{number}.png")
        (folder / f"p{number}.txt").write_text(f"{trigger}, pose {number}\n", encoding="utf-8")
    return folder
