"""The config as a daemon has it that works with the stand-ins: for its start, and for `check`."""

from __future__ import annotations

import sys

from plasma_watch.config import Config
from plasma_watch.home import Home
from plasma_watch.train.trainer import STAND_IN


def with_sandbox(config: Config, url: str, home: Home) -> Config:
    """Return the config for work with the stand-in engine and the stand-in trainer."""
    comfyui = config.comfyui.model_copy(
        update={
            "url": url,
            "dir": str(home.sandbox),
            "manage": False,
            "required_device": "any",
        }
    )
    kohya = config.kohya.model_copy(
        update={"script": str(STAND_IN), "python": sys.executable, "required_device": "any"}
    )
    disk = config.disk.model_copy(update={"reserve_gb": 0.0})
    return config.model_copy(update={"comfyui": comfyui, "kohya": kohya, "disk": disk})
