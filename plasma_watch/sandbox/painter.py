"""The one place where pictures are made: a drawing in the place of what a model would have made.

Values in, pixels out, the same on every run. What is drawn follows from what was asked: the layout
from seed, texts and model; the colours turn with the LoRAs; the grain follows the other settings; a
picture to start from shines through as far as the denoising left it; one to follow lies over it.
"""

import colorsys
import hashlib
import io
import struct
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageOps

from plasma_watch.sandbox import lettering
from plasma_watch.sandbox.picture import Picture, picture_of
from plasma_watch.sandbox.values import Conditioning, Control, Latent, Lora, Pass

SHAPES = 7
GRAINS = 60
GLIMPSE_SIDE = 512
GLIMPSE_QUALITY = 95
GREY = (128, 128, 128)
UINT32 = struct.Struct(">I")

Colour = tuple[int, int, int]


def paint(latent: Latent, vae: str = "") -> tuple[Picture, ...]:
    """Make the pictures of a latent."""
    return tuple(picture_of(_painted(latent, index, vae)) for index in range(latent.count))


def glimpse(picture: Picture, share: float) -> bytes:
    """Show a picture as far as it is made, as the JPEG of a preview."""
    grey = Image.new("RGB", (picture.width, picture.height), GREY)
    image = Image.blend(grey, picture.image(), min(1.0, share))
    side = (GLIMPSE_SIDE, GLIMPSE_SIDE)
    out = io.BytesIO()
    ImageOps.contain(image, side, Image.Resampling.BILINEAR).save(
        out, "JPEG", quality=GLIMPSE_QUALITY
    )
    return out.getvalue()


def rolls(*about: object) -> Iterator[float]:
    """Draw numbers from 0 to 1 that follow from what they are about."""
    page = 0
    while True:
        drawn = hashlib.shake_256(repr((page, *about)).encode()).digest(256)
        yield from (number / 2**32 for (number,) in UINT32.iter_unpack(drawn))
        page += 1


def _painted(latent: Latent, index: int, vae: str) -> Image.Image:
    size = (latent.width, latent.height)
    canvas = Image.new("RGB", size, GREY)
    if latent.origins:
        canvas = latent.origins[index].image().resize(size, Image.Resampling.BICUBIC)
    for one in _visible(latent.passes):
        canvas = Image.blend(canvas, _drawn(one, size, index, vae), min(1.0, one.sigmas.denoise))
    lettering.write(canvas, _caption(latent))
    return canvas


def _visible(passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
    """Leave out what a later pass covers altogether."""
    covering = [index for index, one in enumerate(passes) if one.sigmas.denoise >= 1]
    return passes[covering[-1] :] if covering else passes


def _drawn(one: Pass, size: tuple[int, int], index: int, vae: str) -> Image.Image:
    guider = one.guider
    unwanted = guider.negative.texts if guider.negative else ()
    layout = rolls(one.noise.seed, index, guider.positive.texts, unwanted, guider.model.weights)
    hue = next(layout) + _turn(guider.model.loras) + _turn(guider.positive.clip.loras) / 2
    canvas = _sky(size, hue)
    draw = ImageDraw.Draw(canvas)
    for _ in range(SHAPES):
        _shape(draw, size, layout, hue)
    _figure(draw, size, layout, hue)
    _grain(draw, size, one, vae)
    for lora in guider.model.loras:
        _frame(draw, size, lora)
    for control in guider.positive.controls:
        canvas = _followed(canvas, control)
    return canvas


def _turn(loras: tuple[Lora, ...]) -> float:
    return sum(lora.strength * next(rolls("hue", lora.weights)) for lora in loras)


def _sky(size: tuple[int, int], hue: float) -> Image.Image:
    slope = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    return ImageOps.colorize(slope, _colour(hue, 0.45, 0.95), _colour(hue + 0.15, 0.6, 0.45))


def _shape(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], layout: Iterator[float], hue: float
) -> None:
    width, height = size
    left, top = next(layout) * width, next(layout) * height
    reach = (0.08 + 0.2 * next(layout)) * max(size)
    fill = _colour(hue + next(layout) * 0.5, 0.55, 0.5 + 0.4 * next(layout))
    box = (left - reach, top - reach, left + reach, top + reach)
    match int(next(layout) * 3):
        case 0:
            draw.ellipse(box, fill=fill)
        case 1:
            draw.regular_polygon((left, top, reach), 3 + int(next(layout) * 4), fill=fill)
        case _:
            draw.line(box, fill=fill, width=max(2, int(reach / 6)))


def _figure(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], layout: Iterator[float], hue: float
) -> None:
    width, height = size
    centre = width * (0.3 + 0.4 * next(layout))
    unit = min(width / 4, height / 10) * (0.8 + 0.3 * next(layout))
    neck = height * 0.3
    hip = neck + 2.2 * unit
    coat, skin = _colour(hue + 0.5, 0.8, 0.7), _colour(0.07, 0.3 + 0.3 * next(layout), 0.95)
    limb = max(2, int(unit / 3))
    for side in (-1, 1):
        hand = (centre + side * unit * (0.6 + next(layout)), neck + unit * (2.4 * next(layout)))
        foot = (centre + side * unit * (0.3 + 0.6 * next(layout)), hip + 2.2 * unit)
        draw.line([(centre, neck + unit * 0.3), hand], fill=coat, width=limb)
        draw.line([(centre, hip), foot], fill=coat, width=limb)
    draw.polygon([(centre, neck), (centre - unit, hip), (centre + unit, hip)], fill=coat)
    head = (centre - unit * 0.6, neck - unit * 1.2, centre + unit * 0.6, neck)
    draw.ellipse(head, fill=skin, outline=_colour(hue, 0.9, 0.3), width=max(1, limb // 2))


def _grain(draw: ImageDraw.ImageDraw, size: tuple[int, int], one: Pass, vae: str) -> None:
    positive = one.guider.positive
    nets = [control.net for control in positive.controls]
    finish = rolls(one.sigmas, one.sampler, one.guider.cfg, positive.clip.last_layer, nets, vae)
    radius = max(1.0, min(size) / 160)
    for _ in range(GRAINS):
        left, top = next(finish) * size[0], next(finish) * size[1]
        fill = _colour(next(finish), 0.2, next(finish))
        draw.ellipse((left - radius, top - radius, left + radius, top + radius), fill=fill)


def _frame(draw: ImageDraw.ImageDraw, size: tuple[int, int], lora: Lora) -> None:
    wide = round(min(1.0, abs(lora.strength)) * min(size) / 24)
    colour = _colour(next(rolls("frame", lora.weights)), 0.8, 0.9)
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=colour, width=wide)


def _followed(canvas: Image.Image, control: Control) -> Image.Image:
    shown = control.picture.image().resize(canvas.size, Image.Resampling.BILINEAR)
    reach = control.strength * max(0.0, control.end - control.start)
    return Image.blend(canvas, shown, min(0.6, 0.4 * reach))


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return (round(red * 255), round(green * 255), round(blue * 255))


def _caption(latent: Latent) -> tuple[str, ...]:
    size = f"{latent.width} x {latent.height}"
    if not latent.passes:
        return (size,)
    one = latent.passes[-1]
    settings = f"{one.sigmas.steps} steps, cfg {one.guider.cfg:g}, {one.sampler.name}"
    names = [f"LoRA {lora.weights.name} {lora.strength:g}" for lora in one.guider.model.loras]
    return (_wanted(one.guider.positive), f"seed {one.noise.seed}, {settings}", *names, size)


def _wanted(positive: Conditioning) -> str:
    return " + ".join(positive.texts)
