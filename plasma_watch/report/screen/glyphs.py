"""The characters that the live view draws with: blocks, or what every terminal can show."""

from __future__ import annotations

from dataclasses import dataclass

from plasma_watch.words import one_line


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters."""

    full: str
    empty: str
    levels: str
    """A cell of a plot, from nothing to full."""
    dot: str
    to: str
    encoding: str
    """What a text is held to before it is shown."""

    def plain(self, text: object) -> str:
        """Return a text on one line, without what would steer a terminal or cannot be shown."""
        return one_line(str(text)).encode(self.encoding, "replace").decode(self.encoding)


BLOCKS = Glyphs("█", "░", " ▁▂▃▄▅▆▇█", "·", "→", "utf-8")
ASCII = Glyphs("#", ".", " .:|#", "-", "->", "ascii")
