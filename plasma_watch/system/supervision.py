"""Who runs the services of this user on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from plasma_watch.system.launchd import Launchd
from plasma_watch.system.services import Services
from plasma_watch.system.systemd import Systemd


def services(environ: Mapping[str, str]) -> Services:
    """Return launchd on a Mac, systemd elsewhere."""
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return Launchd(os.getuid(), home)
    named = Path(environ.get("XDG_CONFIG_HOME", ""))
    return Systemd((named if named.is_absolute() else home / ".config") / "systemd" / "user")
