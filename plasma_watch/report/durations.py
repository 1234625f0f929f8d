"""How long things take, in as many digits as say something to people. Pure."""

from __future__ import annotations

_TENS, _MINUTE, _HOUR = 9.95, 60, 3600


def pace(seconds: float) -> str:
    """Return seconds per step with as many digits as say something."""
    return f"{seconds:.2f}" if seconds < _TENS else f"{seconds:.0f}"


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
