"""Starts the sandbox as a child of `run --sandbox`; it ends with its parent, however that ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from plasma_watch.config import Config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home

_STOP_SECONDS = 2


@contextmanager
def started(home: Home, config: Config) -> Iterator[str]:
    """Start the stand-in engine on a free port and yield its address.

    Raises PlasmaError `engine.unreachable` when it does not start.
    """
    home.sandbox.mkdir(parents=True, exist_ok=True)
    with (home.private / "sandbox.log").open("ab") as log:
        child = subprocess.Popen(
            _command(home, config),
            stdin=subprocess.PIPE,  # its end tells the child that we have died
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield _address(child, home)
    finally:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()


def _command(home: Home, config: Config) -> list[str]:
    seconds = str(config.sandbox.seconds_per_step)
    options = ["--base", str(home.sandbox), "--port", "0", "--seconds-per-step", seconds]
    return [sys.executable, "-m", "plasma_watch.sandbox", *options, "--previews", "--with-parent"]


def _address(child: subprocess.Popen[bytes], home: Home) -> str:
    line = child.stdout.readline() if child.stdout else b""
    try:
        return str(json.loads(line)["url"])
    except (ValueError, KeyError, TypeError) as exc:
        raise PlasmaError(
            Code.ENGINE_UNREACHABLE,
            "the sandbox engine did not start",
            f"It needs the extra: pip install 'plasma-watch[sandbox]'. "
            f"{home.private / 'sandbox.log'} says more.",
        ) from exc
