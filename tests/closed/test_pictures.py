"""Pictures that would fill the memory, wherever a request can bring them in."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.intake.accept import Dropped, parse
from plasma_watch.outputs.picture import MAX_PIXELS, TEXT_KEY, texts, with_text
from plasma_watch.system.files import Fingerprint
from tests.fakes.blueprints import POSE
from tests.fakes.drawings import drawn, png
from tests.fakes.easel import easel
from tests.fakes.studio import Studio

SIDE = 100_000
"""Ten thousand million pixels: forty gigabytes unpacked, a kilobyte as it is."""


def _claiming(side: int) -> bytes:
    """Return a PNG that claims to be a square of this side."""
    content = png(drawn(64, 64))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return content[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + content[33:]


BOMBS = {
    "png": _claiming(SIDE),
    "png a little too large": _claiming(int(MAX_PIXELS**0.5) + 1),
    "webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/"
    + (16382 | 16382 << 14).to_bytes(4, "little")
    + bytes(9),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize(
    "keys",
    [
        {"workflow": "img2img", "input": {"image": "bomb.png"}},
        {"workflow": "guided", "controlnet": {"name": POSE, "image": "bomb.png"}},
    ],
    ids=["input", "controlnet"],
)
def test_bomb_that_a_request_names_is_refused(
    tmp_path: Path, content: bytes, keys: dict[str, Any]
) -> None:
    """Before one pixel is unpacked, and before the engine is asked for anything."""
    with easel() as engine:
        studio = Studio(tmp_path, engine.url)
        (studio.home.root / "bomb.png").write_bytes(content)
        ongoing = studio.claim(**keys)

        with pytest.raises(PlasmaError, match="has more than 64 million pixels") as caught:
            studio.run(ongoing, **keys)

        assert caught.value.code is Code.REQUEST_BAD_PICTURE
        assert engine.asked("POST /upload/image") == 0
        assert engine.posted == []


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_bomb_that_is_dropped_is_no_request(content: bytes) -> None:
    """A dropped picture is read for its text alone; none is unpacked."""
    carrying = with_text(content, TEXT_KEY, '{"kind": "generate", "prompt": "spyke"}')
    dropped = Dropped("bomb.png", carrying, Fingerprint(1, 2, 3))
    if texts(carrying):
        assert parse(dropped, Config(), lambda *_: None).kind == "generate"
        return

    with pytest.raises(PlasmaError) as caught:
        parse(dropped, Config(), lambda *_: None)

    assert caught.value.code is Code.REQUEST_FOREIGN_PICTURE


def test_text_that_unpacks_to_a_gigabyte_is_not_read() -> None:
    """In a picture of a few kilobytes."""
    packed = zlib.compress(bytes(50_000_000), 9)
    body = TEXT_KEY.encode() + b"\0\0" + packed
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    content = png(drawn(64, 64))

    assert texts(content[:33] + chunk + content[33:]) == {}
