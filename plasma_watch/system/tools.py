"""Asks a tool of the system something: for a bounded time, with no input, never raising.

Tools are found on PATH; under launchd that is the PATH of our own plist.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said; `code` is None when it could not be asked, and `err` says why."""

    code: int | None
    out: str = ""
    err: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the tool was there and ended well."""
        return self.code == 0


def ask(command: Sequence[str], seconds: float = SECONDS) -> Answer:
    """Run a tool and return what it said; one that hangs is ended."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return Answer(None, err=f"{command[0]} did not answer within {seconds:g} s")
    except (OSError, ValueError) as exc:
        said = exc.strerror if isinstance(exc, OSError) else str(exc)
        return Answer(None, err=f"{command[0]} cannot be run: {said}")
    return Answer(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(said: bytes) -> str:
    return said.decode(errors="replace")
