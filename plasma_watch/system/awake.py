"""Keeps the machine from falling asleep while a job runs, and no longer.

The display may sleep: on a Mac that even helps the GPU. Where there is no tool for it, nothing is
done; a closed lid wins in any case.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

_END_SECONDS = 5


class Awake:
    """Holds off idle sleep by a tool of the platform. Its state: whether that is missing."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._is_missing = not command

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the machine awake for the length of a block."""
        tool = self._started()
        try:
            yield
        finally:
            if tool:
                _end(tool)

    def _started(self) -> subprocess.Popen[bytes] | None:
        if self._is_missing:
            return None
        null = subprocess.DEVNULL
        try:
            return subprocess.Popen(self._command, stdin=null, stdout=null, stderr=null)
        except OSError as exc:
            log.warning("the machine may fall asleep: %s: %s", self._command[0], exc.strerror)
            self._is_missing = True
            return None


def _end(tool: subprocess.Popen[bytes]) -> None:
    tool.terminate()
    try:
        tool.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        tool.kill()
        tool.wait()
