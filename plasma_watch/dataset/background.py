"""What ground do the figures of a sheet stand on? Pure: colours of a small copy in, a ground out.

A ground is a surface: each channel of its colour is a polynomial over the sheet, so that paper, a
tint, a slope and a vignette are one thing, and can be painted on beyond the edge. It is estimated
from the border and then from all that agrees with it, so that figures which touch the edge do not
spoil it; the simplest surface that explains the border wins. It refuses to know what stands on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Colour = tuple[int, int, int]

_RING_SHARE = 0.03
"""How much of the shorter side the border is."""
_NEAR = 12.0
"""A colour so near the surface, of 255, agrees with it while the grain is not known."""
_TIGHT, _GRAINS = 4.0, 3.0
"""When the grain is known: what agrees is so near, or so many times the grain if that is more."""
_PLAIN_SHARE = 0.4
"""At least so much of the border agrees with a plain ground."""
_SIMPLER_SHARE = 0.96
"""A simpler surface wins when it explains so much of what the best one explains."""
_TERMS = (1, 3, 6, 15)
"""How many terms a flat ground, a plane, a bowl and a vignette have."""
_POWERS = tuple((whole - n, n) for whole in range(5) for n in range(whole + 1))
"""The powers of x and y in each term, the simplest first."""
_TURNS = 6
_TRIMMED = 0.6
"""The share of the border that a first fit is made to: what agrees best."""
_FEW_PIXELS = 4_000
"""A fit looks at so many pixels of the border, and of the rest, at most; more change nothing."""
_WHITE = 246
_SLOPING = 10.0
"""From so much difference on, of 255, between two places a ground counts as a gradient."""
_SEEN = 0.06
"""What is less opaque than this share is not seen."""


class Kind(StrEnum):
    """What a ground is, in a word."""

    WHITE = "white"
    TINTED = "tinted"
    GRADIENT = "gradient"
    TRANSPARENT = "transparent"
    NONE = "none"
    """There is no plain one: the picture reaches to its edges."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground: its kind, its colour in the middle, and how that changes over the sheet."""

    kind: Kind
    colour: Colour
    slopes: tuple[tuple[float, ...], ...]
    """For each channel the coefficients of 1, x, y, x², xy, y², …; x and y go from -1 to 1."""
    grain: float
    """How far the ground's own pixels stray from the surface, as a standard deviation."""

    @property
    def is_plain(self) -> bool:
        """Tell whether figures can be told from it."""
        return self.kind is not Kind.NONE


def estimate(pixels: Floats, alpha: Floats | None = None) -> Ground:
    """Return the ground of a picture: height x width x 3 colours from 0 to 255, alpha 0 to 1."""
    ring = _ring(pixels.shape[:2])
    if alpha is not None and float((alpha[ring] < _SEEN).mean()) >= _PLAIN_SHARE:
        return Ground(Kind.TRANSPARENT, (255, 255, 255), ((255.0,),) * 3, 0)
    look = _Look.at(pixels, ring)
    fits = [look.fit(count) for count in _TERMS]
    near = min(look.near(fit) for fit in fits)
    explained = [look.explained(fit, near) for fit in fits]
    best = max(explained)
    chosen = next(n for n, share in enumerate(explained) if share >= _SIMPLER_SHARE * best)
    return _named(fits[chosen], best, look.grain(fits[chosen]))


def surface(ground: Ground, x: Floats, y: Floats) -> Floats:
    """Return the ground's colours at columns x and rows y, each from -1 to 1 over the sheet.

    Beyond the sheet it goes on as it is at the edge.
    """
    slopes = np.array(ground.slopes, np.float32).T
    across, down = np.clip(x, -1, 1), np.clip(y, -1, 1)
    found = np.zeros((len(y), len(x), 3), np.float32)
    for (right, below), slope in zip(_POWERS, slopes, strict=False):
        found += np.outer(down**below, across**right)[..., None] * slope
    return np.clip(found, 0, 255, out=found)


def farthest(off: Floats) -> Floats:
    """Return the largest of the three channels; numpy is slow along an axis so short."""
    found: Floats = np.maximum(np.maximum(off[..., 0], off[..., 1]), off[..., 2])
    return found


def summed(colours: Floats) -> Floats:
    """Return the sum of the three channels, for the same reason one by one."""
    found: Floats = colours[..., 0] + colours[..., 1] + colours[..., 2]
    return found


def axis(length: int) -> Floats:
    """Return where the pixels of a row or column lie, from -1 to 1."""
    return np.linspace(-1, 1, length, dtype=np.float32)


