"""A gradient that is no polynomial is followed where it is seen."""

from __future__ import annotations

import numpy as np

from plasma_watch.dataset.background import Floats
from plasma_watch.dataset.drift import drift


def off(size: int, level: float) -> Floats:
    """Return a residual of one level everywhere."""
    return np.full((size, size, 3), level, np.float32)


def test_drift_is_what_the_ground_shows() -> None:
    """Where it is smooth and reaches the edge."""
    found = drift(off(96, 9), np.ones((96, 96), np.bool_))

    assert np.allclose(found, 9)


def test_a_figures_inside_tells_nothing() -> None:
    """When edges part it from the ground, its own colour bends nothing."""
    residual = off(96, 2)
    residual[30:60, 30:60] = 30
    smooth = np.ones((96, 96), np.bool_)
    smooth[28:62, [28, 29, 60, 61]] = False
    smooth[[28, 29, 60, 61], 28:62] = False

    assert np.allclose(drift(residual, smooth), 2)


def test_too_far_is_no_ground() -> None:
    """A sheet that shows none keeps its surface as it is."""
    assert np.allclose(drift(off(96, 80), np.ones((96, 96), np.bool_)), 0)


def test_drift_changes_smoothly() -> None:
    """From block to block, without a step."""
    slope = np.linspace(0, 20, 96, dtype=np.float32)
    residual = np.repeat(np.repeat(slope[None, :, None], 96, axis=0), 3, axis=2)

    found = drift(residual, np.ones((96, 96), np.bool_))

    assert float(np.abs(np.diff(found[:, :, 0], axis=1)).max()) < 1
    assert float(np.abs(found - residual).max()) < 1
