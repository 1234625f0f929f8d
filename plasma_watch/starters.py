"""Draws the pictures that the shipped examples name: a sketch, and a pose as OpenPose draws it.

They are stand-ins: with them the examples can be dropped as they are, and be replaced one by one.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

SIZE = (512, 768)
_INK = 40
_LIMB, _JOINT = 5, 6
_HUE_STEP = 20
"""OpenPose's limbs and joints go round the circle of colours in steps of so many degrees."""
_PALE = 60
"""A limb is so many percent as bright as a joint."""
_JOINTS = (
    *((256, 140), (256, 210), (205, 212), (150, 160), (100, 110), (307, 212), (362, 250)),
    *((420, 215), (232, 390), (160, 470), (110, 590), (280, 390), (370, 450), (460, 540)),
    *((244, 126), (268, 126), (228, 134), (284, 134)),
)
"""Where the eighteen joints are, in OpenPose's order: nose, neck, right arm, left arm, right leg,
left leg, eyes, ears."""
_LIMBS = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10)),
    *((1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)


def draw_into(folder: Path) -> None:
    """Draw what is not there yet: what a person put there is kept."""
    for name, draw in (("sketch.png", sketch), ("pose.png", pose)):
        if not (folder / name).exists():
            draw().save(folder / name)


def pose() -> Image.Image:
    """Return a figure that leaps, as a ControlNet for OpenPose reads it."""
    image = Image.new("RGB", SIZE)
    pen = ImageDraw.Draw(image)
    for number, (one, other) in enumerate(_LIMBS):
        pen.line((_JOINTS[one], _JOINTS[other]), fill=_hue(number, _PALE), width=2 * _LIMB)
    for number, (x, y) in enumerate(_JOINTS):
        pen.ellipse((x - _JOINT, y - _JOINT, x + _JOINT, y + _JOINT), fill=_hue(number, 100))
    return image


def _hue(number: int, bright: int) -> str:
    return f"hsv({_HUE_STEP * number}, 100%, {bright}%)"


def sketch() -> Image.Image:
    """Return a figure by a window, in a few lines."""
    image = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(image)
    pen.rectangle((290, 80, 470, 420), outline=_INK, width=4)
    pen.line((380, 80, 380, 420), fill=_INK, width=3)
    pen.line((290, 250, 470, 250), fill=_INK, width=3)
    pen.ellipse((140, 190, 250, 310), outline=_INK, width=4)
    pen.line(((195, 310), (200, 520), (330, 530), (325, 690)), fill=_INK, width=5, joint="curve")
    pen.line(((198, 370), (260, 440), (330, 425)), fill=_INK, width=4, joint="curve")
    pen.line((90, 560, 360, 560), fill=_INK, width=4)
    pen.line((90, 400, 90, 720), fill=_INK, width=4)
    return image
