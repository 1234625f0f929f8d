"""A drawn character, as a model sheet shows one: ginger hair, white cloak, gloves that differ.

Every figure is drawn on nothing, so that the box of its ink is known to the pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import cos, pi, sin

from PIL import Image, ImageDraw

INK = (30, 24, 34, 255)
SKIN = (250, 220, 198, 255)
HAIR = (222, 110, 40, 255)
CLOAK = (246, 246, 250, 255)
TUNIC = (70, 84, 122, 255)
BOOTS = (86, 58, 46, 255)
RED_GLOVE = (190, 40, 46, 255)
BLACK_GLOVE = (44, 44, 52, 255)
EYES = (40, 130, 90, 255)

POSES = ("front", "back", "side", "arms-out", "run", "crouch")
HEADS = ("smile", "angry", "calm")
_FINE = 2
"""Drawn so much larger, then made smaller: edges come out soft, as in real drawings."""

Point = tuple[float, float]


@cache
def figure(pose: str, height: int) -> Image.Image:
    """Return a figure on nothing, its ink about so high, cut to its box."""
    side = int(height * 1.3) * _FINE
    canvas = Image.new("RGBA", (side, side))
    pen = _Pen(canvas, height * _FINE / 100, (side / 2, side * 0.1))
    drawn: dict[str, Callable[[_Pen, str], None]] = {"run": _run, "crouch": _crouch, "side": _side}
    drawn.get(pose, _stand)(pen, pose)
    return _cut(canvas)


@cache
def head(mood: str, height: int) -> Image.Image:
    """Return a head alone, as a page of expressions shows it."""
    side = int(height * 1.6) * _FINE
    canvas = Image.new("RGBA", (side, side))
    pen = _Pen(canvas, height * _FINE / 18.5, (side / 2, side * 0.2))
    _head(pen, 0, 8, mood)
    return _cut(canvas)


@cache
def bust(height: int) -> Image.Image:
    """Return head and shoulders, cut off below as a portrait is."""
    whole = figure("front", height * 3)
    return _cut(whole.crop((0, 0, whole.width, height)), 1)


@cache
def blob(height: int, hue: int = 0) -> Image.Image:
    """Return an ellipse with an outline: the plainest figure there is."""
    canvas = Image.new("RGBA", (height, height * 2))
    colour = ((200, 60, 60), (60, 120, 200), (90, 160, 70), (160, 90, 180))[hue % 4]
    shape = (height // 4, 10, height // 4 + height // 2, 9 + height)
    ImageDraw.Draw(canvas).ellipse(shape, fill=(*colour, 255), outline=INK, width=3)
    return _cut(canvas, 1)


def _cut(canvas: Image.Image, fine: int = _FINE) -> Image.Image:
    small = canvas.resize((canvas.width // fine, canvas.height // fine), Image.Resampling.BOX)
    # The faintest rim is no ink that anybody sees.
    alpha = small.getchannel("A").point(lambda value: 0 if value < 96 else value)
    small.putalpha(alpha)
    return small.crop(alpha.getbbox())


class _Pen:
    """Draws in hundredths of a figure's height around its middle line, with an outline."""

    def __init__(self, canvas: Image.Image, unit: float, origin: Point) -> None:
        self._draw = ImageDraw.Draw(canvas)
        self._unit = unit
        self._origin = origin
        self._width = max(2, round(unit * 0.45))

    def at(self, point: Point) -> Point:
        return (
            self._origin[0] + point[0] * self._unit,
            self._origin[1] + point[1] * self._unit,
        )

    def shape(self, points: Sequence[Point], fill: tuple[int, ...]) -> None:
        placed = [self.at(point) for point in points]
        self._draw.polygon(placed, fill=fill)
        self._draw.line([*placed, placed[0], placed[1]], INK, self._width, joint="curve")

    def oval(self, x: float, y: float, rx: float, ry: float, fill: tuple[int, ...]) -> None:
        ring = [(x + rx * cos(n * pi / 24), y + ry * sin(n * pi / 24)) for n in range(48)]
        self.shape(ring, fill)

    def limb(self, points: Sequence[Point], thick: float, fill: tuple[int, ...]) -> None:
        width = round(thick * self._unit)
        placed = [self.at(point) for point in points]
        for extra, colour in ((2 * self._width, INK), (0, fill)):
            self._draw.line(placed, colour, width + extra, joint="curve")
            for x, y in placed:
                r = (width + extra) / 2
                self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def line(self, points: Sequence[Point]) -> None:
        self._draw.line([self.at(point) for point in points], INK, self._width)


def _head(pen: _Pen, x: float, y: float, face: str) -> None:
    """Draw a head around a point: about 17 high with its hair."""
    spikes = [(-9, 4), (-10, -4), (-7, -3), (-8, -8), (-3, -6), (0, -9.5), (3, -6), (8, -8)]
    spikes += [(7, -3), (10, -4), (9, 4), (6, 7), (-6, 7)]
    pen.shape([(x + dx, y + dy) for dx, dy in spikes], HAIR)
    if face == "back":
        pen.oval(x, y, 7, 7.5, HAIR)
        return
    shift = 2 if face == "side" else 0
    pen.oval(x + shift, y + 1, 6.4, 7.2, SKIN)
    fringe = [(-6.5, 0), (-6, -6), (0, -8), (6, -6), (6.5, 0), (4, -2), (2, 0), (0, -3), (-3, 0)]
    pen.shape([(x + dx + shift / 2, y + dy) for dx, dy in fringe], HAIR)
    for side in (1,) if face == "side" else (-1, 1):
        pen.oval(x + shift + side * 2.8, y + 2, 1.2, 1.7, EYES)
        if face == "angry":
            pen.line([(x + side * 1.2, y + 0.6), (x + side * 4.4, y - 1)])
    mouth: dict[str, list[Point]] = {
        "smile": [(-2, 5), (0, 6.2), (2, 5)],
        "angry": [(-2, 6), (0, 5), (2, 6)],
    }
    mouths = mouth.get(face, [(-1, 5.5), (1, 5.5)])
    pen.line([(x + dx + shift, y + dy) for dx, dy in mouths])


