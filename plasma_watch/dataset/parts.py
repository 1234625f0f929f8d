"""Connected parts of a mask, told apart and measured. Pure; arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plasma_watch.dataset.background import Bools

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labels:
    """The parts of a mask: each pixel's number, from 1; 0 is what is outside."""

    of: Ints
    count: int

    def boxes(self) -> Ints:
        """Return left, top, right, bottom of every part; right and bottom lie outside."""
        boxes = np.zeros((self.count, 4), np.int64)
        if not self.count:
            return boxes
        rows, columns = np.nonzero(self.of)
        number = self.of[rows, columns] - 1
        boxes[:, 0], boxes[:, 1] = self.of.shape[1], self.of.shape[0]
        np.minimum.at(boxes[:, 0], number, columns)
        np.minimum.at(boxes[:, 1], number, rows)
        np.maximum.at(boxes[:, 2], number, columns + 1)
        np.maximum.at(boxes[:, 3], number, rows + 1)
        return boxes

    def areas(self) -> Ints:
        """Return how many pixels every part has."""
        return np.bincount(self.of.ravel(), minlength=self.count + 1)[1:]


def label(mask: Bools) -> Labels:
    """Give a number to each part of a mask that hangs together by the sides of its pixels.

    Pixels in a row form runs, and runs that touch in the row below join: there are far fewer of
    them than pixels.
    """
    padded = np.zeros((mask.shape[0], mask.shape[1] + 1), np.bool_)
    padded[:, :-1] = mask
    flat = padded.ravel()
    before = np.concatenate(([False], flat[:-1]))
    starts, ends = np.flatnonzero(flat & ~before), np.flatnonzero(~flat & before)
    parents = _joined(starts, ends, padded.shape[1])
    names, number = np.unique(parents, return_inverse=True)
    of = np.zeros(flat.shape, np.int64)
    of[flat] = np.repeat(number + 1, ends - starts)
    return Labels(of.reshape(padded.shape)[:, :-1], len(names))


def _joined(starts: Ints, ends: Ints, width: int) -> Ints:
    """Return for each run the first of all that it hangs together with."""
    first = np.searchsorted(ends, starts + width, "right")
    last = np.searchsorted(starts, ends + width, "left")
    many = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), many)
    behind = np.arange(len(upper)) - np.repeat(np.cumsum(many) - many, many)
    lower = np.repeat(first, many) + behind
    parents = np.arange(len(starts))
    while True:
        one, other = parents[upper], parents[lower]
        if (one == other).all():
            return parents
        least = np.minimum(one, other)
        np.minimum.at(parents, one, least)
        np.minimum.at(parents, other, least)
        parents = _rooted(parents)


def _rooted(parents: Ints) -> Ints:
    while (parents[parents] != parents).any():
        parents = parents[parents]
    return parents


def spread(mask: Bools, across: int, down: int) -> Bools:
    """Let a mask grow by so many pixels to the left and right, up and down."""
    return _grown(_grown(mask, across).T, down).T


def _grown(mask: Bools, reach: int) -> Bools:
    """Grow along the rows: a pixel is inside when any within reach is."""
    wide = np.pad(mask, ((0, 0), (reach + 1, reach)))
    sums = np.cumsum(wide, axis=1, dtype=np.int32)
    grown: Bools = sums[:, 2 * reach + 1 :] > sums[:, : -(2 * reach + 1)]
    return grown
