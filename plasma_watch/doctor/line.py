"""One line of the doctor: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Colour(StrEnum):
    """How it is."""

    GREEN = "green"
    """Good."""
    YELLOW = "yellow"
    """It works without, or nobody can tell."""
    RED = "red"
    """A job would fail or wait for ever."""


@dataclass(frozen=True, slots=True)
class Line:
    """One judgement."""

    colour: Colour
    what: str
    said: str
    repair: str = ""


def green(what: str, said: str) -> Line:
    """Return a good line."""
    return Line(Colour.GREEN, what, said)


def yellow(what: str, said: str, repair: str = "") -> Line:
    """Return a line that is worth knowing."""
    return Line(Colour.YELLOW, what, said, repair)


def red(what: str, said: str, repair: str) -> Line:
    """Return a line that has to be mended."""
    return Line(Colour.RED, what, said, repair)
