"""A picture is a value: equal when its pixels are, and the same file every time."""

import io
import json

from PIL import Image

from plasma_watch.sandbox.picture import picture_of, plain, png, texts_of


def test_plain_picture_has_its_colour() -> None:
    """The number is 0xRRGGBB."""
    assert plain(2, 1, 0x0102FF).image().getpixel((1, 0)) == (1, 2, 255)


def test_same_pixels_are_the_same_picture() -> None:
    """However it was made."""
    one, other = plain(3, 2, 5), picture_of(Image.new("RGB", (3, 2), (0, 0, 5)))

    assert one == other
    assert one.digest == other.digest
    assert one.digest != plain(3, 2, 6).digest


def test_texts_tell_the_graph_and_every_extra() -> None:
    """Each as JSON, so a text stands in quotes."""
    texts = texts_of({"1": {}}, {"plasma": {"job": "x"}, "note": "é"})

    assert json.loads(texts["prompt"]) == {"1": {}}
    assert texts["plasma"] == '{"job": "x"}'
    assert texts["note"] == '"\\u00e9"'


def test_png_holds_pixels_and_texts() -> None:
    """As any reader of PNG finds them."""
    encoded = png(plain(4, 4, 7), texts_of({}, None), 4)

    with Image.open(io.BytesIO(encoded)) as image:
        assert picture_of(image) == plain(4, 4, 7)
        assert image.info == {"prompt": "{}"}


def test_png_is_the_same_every_time() -> None:
    """Byte for byte."""
    one, other = (png(plain(9, 9, 3), {"prompt": "{}"}, 4) for _ in range(2))

    assert one == other
