"""What somebody wants of the pictures that are made. Values only: the command line offers them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plasma_watch.dataset.buckets import Buckets

MOST_ENLARGED = 2.0
"""How much a crop may be enlarged, if nobody says otherwise: the gate warns of more, too."""


class Mirror(StrEnum):
    """Which pictures get a mirrored copy."""

    NONE = "none"
    SOME = "some"
    """Those of figures whose box says `mirror = true`."""
    ALL = "all"


class Fit(StrEnum):
    """The shape that crops are fitted to."""

    BUCKETS = "buckets"
    """The nearest bucket of the trainer."""
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of every sheet."""

    buckets: Buckets
    trigger: str
    said: str = ""
    """What every caption says besides."""
    heads: float = 0
    most_enlarged: float = MOST_ENLARGED
    fit: Fit = Fit.BUCKETS
    mirror: Mirror = Mirror.NONE
    is_touched: bool = False
