"""How far does a gradient stray from the surface that it was taken for? Pure.

Not every slope that people draw is a polynomial. What is smooth and reaches the sheet's edge is
ground; block by block it tells how far off the surface is there, and blocks that figures hide take
the mean of their neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plasma_watch.dataset.background import Bools, Floats, farthest
from plasma_watch.dataset.parts import label

_BLOCKS = 24
_FARTHEST = 40.0
"""So far may a gradient stray from its surface, of 255."""
_SEEN_SHARE = 0.05
"""A block of which so much is ground tells of it."""


def drift(off: Floats, smooth: Bools) -> Floats:
    """Return by how much the seen ground strays from its surface, block by block, smoothly."""
    height, width = off.shape[:2]
    seen = _reaching_the_edge(smooth & (farthest(np.abs(off)) < _FARTHEST))
    rows = np.linspace(0, height, _BLOCKS + 1, dtype=int)
    columns = np.linspace(0, width, _BLOCKS + 1, dtype=int)
    blocks = np.full((_BLOCKS, _BLOCKS, 3), np.nan, np.float32)
    for r in range(_BLOCKS):
        for c in range(_BLOCKS):
            part = np.s_[rows[r] : rows[r + 1], columns[c] : columns[c + 1]]
            if seen[part].size and seen[part].mean() > _SEEN_SHARE:
                blocks[r, c] = np.median(off[part][seen[part]], axis=0)
    return _blown_up(_filled(blocks), height, width)


def _reaching_the_edge(mask: Bools) -> Bools:
    """Return the parts of a mask that touch the sheet's edge: no figure's inside is among them."""
    parts = label(mask)
    edge = np.concatenate((parts.of[0], parts.of[-1], parts.of[:, 0], parts.of[:, -1]))
    is_outer = np.zeros(parts.count + 1, np.bool_)
    is_outer[edge] = True
    is_outer[0] = False
    return is_outer[parts.of]


def _filled(blocks: Floats) -> Floats:
    """Give blocks without ground the mean of their neighbours, from the rim inwards."""
    while (empty := np.isnan(blocks[..., 0])).any():
        if empty.all():
            return np.zeros_like(blocks)
        known = np.pad(np.where(empty[..., None], 0, blocks), ((1, 1), (1, 1), (0, 0)))
        count = np.pad(~empty, 1)[..., None].astype(np.float32)
        sums, counts = (_around(each) for each in (known, count))
        fill = empty & (counts[..., 0] > 0)
        blocks = np.where(fill[..., None], sums / np.maximum(counts, 1), blocks)
    return blocks


def _around(padded: Floats) -> Floats:
    """Return the sum of each block's four neighbours."""
    around: Floats = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return around


def _blown_up(blocks: Floats, height: int, width: int) -> Floats:
    """Return blocks as a smooth surface of a size."""
    rows = _between(height)
    columns = _between(width)
    tall = np.stack([_interpolated(rows, blocks[:, c]) for c in range(_BLOCKS)], axis=1)
    return np.stack(
        [
            np.stack([np.interp(columns, np.arange(_BLOCKS), row) for row in tall[..., channel]])
            for channel in range(3)
        ],
        axis=-1,
    ).astype(np.float32)


def _between(length: int) -> NDArray[np.float64]:
    return (np.arange(length) + 0.5) / length * _BLOCKS - 0.5


def _interpolated(places: NDArray[np.float64], values: Floats) -> NDArray[np.float64]:
    known = np.arange(_BLOCKS)
    return np.stack([np.interp(places, known, values[:, c]) for c in range(3)], axis=-1)
