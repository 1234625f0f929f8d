"""What on a sheet is drawn, and what is ground? Pure: colours and a ground in, a mask out.

Shadows are no part of a figure and often join two of them, and so do ruled lines: both are taken
out of the mask. It refuses to know which ink belongs together: that is `figures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plasma_watch.dataset.background import (
    Bools,
    Floats,
    Ground,
    Kind,
    axis,
    farthest,
    summed,
    surface,
)
from plasma_watch.dataset.drift import drift
from plasma_watch.dataset.shadows import is_tone, without_shadows

_LEAST_OFF, _MOST_OFF = 12.0, 48.0
"""A pixel is ink when its colour is so far from the ground's, of 255, as the grain will have it."""
_GRAINS = 5.0
_SEEN_ALPHA, _OPAQUE = 0.25, 0.9
_SMOOTH, _ROUGH = 6.0, 4.0
"""Where neighbours differ by less than this, of 255, or than so many grains, there is no edge."""
_LONG_SHARE, _THIN_SHARE, _BARE_SHARE = 0.25, 0.002, 0.03
"""A ruled line goes over so much of the sheet, is so thin, and so much of it is seen at a time."""
_THINNEST = 3


@dataclass(frozen=True, slots=True)
class Ink:
    """Where something is drawn, and where a line is ruled."""

    drawn: Bools
    ruled: Bools


def ink(pixels: Floats, alpha: Floats | None, ground: Ground) -> Ink:
    """Return what is no ground: colours from 0 to 255, laid on white; alpha from 0 to 1."""
    smooth = _is_smooth(pixels, max(_SMOOTH, _ROUGH * ground.grain))
    below = surface(ground, axis(pixels.shape[1]), axis(pixels.shape[0]))
    if ground.kind is Kind.GRADIENT:
        below = below + drift(pixels - below, smooth)
    if ground.kind is Kind.TRANSPARENT and alpha is not None:
        mask: Bools = alpha > _SEEN_ALPHA
        tone = is_tone(pixels, below) & (alpha < _OPAQUE)
    else:
        limit = min(_MOST_OFF, max(_LEAST_OFF, _GRAINS * ground.grain))
        mask = farthest(np.abs(pixels - below)) > limit
        tone = is_tone(pixels, below) & mask
    mask = without_shadows(mask, tone, smooth, ground.grain)
    ruled = lines(mask)
    return Ink(mask & ~ruled, ruled)


def lines(mask: Bools) -> Bools:
    """Return what is ruled across the sheet: frames, floors, tables, lines of height."""
    thin = max(_THINNEST, round(_THIN_SHARE * max(mask.shape)))
    return _lying(mask, thin) | _lying(mask.T, thin).T


def _lying(mask: Bools, thin: int) -> Bools:
    """Return the pixels of lines along the rows; a figure may stand before a line, and hide it."""
    wide = mask.shape[1]
    down = _runs(mask.T).T
    bare = _runs(mask & (down <= thin))
    lying: Bools = (_runs(mask) >= _LONG_SHARE * wide) & (bare >= _BARE_SHARE * wide)
    return lying


def _is_smooth(pixels: Floats, limit: float) -> Bools:
    grey = summed(pixels) / 3
    step = np.zeros_like(grey)
    for one, other in (
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[1:, :], np.s_[:-1, :]),
    ):
        off = np.abs(grey[one] - grey[other])
        step[one] = np.maximum(step[one], off)
        step[other] = np.maximum(step[other], off)
    smooth: Bools = step < limit
    return smooth


def _runs(mask: Bools) -> NDArray[np.int32]:
    """Return for each pixel how long the run of ink is that it lies in, along its row."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 1), np.bool_)
    padded[:, :-1] = mask
    flat = padded.ravel()
    starts = flat & ~np.concatenate(([False], flat[:-1]))
    number = np.cumsum(starts)
    lengths = np.bincount(number[flat], minlength=int(number[-1]) + 1)
    found = np.where(flat, lengths[number], 0).astype(np.int32)
    return found.reshape(padded.shape)[:, :-1]
