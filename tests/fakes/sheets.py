"""Reference sheets as people draw them, with the box of every figure known to the pixel.

The grounds are white, tinted, sloping from one colour to another, or nothing at all; the figures
throw shadows, carry labels, and stand beside swatches of their colours.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.fakes.figures import POSES, bust, figure, head

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]

INK = (30, 24, 34)
SHADOW = 0.72
"""How much of the ground's light a shadow leaves."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture, and where its figures are: left, top, right, bottom, as it is seen upright."""

    image: Image.Image
    boxes: tuple[Box, ...]

    def png(self) -> bytes:
        """Return it as PNG."""
        out = io.BytesIO()
        self.image.save(out, "PNG", compress_level=1)
        return out.getvalue()


@dataclass(slots=True)
class Table:
    """A ground that figures are laid on. Its state: what lies on it so far."""

    ground: Image.Image
    boxes: list[Box] = field(default_factory=list)

    def stand(self, drawn: Image.Image, centre: int, floor: int) -> Box:
        """Put a figure on its feet; return its box."""
        return self.lay(drawn, centre - drawn.width // 2, floor - drawn.height)

    def lay(self, drawn: Image.Image, left: int, top: int) -> Box:
        """Put a figure where its upper left corner is said to be; return its box."""
        self.ground.alpha_composite(drawn, (left, top))
        box = (left, top, left + drawn.width, top + drawn.height)
        self.boxes.append(box)
        return box

    def shade(self, shadow: Box, blur: float = 0) -> None:
        """Throw an oval shadow on the ground: the ground's own colour, darker."""
        mask = Image.new("L", self.ground.size)
        ImageDraw.Draw(mask).ellipse(shadow, fill=255)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur))
        if not _is_opaque(self.ground):
            dark: Image.Image = Image.new("RGBA", self.ground.size, (0, 0, 0, 0))
            dark.putalpha(mask.point(lambda value: int(value * (1 - SHADOW))))
            self.ground.alpha_composite(dark)
            return
        dark = self.ground.point(lambda value: int(value * SHADOW))
        dark.putalpha(255)
        self.ground.paste(dark, mask=mask)

    def write(self, text: str, place: tuple[int, int], size: int) -> None:
        """Write a label around a place."""
        font = ImageFont.load_default(size)
        ImageDraw.Draw(self.ground).text(place, text, fill=INK, font=font, anchor="mm")

    def swatches(self, left: int, top: int, side: int, colours: Sequence[Colour]) -> None:
        """Put a row of colours."""
        for number, colour in enumerate(colours):
            x = left + number * (side + side // 4)
            box = (x, top, x + side, top + side)
            ImageDraw.Draw(self.ground).rectangle(box, fill=colour, outline=INK, width=2)

    def line(self, start: tuple[int, int], end: tuple[int, int], width: int = 2) -> None:
        """Draw a ruled line."""
        ImageDraw.Draw(self.ground).line((*start, *end), fill=INK, width=width)

    def done(self) -> Sheet:
        """Return the sheet; a ground that hides everything is a plain RGB picture."""
        image = self.ground.convert("RGB") if _is_opaque(self.ground) else self.ground
        return Sheet(image, tuple(self.boxes))


def _is_opaque(image: Image.Image) -> bool:
    return image.getchannel("A").getextrema() == (255, 255)


# Grounds.


def white(size: tuple[int, int]) -> Image.Image:
    """Return paper."""
    return Image.new("RGBA", size, (255, 255, 255, 255))


def tinted(size: tuple[int, int]) -> Image.Image:
    """Return one colour that is not white."""
    return Image.new("RGBA", size, (206, 222, 214, 255))


def dark(size: tuple[int, int]) -> Image.Image:
    """Return one dark colour."""
    return Image.new("RGBA", size, (52, 50, 66, 255))


def gradient(size: tuple[int, int]) -> Image.Image:
    """Return a slope from a light blue above to a warm grey below."""
    slope = Image.linear_gradient("L").resize(size, Image.Resampling.BICUBIC)
    above, below = (Image.new("RGB", size, c) for c in ((198, 218, 246), (246, 226, 206)))
    return Image.composite(below, above, slope).convert("RGBA")


def vignette(size: tuple[int, int]) -> Image.Image:
    """Return a light middle that darkens towards the corners."""
    round_ = Image.radial_gradient("L").resize(size, Image.Resampling.BICUBIC)
    light, edge = (Image.new("RGB", size, c) for c in ((250, 248, 240), (190, 180, 176)))
    return Image.composite(edge, light, round_).convert("RGBA")


def paper(size: tuple[int, int]) -> Image.Image:
    """Return scanned paper: cream with grain."""
    grain = Image.effect_noise(size, 9).convert("RGB")
    cream = Image.new("RGB", size, (240, 234, 220))
    return Image.blend(cream, grain, 0.3).convert("RGBA")


def nothing(size: tuple[int, int]) -> Image.Image:
    """Return no ground at all."""
    return Image.new("RGBA", size, (0, 0, 0, 0))


GROUNDS: dict[str, Callable[[tuple[int, int]], Image.Image]] = {
    each.__name__: each for each in (white, tinted, dark, gradient, vignette, paper, nothing)
}


# Sheets.


@cache
def row(ground: str, count: int, height: int = 620, *, shadows: str = "") -> Sheet:
    """Draw so many figures on their feet, in rows of at most five.

    `shadows` is empty, `soft` or `hard`; a figure's shadow reaches into its neighbour's. All of it
    goes by the height, as in a sheet that was drawn large and saved small.
    """
    drawn, gap = [figure(POSES[n % len(POSES)], height) for n in range(count)], height // 5
    lines = [drawn[n : n + 5] for n in range(0, count, 5)]
    wide = max(sum(f.width for f in line) + gap * (len(line) + 1) for line in lines)
    tall = len(lines) * (height + 140) + 60
    table = Table(GROUNDS[ground]((wide, tall)))
    places = list(_places(lines, height))
    for place in places if shadows else ():
        table.shade(_beneath(*place, height), blur=height / 22 if shadows == "soft" else 0)
    for each, centre, floor in places:
        table.stand(each, centre, floor)
    return table.done()


def _places(
    lines: Sequence[Sequence[Image.Image]], height: int
) -> Iterator[tuple[Image.Image, int, int]]:
    for number, line in enumerate(lines):
        left = gap = height // 5
        for each in line:
            yield each, left + each.width // 2, 60 + height + number * (height + 140)
            left += each.width + gap


def _beneath(drawn: Image.Image, centre: int, floor: int, height: int) -> Box:
    half = drawn.width // 2 + height // 7
    return (centre - half, floor - height // 9, centre + half, floor + height // 11)


@cache
def model_sheet(ground: str = "white", width: int = 2400) -> Sheet:
    """Draw a page as a studio's: turnaround, action, expressions, title, labels, swatches."""
    w, h = 2400, 1700
    table = Table(GROUNDS[ground]((w, h)))
    table.write("SPYKE - MODEL SHEET", (520, 70), 64)
    table.line((40, 120), (w - 40, 120), 3)
    for centre, pose in ((230, "front"), (560, "side"), (890, "back")):
        table.shade((centre - 150, 1000, centre + 150, 1044))
        table.stand(figure(pose, 820), centre, 1024)
        table.write(pose.upper(), (centre, 1090), 34)
    table.stand(figure("run", 700), 1400, 960)
    table.stand(figure("crouch", 620), 2050, 620)
    table.write("ACTION", (1400, 1050), 34)
    for number, mood in enumerate(("smile", "angry", "calm")):
        box = table.lay(head(mood, 260), 90 + number * 400, 1240)
        table.write(mood, ((box[0] + box[2]) // 2, 1560), 30)
    table.lay(bust(380), 1560, 1180)
    table.swatches(2080, 1250, 70, ((222, 110, 40), (246, 246, 250), (70, 84, 122)))
    table.swatches(2080, 1360, 70, ((190, 40, 46), (44, 44, 52), (250, 220, 198)))
    table.write("hair  cloak  tunic", (2180, 1345), 20)
    table.write("left glove is red, right glove is black: never mirror!", (1900, 1640), 26)
    sheet = table.done()
    return sheet if width == w else scaled(sheet, width / w)


def scaled(sheet: Sheet, scale: float) -> Sheet:
    """Return a sheet in another size, its boxes with it."""
    size = (round(sheet.image.width * scale), round(sheet.image.height * scale))
    boxes = tuple(_scaled(box, scale) for box in sheet.boxes)
    return Sheet(sheet.image.resize(size, Image.Resampling.LANCZOS), boxes)


def _scaled(box: Box, scale: float) -> Box:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    return left, top, right, bottom
