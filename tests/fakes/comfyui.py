"""Folders that look like ComfyUI's: their `main.py` becomes the sandbox, or fails as told."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from plasma_watch.config import Comfyui
from tests.fakes.engine import closed_port

_BECOMES_THE_SANDBOX = """
import os, sys, time
time.sleep({delay})
port = sys.argv[sys.argv.index("--port") + 1]
print("Starting server", flush=True)
command = [sys.executable, "-m", "plasma_watch.sandbox", "--base", os.getcwd(), "--port", port]
os.execv(sys.executable, [*command, "--seconds-per-step", "{seconds_per_step}"])
"""


class FakeComfyui:
    """One such folder, and the port that it is to listen on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.url = closed_port()
        self.port = int(self.url.rpartition(":")[2])
        self.works()

    def works(self, seconds_per_step: float = 0.01, delay: float = 0.0) -> None:
        """Let it start and work."""
        script = _BECOMES_THE_SANDBOX.format(delay=delay, seconds_per_step=seconds_per_step)
        (self.folder / "main.py").write_text(script, "utf-8")

    def does(self, script: str) -> None:
        """Let it do something else."""
        (self.folder / "main.py").write_text(script, "utf-8")

    def config(self, **keys: object) -> Comfyui:
        """Return the config that has us look after it."""
        known = {"url": self.url, "dir": str(self.folder), "python": sys.executable}
        return Comfyui.model_validate(known | {"manage": True, "required_device": "any"} | keys)

    def processes(self) -> list[psutil.Process]:
        """Return every living process that works in the folder."""
        return [p for p in psutil.process_iter() if _works_in(p, self.folder)]

    def kill(self) -> None:
        """Kill every process of it, and wait until they are dead; their parent hears of it."""
        for process in self.processes():
            process.kill()
        while self.processes():
            time.sleep(0.005)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