def _stand(pen: _Pen, pose: str) -> None:
    if pose == "back":
        _legs(pen, ((-4, 98), (4, 98)))
        _arm(pen, [(-8, 24), (-12, 38), (-12, 50)], BLACK_GLOVE)
        _arm(pen, [(8, 24), (12, 38), (12, 50)], RED_GLOVE)
        pen.shape([(-8, 19), (8, 19), (15, 80), (8, 84), (0, 81), (-8, 84), (-15, 80)], CLOAK)
        for x in (-5, 0, 5):
            pen.line([(x, 40), (x * 1.5, 78)])
        _head(pen, 0, 8, "back")
        return
    pen.shape([(-8, 19), (8, 19), (14, 78), (5, 82), (-5, 82), (-14, 78)], CLOAK)
    _legs(pen, ((-5, 98), (5, 98)))
    _neck(pen, 0)
    out = pose == "arms-out"
    left = [(-8, 23), (-22, 24), (-36, 25)] if out else [(-8, 24), (-13, 38), (-12, 52)]
    right = [(8, 23), (22, 24), (36, 25)] if out else [(8, 24), (13, 38), (12, 52)]
    pen.shape([(-8, 18), (8, 18), (7, 38), (9, 55), (-9, 55), (-7, 38)], TUNIC)
    pen.line([(-7.5, 40), (7.5, 40)])
    _arm(pen, left, RED_GLOVE)
    _arm(pen, right, BLACK_GLOVE)
    pen.shape([(-9, 18), (-4, 16), (0, 21), (4, 16), (9, 18), (6, 28), (0, 24), (-6, 28)], CLOAK)
    _head(pen, 0, 8, "smile")


def _side(pen: _Pen, pose: str) -> None:
    pen.shape([(-6, 19), (3, 18), (0, 50), (-6, 82), (-16, 79)], CLOAK)
    _legs(pen, ((-1, 98), (3, 98)))
    _neck(pen, 1)
    pen.shape([(-4, 18), (5, 18), (5, 38), (6, 55), (-4, 55)], TUNIC)
    _arm(pen, [(0, 24), (-1, 38), (4, 50)], BLACK_GLOVE)
    _head(pen, 1, 8, pose)


def _run(pen: _Pen, _: str) -> None:
    pen.shape([(-6, 20), (2, 19), (-14, 60), (-34, 66), (-26, 58), (-36, 52)], CLOAK)
    pen.limb([(0, 54), (-14, 68), (-30, 66)], 6, TUNIC)
    pen.limb([(-26, 66), (-32, 66), (-33, 61)], 6, BOOTS)
    pen.limb([(2, 54), (16, 66), (12, 86)], 6, TUNIC)
    pen.limb([(13, 82), (12, 92), (19, 93)], 6, BOOTS)
    _neck(pen, 3)
    pen.shape([(-6, 19), (8, 18), (8, 40), (6, 56), (-6, 56), (-7, 40)], TUNIC)
    _arm(pen, [(-5, 24), (-16, 34), (-8, 44)], RED_GLOVE)
    _arm(pen, [(8, 24), (18, 34), (28, 26)], BLACK_GLOVE)
    _head(pen, 5, 8, "angry")


def _crouch(pen: _Pen, _: str) -> None:
    pen.shape([(-9, 18), (9, 18), (26, 52), (12, 60), (-12, 60), (-26, 52)], CLOAK)
    pen.limb([(-5, 44), (-17, 42), (-13, 58)], 7, TUNIC)
    pen.limb([(5, 44), (17, 42), (13, 58)], 7, TUNIC)
    pen.limb([(-13, 56), (-14, 60), (-19, 61)], 6, BOOTS)
    pen.limb([(13, 56), (14, 60), (19, 61)], 6, BOOTS)
    _neck(pen, 0)
    pen.shape([(-7, 18), (7, 18), (7, 46), (-7, 46)], TUNIC)
    _arm(pen, [(-8, 24), (-16, 32), (-8, 42)], RED_GLOVE)
    _arm(pen, [(8, 24), (16, 32), (8, 42)], BLACK_GLOVE)
    _head(pen, 0, 8, "calm")


def _neck(pen: _Pen, x: float) -> None:
    pen.limb([(x, 13), (x, 20)], 4, SKIN)


def _legs(pen: _Pen, feet: Sequence[Point]) -> None:
    for (x, y), hip in zip(feet, (-3, 3), strict=True):
        pen.limb([(hip, 52), (x, 74), (x, y - 4)], 6, TUNIC)
        pen.limb([(x, 80), (x, y - 3), (x + (2 if x > 0 else -2), y - 2)], 6, BOOTS)


def _arm(pen: _Pen, points: Sequence[Point], glove: tuple[int, ...]) -> None:
    pen.limb(points, 5, TUNIC)
    (ax, ay), (bx, by) = points[-2:]
    pen.limb([(ax + (bx - ax) * 0.6, ay + (by - ay) * 0.6), points[-1]], 5, glove)
