"""A real terminal of a given size, in tmux: a program runs in it, its screen is read."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence

import pytest

TMUX = shutil.which("tmux")
PATIENCE_SECONDS = 60.0
"""When a test gives up; never a claim about speed."""
_TICK_SECONDS = 0.05

needs_tmux = pytest.mark.skipif(
    TMUX is None, reason="there is no tmux to look into (Debian, Ubuntu: the package 'tmux')"
)


class Terminal:
    """One tmux server with one window. Its state: the name of its socket."""

    def __init__(self, socket: str, width: int, height: int, command: Sequence[str]) -> None:
        self._socket = socket
        size = ("-x", str(width), "-y", str(height))
        # The shell stays behind the program, so that its last screen and exit code can be read.
        line = " ".join(_quoted(word) for word in command) + "; echo exit=$?; exec cat"
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, line)

    def _tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        command = [TMUX, "-L", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def screen(self, *, with_colours: bool = False) -> str:
        """Return what is on the screen."""
        return self._tmux("capture-pane", "-p", *(["-e"] if with_colours else []))

    def until(self, is_there: Callable[[str], bool]) -> str:
        """Wait until the screen shows something, and return it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if is_there(screen := self.screen()):
                return screen
            time.sleep(_TICK_SECONDS)
        pytest.fail(f"it never came; the screen is:\n{self.screen()}")

    def press(self, key: str) -> None:
        """Press a key, as `C-c`."""
        self._tmux("send-keys", key)

    def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def close(self) -> None:
        """End the server, and what runs in it."""
        self._tmux("kill-server")


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
