"""Thumbnails: made once for each content, kept under its hash, whatever the picture is called.

thumbs/3a/3af105f314fe….webp
"""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

from PIL import Image

from plasma_watch.errors import PlasmaError
from plasma_watch.outputs.picture import decode
from plasma_watch.system import files

BOX = (400, 600)
"""What a thumbnail fits into: a card of the page on a screen of twice the pixels."""
QUALITY = 80
MOST_BYTES = 256_000_000
SUFFIX = ".webp"
_WRITING = threading.Lock()
"""Two pictures of one content have one thumbnail, and only one thread may write a file."""


def path_of(folder: Path, digest: str) -> Path:
    """Return where the thumbnail of a content lies."""
    return folder / digest[:2] / f"{digest}{SUFFIX}"


def made(picture: Path, folder: Path) -> str:
    """Return the hash of a picture, with its thumbnail in its place; empty when it is none.

    Raises OSError when the disk refuses.
    """
    try:
        content, _ = files.read_regular(picture, MOST_BYTES)
        digest = hashlib.sha256(content).hexdigest()
        path = path_of(folder, digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            small = thumbnail(content, picture.name)
            with _WRITING:
                files.write_whole(path, small)
    except (PlasmaError, FileNotFoundError):
        return ""
    return digest


def thumbnail(content: bytes, subject: str) -> bytes:
    """Return a picture as a small WebP.

    Raises PlasmaError `image.unreadable`.
    """
    image = decode(content, subject).convert("RGB")
    image.thumbnail(BOX, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
