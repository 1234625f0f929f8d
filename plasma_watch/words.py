"""Text from outside, fit to be shown: it steers no terminal and pretends to be no other text.

What people are shown passes here; what programs read is written so that it comes back as it was.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Characters without a face: controls, marks of direction, and what is no character at all."""
_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
_USERINFO = re.compile(r"//[^/\s]*@")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def visible(text: str) -> str:
    """Return a text without the characters that would steer a terminal; lines and tabs stay."""
    return _replaced(text, lambda _: _REPLACEMENT)


def one_line(text: str) -> str:
    """Return a text on one line, without the characters that would steer a terminal."""
    return visible(" ".join(text.split()))


def escaped(text: str) -> str:
    """Return TOML in which such characters are escaped, so that they come back."""
    return _replaced(text, lambda char: f"\\U{ord(char):08x}")


def pasted(verb: str, home: object, name: str) -> str:
    """Return a command about a name of a home, to be pasted wherever a shell stands."""
    dashes = "-- " if name.startswith("-") else ""
    return f"plasma-watch {verb} --home {shlex.quote(str(home))} {dashes}{shlex.quote(name)}"


def counted(count: object, noun: str) -> str:
    """Return a count with its noun: `1 picture`, `2 pictures`, `? steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def without_userinfo(text: str) -> str:
    """Return a text whose addresses name no user and no password."""
    return _USERINFO.sub("//", text)


def _replaced(text: str, replacement: Callable[[str], str]) -> str:
    return _SUSPECT.sub(
        lambda found: (
            replacement(found[0]) if unicodedata.category(found[0]) in _STEERING else found[0]
        ),
        text,
    )
