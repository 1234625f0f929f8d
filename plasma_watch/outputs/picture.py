"""Is this a picture, and a good one? Bytes in, facts or an error out.

Success to the engine is not success here: it reports black pictures, half-written files and empty
answers as done.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageStat, UnidentifiedImageError

from plasma_watch.errors import Code, PlasmaError

MAX_PIXELS = 64_000_000
"""What is decoded at most; a larger one is refused before its pixels are unpacked."""
BLANK_STDDEV = 1.0
"""Below this standard deviation of every channel (of 255) a picture counts as one colour."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # the library warns above this, and refuses above twice
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""What is opened at all: some others would start another program to be decoded."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_PREVIEW_QUALITY = 90
TEXT_KEY = "plasma"
"""The PNG text that carries the resolved request."""


@dataclass(frozen=True, slots=True)
class Good:
    """A picture that passed: its size in pixels, and its perceptual hash (16 hex digits)."""

    width: int
    height: int
    phash: str


def examine(content: bytes, expected: tuple[int, int] | None = None) -> Good:
    """Decode a picture whole and judge it.

    Raises PlasmaError `image.unreadable`, `image.wrong-size` or `image.blank`.
    """
    image = decode(content, "the picture")
    if expected and image.size != expected:
        raise PlasmaError(
            Code.IMAGE_WRONG_SIZE,
            f"the picture is {image.width}x{image.height}; {expected[0]}x{expected[1]} was asked",
            "The workflow may resize it; its slots width and height must decide the size.",
        )
    rgb = image.convert("RGB")
    if max(ImageStat.Stat(rgb).stddev) < BLANK_STDDEV:
        raise _blank(rgb)
    return Good(image.width, image.height, phash(rgb))


def _blank(image: Image.Image) -> PlasmaError:
    colour = "black" if max(high for _, high in _extrema(image)) <= 1 else "one colour"
    return PlasmaError(
        Code.IMAGE_BLANK,
        f"the picture is {colour}, though ComfyUI called it good",
        "This comes from NaN in the U-Net or the VAE: start ComfyUI with --fp32-vae and "
        "--force-upcast-attention, try another sampler, and look whether the checkpoint is whole.",
    )


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    return [band.getextrema() for band in image.split()]  # type: ignore[misc]


def decode(content: bytes, subject: str) -> Image.Image:
    """Return a picture with every pixel decoded.

    Raises PlasmaError `image.unreadable` for what is no picture, is cut short, or is a bomb.
    """
    with _translated(subject):
        return _loaded(io.BytesIO(content), _most_pixels)


def decode_large(
    file: BinaryIO, subject: str, limit_of: Callable[[Image.Image], int]
) -> Image.Image:
    """Do the same with a file that may be larger than `MAX_PIXELS`: its header decides how large.

    For the command line alone: the library's own limit holds for all threads, and is lifted here.
    """
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with _translated(subject):
            return _loaded(file, limit_of)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _loaded(file: BinaryIO, limit_of: Callable[[Image.Image], int]) -> Image.Image:
    _opened(file, limit_of).verify()  # the pixels may be whole where the file is not
    image = _opened(file, limit_of)
    image.load()
    return image


def header(content: bytes, subject: str) -> Image.Image:
    """Return a picture whose pixels are not decoded yet: its size, mode and format are known.

    Raises PlasmaError `image.unreadable` for what is no picture, or is a bomb.
    """
    with _translated(subject):
        return _opened(io.BytesIO(content), _most_pixels)


@contextlib.contextmanager
def _translated(subject: str) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as exc:
        raise _unreadable(subject, _too_large(MAX_PIXELS)) from exc
    except _TooLargeError as exc:
        raise _unreadable(subject, str(exc)) from exc
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError) as exc:
        raise _unreadable(subject, _plain(exc)) from exc
    except MemoryError as exc:
        raise _unreadable(subject, "unpacks to more than there is memory for") from exc


def _opened(file: BinaryIO, limit_of: Callable[[Image.Image], int]) -> Image.Image:
    """Open a picture without decoding it, unless it is too large to be decoded."""
    file.seek(0)
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > (limit := limit_of(image)):
        raise _TooLargeError(_too_large(limit))
    return image


def as_jpeg(content: bytes) -> bytes:
    """Return a picture as JPEG; one that is JPEG already as it is.

    Raises PlasmaError `image.unreadable`.
    """
    if content.startswith(_JPEG_SIGNATURE):
        return content
    out = io.BytesIO()
    decode(content, "the preview").convert("RGB").save(out, "JPEG", quality=_PREVIEW_QUALITY)
    return out.getvalue()


def _most_pixels(_: Image.Image) -> int:
    return MAX_PIXELS


class _TooLargeError(Exception):
    """A picture's header tells of more pixels than are decoded."""


def _too_large(limit: int) -> str:
    return f"has more than {limit // 1_000_000} million pixels"


def _plain(exc: Exception) -> str:
    if isinstance(exc, UnidentifiedImageError):
        return "is not a picture"
    return f"cannot be decoded ({exc})"


def _unreadable(subject: str, why: str) -> PlasmaError:
    return PlasmaError(
        Code.IMAGE_UNREADABLE, f"{subject} {why}", "Open it in a viewer, and save it anew as PNG."
    )


def phash(image: Image.Image) -> str:
    """Return the difference hash: alike pictures differ in few of its 64 bits."""
    small = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    pixels = small.tobytes()
    bits = [pixels[9 * y + x] > pixels[9 * y + x + 1] for y in range(8) for x in range(8)]
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def with_text(content: bytes, key: str, value: str) -> bytes:
    """Return PNG bytes that carry a text; what carries it already is returned as it is.

    The chunk is put in behind the header, so that not one pixel byte is coded anew. Content that is
    no PNG is returned as it is.
    """
    if not content.startswith(PNG_SIGNATURE) or key in texts(content):
        return content
    body = key.encode("latin-1") + b"\0" + value.encode("latin-1", "strict")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"tEXt" + body))
    behind_header = len(PNG_SIGNATURE) + 25
    return content[:behind_header] + chunk + content[behind_header:]


def texts(content: bytes) -> dict[str, str]:
    """Return the texts that a PNG carries, without decoding its pixels; none if it is no PNG."""
    try:
        found = Image.open(io.BytesIO(content), formats=["PNG"]).info
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return {}
    return {str(key): value for key, value in found.items() if isinstance(value, str)}


def request_in(content: bytes, subject: str) -> dict[str, Any]:
    """Return the resolved request that one of our pictures carries.

    Raises PlasmaError `request.foreign-picture` when it carries none.
    """
    try:
        table = json.loads(texts(content).get(TEXT_KEY, ""))
        json.dumps(table, ensure_ascii=False).encode()  # half a character could stand in no file
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise PlasmaError(
            Code.REQUEST_FOREIGN_PICTURE,
            f"{subject} was not made here: it carries no request",
            "A picture made in ComfyUI carries its workflow: `plasma-watch workflow adopt` will "
            "bring that here.",
        )
    return table
