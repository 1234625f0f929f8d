"""A sheet of any size and mode is read; one that is broken is named, with the reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from plasma_watch.dataset.sheet import MOST_PIXELS, TURNS, Sheet, lying, read_sheet
from plasma_watch.errors import Code, PlasmaError
from tests.fakes.drawings import drawn


def saved(image: Image.Image, path: Path, **how: object) -> Path:
    """Save a picture and return its path."""
    image.save(path, **how)  # type: ignore[arg-type]
    return path


def in_mode(mode: str) -> Image.Image:
    """Return a drawing in a mode."""
    if mode == "I;16":
        return (
            drawn(90, 120).convert("L").convert("I").point(lambda value: value * 257).convert(mode)
        )
    return drawn(90, 120).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_read(tmp_path: Path, mode: str) -> None:
    """Cut out in plain RGB, looking the same."""
    sheet = read_sheet(saved(in_mode(mode), tmp_path / "s.png"))

    part = sheet.cut((10, 20, 80, 110))

    same = in_mode("L" if mode == "I;16" else mode).convert("RGB").crop((10, 20, 80, 110))
    assert part.mode == "RGB"
    assert part.tobytes() == same.tobytes()


@pytest.mark.parametrize("name", ["s.jpg", "s.tif", "s.bmp", "s.webp", "s.gif"])
def test_every_format_is_read(tmp_path: Path, name: str) -> None:
    """The suffix means nothing; what is inside does."""
    path = saved(drawn(90, 120), tmp_path / name)
    odd = path.rename(tmp_path / "s.odd")

    assert read_sheet(odd).cut((0, 0, 90, 120)).size == (90, 120)


def test_cmyk_is_read(tmp_path: Path) -> None:
    """As scanners and printers save it."""
    path = saved(drawn(90, 120).convert("CMYK"), tmp_path / "s.jpg", quality=95)

    red = read_sheet(path).cut((30, 30, 31, 31)).getpixel((0, 0))

    assert isinstance(red, tuple)
    assert red[0] > 150 > red[2]


@pytest.mark.parametrize("orientation", [1, *TURNS])
@pytest.mark.parametrize("name", ["s.jpg", "s.png", "s.tif"])
def test_a_turned_sheet_is_upright(tmp_path: Path, name: str, orientation: int) -> None:
    """Its size, its small copy and every part, whatever its EXIF says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(drawn(96, 160), tmp_path / name, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(path)).convert("RGB")

    sheet = read_sheet(path)

    assert sheet.size == upright.size
    assert sheet.small().colours.tobytes() == upright.tobytes()
    assert sheet.cut((8, 12, 70, 60)).tobytes() == upright.crop((8, 12, 70, 60)).tobytes()


def test_where_a_box_lies_is_undone_by_turning() -> None:
    """For a dot near a corner, in every orientation."""
    dot = Image.new("L", (7, 5))
    dot.putpixel((5, 1), 255)
    for orientation, turn in TURNS.items():
        upright = dot.transpose(turn)
        x, y = next(
            (x, y)
            for x in range(upright.width)
            for y in range(upright.height)
            if upright.getpixel((x, y))
        )

        assert lying((x, y, x + 1, y + 1), upright.size, orientation) == (5, 1, 6, 2)


@pytest.mark.parametrize("scale", [1, 2, 3, 7])
def test_strips_meet_without_a_seam(scale: int) -> None:
    """A part made smaller strip by strip is the whole made smaller at once."""
    image = drawn(600, 1100)

    found = Sheet("s", "", image).cut((0, 0, 600, 1100), scale)

    whole = image.reduce(scale) if scale > 1 else image
    assert found.tobytes() == whole.tobytes()


def test_the_small_copy_is_small() -> None:
    """With the alpha of what can be seen through, and none of what cannot."""
    thin = Image.new("RGBA", (4000, 300), (0, 0, 0, 0))

    small = Sheet("s", "", thin).small()

    assert (small.scale, small.colours.size) == (3, (1334, 100))
    assert small.colours.getpixel((5, 5)) == (255, 255, 255)
    assert small.alpha is not None
    assert Sheet("s", "", drawn().convert("RGBA")).small().alpha is None


# Broken ones.


def bomb(side: int) -> bytes:
    """Return a PNG of a few bytes that says it has so many pixels a side."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    """Return a picture's bytes."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


FRAMES = [drawn(90, 90, shift) for shift in (0, 90)]
BROKEN = {
    "empty": (b"", "is empty"),
    "no picture": (b"spyke stands on a roof", "is not a picture"),
    "cut short": (encoded(drawn(), "PNG")[:300], "cannot be decoded"),
    "cut JPEG": (encoded(drawn(), "JPEG")[:700], "cannot be decoded"),
    "bomb": (bomb(60_000), "has more than 128 million pixels"),
    "animated": (encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "holds 2"),
    "pages": (encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]), "holds 2"),
    "tiny": (encoded(drawn(40, 90), "PNG"), "is only 40x90"),
    "floats": (encoded(drawn(90, 90).convert("F"), "TIFF"), "floating point"),
    "PostScript": (encoded(drawn(90, 90), "EPS"), "is not a picture"),
}


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_sheet_is_refused_with_its_reason(tmp_path: Path, content: str) -> None:
    """Named, with the way out; nothing is unpacked that is too large."""
    path = tmp_path / "sheet.png"
    path.write_bytes(BROKEN[content][0])

    with pytest.raises(PlasmaError) as caught:
        read_sheet(path)

    assert caught.value.code is Code.DATASET_BAD_PICTURE
    assert caught.value.message.startswith(f"{path} ")
    assert BROKEN[content][1] in caught.value.message
    assert "as PNG" in caught.value.hint


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, and nothing at all."""
    for path, said in ((tmp_path, "is no file"), (tmp_path / "no.png", "is not there")):
        with pytest.raises(PlasmaError, match=said):
            read_sheet(path)


def test_formats_that_take_more_memory_may_be_less_large(tmp_path: Path) -> None:
    """By their headers alone: a WebP and a progressive JPEG that a plain PNG's limit would pass."""
    side = 9_500
    webp = b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<IB3x", 10, 0)
    webp += struct.pack("<I", side - 1)[:3] + struct.pack("<I", side - 1)[:3]
    (tmp_path / "s.webp").write_bytes(webp)
    small = encoded(drawn(96, 96), "JPEG", progressive=True)
    at = small.index(b"\xff\xc2") + 5
    (tmp_path / "s.jpg").write_bytes(small[:at] + struct.pack(">HH", side, side) + small[at + 4 :])

    assert side * side < MOST_PIXELS
    for name in ("s.jpg", "s.webp"):
        with pytest.raises(PlasmaError) as caught:
            read_sheet(tmp_path / name)
        assert caught.value.code is Code.DATASET_BAD_PICTURE
