"""Small pictures as an engine would serve them."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def png(image: Image.Image) -> bytes:
    """Return a picture as PNG bytes."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def drawn(width: int = 64, height: int = 96, shift: int = 0) -> Image.Image:
    """Return a picture with something on it: a slope of light, a disc and a bar."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.ellipse((width // 8, height // 8, width // 2, height // 2), fill=(200, 40 + shift, 30))
    pen.rectangle((width // 2, height // 2, width - 4, height - 8), fill=(20, 60, 220 - shift))
    return image


def one_colour(colour: tuple[int, int, int], width: int = 64, height: int = 96) -> Image.Image:
    """Return a picture of one colour."""
    return Image.new("RGB", (width, height), colour)
