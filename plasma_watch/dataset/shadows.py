"""Which ink is a shadow on the ground? Pure.

A soft shadow is a tone of the ground that fades into it: the ground reaches into it without meeting
an edge. A hard one is a tone of the ground that is flat, wider than high, without corners, and with
no ink below. On a dark ground nothing is called a shadow: there black cloth looks the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plasma_watch.dataset.background import Bools, Floats, farthest, summed
from plasma_watch.dataset.parts import Ints, Labels, label, spread

_DARKEST, _LIGHTEST = 0.3, 0.97
"""How much of the ground's light a shadow leaves; what is darker is a line of ink."""
_DARK_GROUND = 80.0
"""On a ground darker than this, of 255, nobody draws a shadow."""
_SAME_HUE = 10.0
"""So far may a shadow's colour be from the ground's own, darker."""
_FLATTER = 1.4
"""A shadow on the floor is so many times wider than high, at least."""
_CORNERS = 2
"""With more corners of its box than these, a tone is a rectangle: it was drawn for itself."""
_OWN_SHARE = 0.3
"""With ink below more than so much of it, a tone is a figure's own."""
_RIM, _FRINGE = 3, 12
"""A shadow goes on for so many pixels, softly; on grainy paper its last dots lie so far off."""
_GRAINY = 1.0
"""From so much grain on, of 255, a ground is grainy."""
_LEAST_SHARE = 2e-4
"""A tone that covers less than this share of the sheet is the soft edge of a line."""


def is_tone(pixels: Floats, below: Floats) -> Bools:
    """Tell where a pixel is the ground, darker."""
    light = summed(pixels) / np.maximum(summed(below), 1)
    off = farthest(np.abs(pixels - light[..., None] * below))
    is_between = (light > _DARKEST) & (light < _LIGHTEST)
    tone: Bools = is_between & (off < _SAME_HUE) & (summed(below) > 3 * _DARK_GROUND)
    return tone


def without_shadows(mask: Bools, tone: Bools, smooth: Bools, grain: float = 0) -> Bools:
    """Take shadows out of a mask; `tone` is where the ground is darker, `smooth` has no edge."""
    flat = label(tone & smooth & mask)
    wide = np.concatenate(([False], flat.areas() >= _LEAST_SHARE * mask.size))
    is_shadow = wide & (_fading(mask, flat) | _floors(mask & ~tone, flat))
    shadow = is_shadow[flat.of]
    rim = spread(shadow, _RIM, _RIM) & tone
    left = mask & ~shadow & ~rim
    if grain < _GRAINY or not shadow.any():
        return left
    return _without_dots(left, tone & spread(shadow, _FRINGE, _FRINGE))


def _without_dots(mask: Bools, fringe: Bools) -> Bools:
    """Take away small parts that lie in a shadow's fringe altogether."""
    parts = label(mask)
    is_kept = np.concatenate(([False], parts.areas() >= _LEAST_SHARE * mask.size))
    is_kept[parts.of[mask & ~fringe]] = True
    return is_kept[parts.of]


def _fading(mask: Bools, flat: Labels) -> Bools:
    """Tell of each tone whether the ground reaches into it without meeting an edge."""
    is_reached = np.zeros(flat.count + 1, np.bool_)
    is_reached[flat.of[spread(~mask, 1, 0) | spread(~mask, 0, 1)]] = True
    return is_reached


def _floors(solid: Bools, flat: Labels) -> Bools:
    """Tell of each tone whether it lies on the floor: wide, round, and with no ink below it."""
    boxes = flat.boxes()
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    is_oval = (wide >= _FLATTER * high) & (_corners(flat) <= _CORNERS)
    return np.concatenate(([False], is_oval & (_carried(solid, flat) < _OWN_SHARE)))


def _corners(flat: Labels) -> Ints:
    """Return how many corners of its box each tone has."""
    left, top, right, bottom = flat.boxes().T
    ends = [(row, column) for row in (top, bottom - 1) for column in (left, right - 1)]
    own = np.arange(1, flat.count + 1)
    found: Ints = np.sum([flat.of[row, column] == own for row, column in ends], axis=0)
    return found


def _carried(solid: Bools, flat: Labels) -> NDArray[np.float64]:
    """Return for each tone how much of its lower edge stands on ink."""
    ends = flat.of > 0
    ends[:-1] &= flat.of[1:] == 0
    inked = np.zeros_like(solid)
    for step in range(1, _RIM + 1):
        inked[:-step] |= solid[step:]
    total = np.bincount(flat.of[ends], minlength=flat.count + 1)[1:]
    on_ink = np.bincount(flat.of[ends & inked], minlength=flat.count + 1)[1:]
    return on_ink / np.maximum(total, 1)
