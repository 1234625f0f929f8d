"""Has the losses of a training drawn, in a short-lived program of its own.

    __init__   what is drawn, and who has it drawn: all that the daemon loads
    __main__   the program: `python -m plasma_watch.report.loss PNG`, with the losses as JSON on
               standard input; it ends itself when it takes too long
    drawing    the picture (curve: the numbers in it); the one place with a plotting library

A picture that could not be drawn is missing, or the one before is still there: nobody waits for
it longer than `WAIT_SECONDS`, and nothing that goes wrong with it is an error of anybody else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

WAIT_SECONDS = 60.0
"""How long the last picture is waited for; without it the LoRA is as good."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What is drawn."""

    name: str
    """Of the LoRA: the title."""
    points: tuple[tuple[int, float], ...]
    """Step and loss."""
    epochs: tuple[int, ...] = ()
    """The steps at which epochs ended, the first one's first."""


class LossPicture:
    """The picture of one training; its state is the program that draws it just now."""

    def __init__(self, png: Path, cache: Path | None = None) -> None:
        """Take the picture's place, and a folder where the library may keep what it found out."""
        self._command = [sys.executable, "-m", "plasma_watch.report.loss", str(png)]
        self._environment = os.environ | ({"MPLCONFIGDIR": str(cache)} if cache else {})
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def is_drawing(self) -> bool:
        """Tell whether it is being drawn."""
        return self._child is not None and self._child.poll() is None

    def draw(self, losses: Losses) -> bool:
        """Begin to draw and wait for nothing; tell whether it has begun.

        It has not when the picture before is still being drawn, or no program can be started.
        """
        if self.is_drawing:
            return False
        try:
            # A file, not a pipe: whoever writes into a pipe waits until the library is loaded.
            with tempfile.TemporaryFile() as told:
                told.write(json.dumps(asdict(losses)).encode())
                told.seek(0)
                self._child = self._start(told.fileno())
        except OSError:
            return False
        return True

    def finish(self, seconds: float = WAIT_SECONDS) -> bool:
        """Wait for what is being drawn, but not for ever; tell whether it was drawn."""
        if self._child is None:
            return False
        try:
            return self._child.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self.stop()
            return False

    def stop(self) -> None:
        """End what is being drawn."""
        if self._child is not None and self.is_drawing:
            self._child.kill()
            self._child.wait()

    def _start(self, told: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=told,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
