"""The nodes that load, change and save pictures."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from PIL import Image, ImageFile, ImageOps, ImageSequence

from plasma_watch.sandbox import memory, naming
from plasma_watch.sandbox.bench import Bench, Made
from plasma_watch.sandbox.picture import Mask, Picture, picture_of, plain, png, texts_of

RESAMPLING = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
NO_MASK = Mask(64, 64, bytes(64 * 64))
SAVED_LEVEL = 4
PREVIEW_LEVEL = 1
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def empty(_bench: Bench, *, width: int, height: int, batch_size: int = 1, color: int = 0) -> Made:
    """Make pictures of one colour."""
    memory.claim(batch_size * height * width)
    return Made(((plain(width, height, color),) * batch_size,))


def load(bench: Bench, *, image: str) -> Made:
    """Load a picture, or all frames of a moving one; a file cut short counts as far as it goes."""
    with _forgiving(), Image.open(bench.folders.picture_file(image)) as file:
        upright = [ImageOps.exif_transpose(frame) for frame in ImageSequence.Iterator(file)]
        frames = [frame for frame in upright if frame.size == upright[0].size]
        masks = tuple(_see_through(frame) for frame in frames)
        return Made((tuple(picture_of(_eight_bit(frame)) for frame in frames), masks))


def load_mask(bench: Bench, *, image: str, channel: str) -> Made:
    """Load one channel of a picture as a mask."""
    with _forgiving(), Image.open(bench.folders.picture_file(image)) as file:
        upright = _eight_bit(ImageOps.exif_transpose(file)).convert("RGBA")
    band = upright.getchannel(channel[0].upper())
    return Made(((_mask(ImageOps.invert(band) if channel == "alpha" else band),),))


def scale(
    _bench: Bench,
    *,
    image: tuple[Picture, ...],
    upscale_method: str,
    width: int,
    height: int,
    crop: str,
) -> Made:
    """Change the size to the one given; a side that is 0 follows the other."""
    first = image[0]
    if width == 0 and height == 0:
        return Made((image,))
    wide = width or max(1, round(first.width * height / first.height))
    high = height or max(1, round(first.height * width / first.width))
    return Made((_scaled(image, (wide, high), upscale_method, crop),))


def scale_by(
    _bench: Bench, *, image: tuple[Picture, ...], upscale_method: str, scale_by: float
) -> Made:
    """Change the size by a factor."""
    size = (round(image[0].width * scale_by), round(image[0].height * scale_by))
    return Made((_scaled(image, size, upscale_method, "disabled"),))


def save(
    bench: Bench,
    *,
    images: tuple[Picture, ...],
    filename_prefix: str = "ComfyUI",
    prompt: object = None,
    extra_pnginfo: Mapping[str, object] | None = None,
) -> Made:
    """Save pictures among the outputs."""
    prefix = _expanded(filename_prefix, images[0])
    place = naming.saved(bench.folders.output, prefix)
    texts = texts_of(prompt, extra_pnginfo)
    return _written(place, "output", [png(picture, texts, SAVED_LEVEL) for picture in images])


def preview(
    bench: Bench,
    *,
    images: tuple[Picture, ...],
    prompt: object = None,
    extra_pnginfo: Mapping[str, object] | None = None,
) -> Made:
    """Save pictures where nobody keeps them, under a name that no other node uses."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(5))
    prefix = f"ComfyUI_temp_{bench.memory.setdefault('letters', letters)}"
    place = naming.saved(bench.folders.temp, prefix)
    texts = texts_of(prompt, extra_pnginfo)
    return _written(place, "temp", [png(picture, texts, PREVIEW_LEVEL) for picture in images])


def _expanded(prefix: str, first: Picture) -> str:
    return naming.expand(prefix, first.width, first.height, time.localtime())


def _written(place: naming.Saved, kind: str, encoded: list[bytes]) -> Made:
    shown = []
    for index, content in enumerate(encoded):
        name = place.name(index)
        # In place under its final name, as the engine does: a reader must wait for the end.
        (place.folder / name).write_bytes(content)
        shown.append({"filename": name, "subfolder": place.subfolder, "type": kind})
    return Made((), {"images": shown})


def _scaled(
    images: tuple[Picture, ...], size: tuple[int, int], method: str, crop: str
) -> tuple[Picture, ...]:
    fit = ImageOps.fit if crop == "center" else Image.Image.resize
    return tuple(picture_of(fit(p.image(), size, RESAMPLING[method])) for p in images)


def _eight_bit(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value * (1 / 255)) if image.mode == "I" else image


def _see_through(image: Image.Image) -> Mask:
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if "A" not in image.getbands():
        return NO_MASK
    return _mask(ImageOps.invert(image.getchannel("A")))


def _mask(band: Image.Image) -> Mask:
    return Mask(band.width, band.height, band.tobytes())


@contextmanager
def _forgiving() -> Iterator[None]:
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
