"""What a picture's caption says, from what is known of it. Pure.

The trigger stands first. Then what the user says of the character, how much of it is shown, from
where, and what is behind it: what a caption names stays changeable, what it leaves out becomes part
of what the trigger means.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import assert_never

from plasma_watch.dataset.background import Colour, Ground, Kind
from plasma_watch.dataset.framing import Framing

_FRAMED = {
    Framing.FACE: "portrait",
    Framing.BUST: "upper body",
    Framing.FULL: "full body",
    Framing.PANEL: "",
}
_SAID = {
    Framing.FACE: {"portrait", "face", "close-up", "head", "headshot", "face focus"},
    Framing.BUST: {"upper body", "bust", "cowboy shot", "half body"},
    Framing.FULL: {"full body", "full-body", "full body shot", "wide shot"},
}
"""What captions call a framing, ours and others'."""
VIEWS = {
    "front": "front view",
    "three-quarter": "three-quarter view",
    "side": "from side",
    "back": "from behind",
}
"""The views that have words of their own; any other is taken as it is said."""
_GREY = 13
"""Channels that differ by less make no colour."""
_DARK, _LIGHT = 0.2, 0.85
_HUES = (
    (0.04, "red"),
    (0.11, "orange"),
    (0.19, "yellow"),
    (0.45, "green"),
    (0.53, "aqua"),
    (0.70, "blue"),
    (0.80, "purple"),
    (0.94, "pink"),
    (1.01, "red"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a picture."""

    framing: Framing
    ground: Ground
    view: str = ""
    said: str = ""
    """What the user says of it."""


def caption(trigger: str, known: Known) -> str:
    """Return the caption of a picture."""
    words = (
        trigger,
        known.said,
        _FRAMED[known.framing],
        VIEWS.get(known.view, known.view),
        _behind(known.ground),
    )
    return ", ".join(word.strip(" ,") for word in words if word.strip(" ,"))


def _behind(ground: Ground) -> str:
    match ground.kind:
        case Kind.NONE:
            return ""
        case Kind.WHITE | Kind.TRANSPARENT:
            return "simple background, white background"
        case Kind.GRADIENT:
            return "simple background, gradient background"
        case Kind.TINTED:
            return f"simple background, {colour_name(ground.colour)} background"
        case _:
            assert_never(ground.kind)


def framing_of(caption: str) -> Framing | None:
    """Return what a caption says of how much is shown, if it does."""
    words = {word.strip() for word in caption.casefold().split(",")}
    return next((framing for framing, said in _SAID.items() if words & said), None)


def colour_name(colour: Colour) -> str:
    """Return what people call a colour."""
    hue, light, _ = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    if max(colour) - min(colour) < _GREY:
        return "black" if light < _DARK else "white" if light > _LIGHT else "grey"
    return next(name for end, name in _HUES if hue < end)
