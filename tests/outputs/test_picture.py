"""Bytes are a picture, and a good one, or the error says why not."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from plasma_watch.errors import Code, Fate, PlasmaError
from plasma_watch.outputs.picture import (
    MAX_PIXELS,
    PNG_SIGNATURE,
    TEXT_KEY,
    decode,
    examine,
    phash,
    request_in,
    texts,
    with_text,
)
from tests.fakes.drawings import drawn, one_colour, png

DRAWN = png(drawn())
REQUEST = {"kind": "generate", "prompt": "spyke, ginger hair", "seed": 2**53 - 1}


def distance(one: str, other: str) -> int:
    """Return in how many bits two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def with_chunk(content: bytes, kind: bytes, body: bytes) -> bytes:
    """Return a PNG with a chunk of our own behind its header."""
    chunk = struct.pack(">I", len(body)) + kind + body
    chunk += struct.pack(">I", zlib.crc32(kind + body))
    return content[:33] + chunk + content[33:]


# Good and bad pictures.


def test_a_picture_is_good() -> None:
    """Its size and its perceptual hash are told."""
    good = examine(DRAWN, (64, 96))

    assert (good.width, good.height) == (64, 96)
    assert good.phash == phash(drawn())


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "1", "I;16", "CMYK"])
def test_a_picture_of_any_mode_is_judged(mode: str) -> None:
    """What an engine's node writes need not be RGB."""
    kind = "TIFF" if mode == "CMYK" else "PNG"
    file = io.BytesIO()
    drawn().convert("I" if mode == "I;16" else mode).convert(mode).save(file, format=kind)

    assert examine(file.getvalue()).width == 64


@pytest.mark.parametrize(
    ("colour", "called"),
    [
        ((0, 0, 0), "black"),
        ((1, 1, 1), "black"),
        ((2, 2, 2), "one colour"),
        ((255, 255, 255), "one colour"),
    ],
)
def test_a_picture_of_one_colour_is_blank(colour: tuple[int, int, int], called: str) -> None:
    """The engine calls it good; the error says where such pictures come from."""
    with pytest.raises(PlasmaError, match=called) as caught:
        examine(png(one_colour(colour)))

    assert caught.value.code is Code.IMAGE_BLANK
    assert caught.value.fate is Fate.RETRY
    assert "--fp32-vae" in caught.value.hint


def test_a_picture_with_hardly_a_trace_on_it_is_blank() -> None:
    """A few odd pixels, or noise below what an eye sees, do not make a picture."""
    random = Random(7)  # noqa: S311 - noise
    speck = one_colour((0, 0, 0))
    speck.putpixel((5, 5), (3, 3, 3))
    noise = Image.frombytes(
        "RGB", (64, 96), bytes(127 + random.randint(0, 1) for _ in range(18432))
    )

    for image in (speck, noise):
        with pytest.raises(PlasmaError) as caught:
            examine(png(image))

        assert caught.value.code is Code.IMAGE_BLANK