def _named(slopes: Floats, share: float, grain: float) -> Ground:
    table = tuple(tuple(float(value) for value in channel) for channel in slopes.T)
    ground = Ground(Kind.NONE, (0, 0, 0), table, grain)
    told = surface(ground, axis(5), axis(5))
    spread = float((told.max(axis=(0, 1)) - told.min(axis=(0, 1))).max())
    red, green, blue = (round(float(value)) for value in told[2, 2])
    if share < _PLAIN_SHARE:
        kind = Kind.NONE
    elif spread > _SLOPING:
        kind = Kind.GRADIENT
    else:
        kind = Kind.WHITE if min(red, green, blue) >= _WHITE else Kind.TINTED
    return Ground(kind, (red, green, blue), table, grain)


def _ring(size: tuple[int, ...]) -> Bools:
    height, width = size
    wide = max(1, round(min(size) * _RING_SHARE))
    ring = np.ones((height, width), np.bool_)
    ring[wide : height - wide, wide : width - wide] = False
    return ring


def _terms(x: Floats, y: Floats) -> Floats:
    """Return every product of powers of places x, y up to the fourth degree."""
    across, down = ([np.ones_like(side), side] for side in (x, y))
    for _ in range(3):
        across.append(across[-1] * x)
        down.append(down[-1] * y)
    return np.stack([across[right] * down[below] for right, below in _POWERS], axis=-1)


@dataclass(frozen=True, slots=True)
class _Look:
    """The pixels that a ground is sought in: some of the sheet's, and some of its border's."""

    colours: Floats
    terms: Floats
    border: Bools

    @classmethod
    def at(cls, pixels: Floats, ring: Bools) -> _Look:
        border = ring.ravel()
        some = np.concatenate([_some(np.flatnonzero(part)) for part in (border, ~border)])
        rows, columns = np.unravel_index(some, ring.shape)
        terms = _terms(axis(ring.shape[1])[columns], axis(ring.shape[0])[rows])
        return cls(pixels.reshape(-1, 3)[some], terms, border[some])

    def fit(self, count: int) -> Floats:
        """Return the surface of so many terms that explains most."""
        slopes = self._first(count)
        for turn in range(_TURNS):
            near = _NEAR if turn < _TURNS // 2 else self.near(slopes)
            inside = self._off(slopes) < near
            if int(inside.sum()) < 50 * count:
                break
            slopes = _fitted(self.colours[inside], self.terms[inside], count)
        return slopes

    def explained(self, slopes: Floats, near: float) -> float:
        """Return the share of the border that a surface explains."""
        return float((self._off(slopes)[self.border] < near).mean())

    def grain(self, slopes: Floats) -> float:
        """Return the standard deviation of what agrees with a surface."""
        off = self._off(slopes)
        inside = off[self.border & (off < _NEAR)]
        return float(np.median(inside)) / 0.67 if inside.size else 0.0

    def near(self, slopes: Floats) -> float:
        """Return how near a pixel is that agrees with a surface of its grain."""
        return min(_NEAR, max(_TIGHT, _GRAINS * self.grain(slopes)))

    def _off(self, slopes: Floats) -> Floats:
        return farthest(np.abs(self.colours - self.terms[:, : len(slopes)] @ slopes))

    def _first(self, count: int) -> Floats:
        """Return a surface fitted to that part of the border which agrees best with it."""
        colours, terms = self.colours[self.border], self.terms[self.border]
        if count == 1:
            return _commonest(colours)
        kept = np.arange(len(colours))
        for _ in range(_TURNS):
            slopes = _fitted(colours[kept], terms[kept], count)
            off = farthest(np.abs(colours - terms[:, :count] @ slopes))
            kept = np.argsort(off, kind="stable")[: max(count, int(len(off) * _TRIMMED))]
        return slopes


def _some(places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[:: max(1, -(-len(places) // _FEW_PIXELS))]


def _commonest(colours: Floats) -> Floats:
    coarse = (colours // 8).astype(np.int32)
    keys = (coarse[:, 0] * 32 + coarse[:, 1]) * 32 + coarse[:, 2]
    found, counts = np.unique(keys, return_counts=True)
    median: Floats = np.median(colours[keys == found[counts.argmax()]], axis=0)
    return median[None, :]


def _fitted(colours: Floats, terms: Floats, count: int) -> Floats:
    few = terms[:, :count].astype(np.float64)
    slopes = np.linalg.solve(few.T @ few + np.eye(count) * 1e-6, few.T @ colours)
    return slopes.astype(np.float32)
