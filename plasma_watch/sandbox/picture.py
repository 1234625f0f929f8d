"""A picture as a value: frozen pixels that can be compared and written as PNG."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image
from PIL.PngImagePlugin import PngInfo


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of RGB bytes."""

    width: int
    height: int
    pixels: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Name the content."""
        return hashlib.sha256(self.pixels).hexdigest()

    def image(self) -> Image.Image:
        """Give a Pillow image of its own to work on."""
        return Image.frombytes("RGB", (self.width, self.height), self.pixels)


@dataclass(frozen=True, slots=True)
class Mask:
    """Rows of grey bytes: where a picture is see-through."""

    width: int
    height: int
    pixels: bytes = field(repr=False)


def picture_of(image: Image.Image) -> Picture:
    """Freeze a Pillow image."""
    rgb = image.convert("RGB")
    return Picture(rgb.width, rgb.height, rgb.tobytes())


def plain(width: int, height: int, colour: int) -> Picture:
    """Make a picture of one colour, given as 0xRRGGBB."""
    return Picture(width, height, colour.to_bytes(3, "big") * (width * height))


def texts_of(graph: object, extra_pnginfo: Mapping[str, object] | None) -> dict[str, str]:
    """List the texts that the engine writes into a PNG: the graph, and each extra as JSON."""
    texts = {"prompt": json.dumps(graph)}
    if extra_pnginfo is not None:
        texts |= {key: json.dumps(extra_pnginfo[key]) for key in extra_pnginfo}
    return texts


def png(picture: Picture, texts: Mapping[str, str], compress_level: int) -> bytes:
    """Encode a picture with its texts."""
    chunks = PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    out = io.BytesIO()
    picture.image().save(out, "PNG", pnginfo=chunks, compress_level=compress_level)
    return out.getvalue()
