"""Where the files lie that travel with the program: config, templates, launchd files, examples.

In an installed package they lie inside it; in a checkout, at its top level.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """Return the path of a shipped file or folder."""
    installed = _PACKAGE / "shipped" / name
    return installed if installed.exists() else _PACKAGE.parent / name
