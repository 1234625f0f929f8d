"""Plasma Watch: a folder that makes pictures.

A request file dropped in the inbox walks through the house in one direction:

    inbox -> intake (whole? valid?) -> line (whose turn?) -> gate (enough memory?)
          -> generate (the engine works) -> outputs (picture + manifest) -> done/

`docs/architecture.md` is the map; each package's docstring is its room's.
"""

__version__ = "0.1.0"