def test_a_dark_picture_is_a_picture() -> None:
    """A night scene stays: it differs from pixel to pixel."""
    dark = drawn().point(lambda value: value // 16)

    assert examine(png(dark)).width == 64


def test_nan_as_the_engine_saves_it_is_blank() -> None:
    """NaN becomes 0 when it is cast to bytes: a black picture with its alpha whole."""
    nan = Image.new("RGBA", (64, 96), (0, 0, 0, 255))

    with pytest.raises(PlasmaError, match="black"):
        examine(png(nan))


def test_a_picture_of_another_size_than_asked_is_refused() -> None:
    """A workflow may resize behind our back; both sizes are named."""
    with pytest.raises(PlasmaError, match="64x96; 512x768 was asked") as caught:
        examine(DRAWN, (512, 768))

    assert caught.value.code is Code.IMAGE_WRONG_SIZE


@pytest.mark.parametrize("cut", [0, 1, 8, 20, 33, 60, len(DRAWN) // 2, -20, -9])
def test_a_picture_cut_short_is_refused(cut: int) -> None:
    """Half a download is not a picture, wherever it stopped."""
    with pytest.raises(PlasmaError) as caught:
        examine(DRAWN[:cut])

    assert caught.value.code is Code.IMAGE_UNREADABLE


@pytest.mark.parametrize("content", [b"", b"<html>502</html>", b"\0" * 4096, b"{}", b"\x89PNG\r\n"])
def test_what_is_no_picture_is_told_in_plain_words(content: bytes) -> None:
    """An error page with status 200 is no picture either."""
    with pytest.raises(PlasmaError, match="the picture is not a picture") as caught:
        examine(content)

    assert caught.value.code is Code.IMAGE_UNREADABLE


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    """A few bytes that claim more pixels than any request may ask for."""
    side = int(MAX_PIXELS**0.5) + 1
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = DRAWN[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + DRAWN[33:]

    with pytest.raises(PlasmaError, match="has more than 64 million pixels") as caught:
        decode(bomb, "the picture")

    assert caught.value.code is Code.IMAGE_UNREADABLE


def test_a_bomb_of_the_kind_that_is_unpacked_at_once_is_refused() -> None:
    """A WebP of 34 bytes that unpacks to a gigabyte; its decoder is not even made."""
    bomb = (
        b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/"
        + (16382 | 16382 << 14).to_bytes(4, "little")
        + bytes(9)
    )

    with pytest.raises(PlasmaError, match="has more than 64 million pixels"):
        decode(bomb, "the picture")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"


def test_a_picture_that_another_program_would_decode_is_not_opened() -> None:
    """EPS would be handed to Ghostscript, with all that stands in it."""
    with pytest.raises(PlasmaError, match="is not a picture") as caught:
        decode(EPS, "the picture")

    assert caught.value.code is Code.IMAGE_UNREADABLE


@given(st.data())
def test_a_damaged_picture_raises_our_error_or_none(data: st.DataObject) -> None:
    """Whatever bytes a disk or a network swaps, nothing else comes out of it."""
    content = bytearray(with_text(DRAWN, TEXT_KEY, json.dumps(REQUEST)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(content[: data.draw(st.integers(0, len(content)))])

    with contextlib.suppress(PlasmaError):
        examine(damaged)
    with contextlib.suppress(PlasmaError):
        request_in(damaged, "x.png")


@given(st.binary(max_size=200))
def test_any_bytes_raise_our_error_or_none(content: bytes) -> None:
    """Also behind the signature of a PNG."""
    for found in (content, PNG_SIGNATURE + content):
        with pytest.raises(PlasmaError):
            examine(found)

        assert texts(found) == {}


# What a picture carries.


def test_a_text_is_put_in_without_touching_a_pixel() -> None:
    """Every byte that was there is there still, in the same order; only a chunk is new."""
    written = with_text(DRAWN, TEXT_KEY, json.dumps(REQUEST))

    assert texts(written) == {TEXT_KEY: json.dumps(REQUEST)}
    assert written[:33] + written[-len(DRAWN) + 33 :] == DRAWN
    assert list(drawn().tobytes()) == list(decode(written, "it").tobytes())


def test_the_texts_of_the_engine_stay() -> None:
    """ComfyUI's own graph stands beside our request."""
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", '{"3": {}}')
    info.add_itxt("workflow", "白い")
    file = io.BytesIO()
    drawn().save(file, format="PNG", pnginfo=info)

    written = with_text(file.getvalue(), TEXT_KEY, "ours")

    assert texts(written) == {"prompt": '{"3": {}}', "workflow": "白い", TEXT_KEY: "ours"}


def test_a_picture_that_carries_the_text_is_returned_as_it_is() -> None:
    """Putting it in twice, after a crash for instance, changes nothing."""
    once = with_text(DRAWN, TEXT_KEY, "ours")

    assert with_text(once, TEXT_KEY, "other") == once


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 a JPEG"])
def test_what_is_no_png_is_returned_as_it_is(content: bytes) -> None:
    """There is no place for a text in it."""
    assert with_text(content, TEXT_KEY, "ours") == content
    assert texts(content) == {}


def test_a_picture_made_here_carries_its_request() -> None:
    """Dropped into the inbox, it is made again."""
    content = with_text(DRAWN, TEXT_KEY, json.dumps(REQUEST))

    assert request_in(content, "ch01_p003_v1.png") == REQUEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "5",
        "null",
        '"text"',
        "[" * 100_000,
        '{"a":' * 100_000,
        json.dumps({"kind": "generate", "\ud800": 1}),
        json.dumps({"kind": "generate", "prompt": "cut in half \ud83d"}),
    ],
    ids=lambda text: text[:20],
)
def test_what_carries_no_request_of_ours_is_foreign(text: str) -> None:
    """Text that nests too deep for a reader, or that no file could hold, is none either."""
    with pytest.raises(PlasmaError, match=r"it\.png was not made here") as caught:
        request_in(with_text(DRAWN, TEXT_KEY, text), "it.png")

    assert caught.value.code is Code.REQUEST_FOREIGN_PICTURE


def test_a_picture_without_any_text_is_foreign() -> None:
    """The hint leads on to what can be done with a picture of ComfyUI's."""
    with pytest.raises(PlasmaError) as caught:
        request_in(DRAWN, "it.png")

    assert "workflow adopt" in caught.value.hint


def test_a_text_that_unpacks_to_megabytes_is_not_read() -> None:
    """A compressed text of a few kilobytes cannot fill the memory."""
    body = TEXT_KEY.encode() + b"\0\0" + zlib.compress(b" " * 4_000_000)

    assert texts(with_chunk(DRAWN, b"zTXt", body)) == {}


# What a picture looks like.


def test_the_same_picture_saved_another_way_has_the_same_hash() -> None:
    """Coding, size and a trace of noise do not matter to it."""
    image = drawn(256, 384)
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=92)
    jpeg = Image.open(io.BytesIO(file.getvalue()))

    assert distance(phash(image), phash(jpeg)) <= 3
    assert distance(phash(image), phash(image.resize((128, 192)))) <= 6


def test_another_picture_has_another_hash() -> None:
    """A mirror image is far away: about half of the bits differ."""
    image = drawn(256, 384)

    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    assert distance(phash(image), phash(mirrored)) > 16


def test_a_hash_means_the_same_for_years() -> None:
    """It stands in manifests: a bit is set where light falls off to the right."""
    falling = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_270)

    assert phash(falling) == "ffffffffffffffff"
    assert phash(falling.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == "0000000000000000"
