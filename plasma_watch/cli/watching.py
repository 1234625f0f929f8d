"""`status --watch`: looks at a home again and again, and shows what it sees. A thin loop."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from plasma_watch.cli.common import is_terminal
from plasma_watch.home import Home
from plasma_watch.job import ENDS, State
from plasma_watch.report.screen.glyphs import ASCII, BLOCKS, Glyphs
from plasma_watch.report.screen.layout import Room, draw
from plasma_watch.report.screen.news import news
from plasma_watch.report.screen.scene import Eye, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 0.5
"""How often the files are looked at."""


def watch(home: Home, name: str | None) -> int:
    """Show a home until Ctrl-C, or one job until it has ended; return the exit code."""
    console = Console(highlight=False)
    eye = Eye(home, name)
    is_screen = is_terminal() and not console.is_dumb_terminal
    try:
        return _on_screen(eye, console) if is_screen else _in_lines(eye)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush
        return 0


def _on_screen(eye: Eye, console: Console) -> int:
    glyphs = glyphs_for(console.encoding)
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show(scene: Scene) -> None:
            lines = draw(scene, Room(*console.size, glyphs))
            live.update(Text("\n", no_wrap=True).join(lines), refresh=True)

        return _until_ended(eye, show)


def _in_lines(eye: Eye) -> int:
    glyphs = glyphs_for(sys.stdout.encoding)
    before: list[Scene] = []

    def show(scene: Scene) -> None:
        for line in news(before[-1] if before else None, scene, glyphs):
            print(line, flush=True)  # noqa: T201 - this is what it is for
        before[:] = [scene]

    return _until_ended(eye, show)


def _until_ended(eye: Eye, show: Callable[[Scene], None]) -> int:
    while True:
        scene = eye.look()
        show(scene)
        if scene.is_one and scene.job.get("state") in ENDS:
            return 0 if scene.job["state"] == State.DONE else 1
        if not is_read(sys.stdout.fileno()):
            raise BrokenPipeError
        time.sleep(LOOK_SECONDS)


def is_read(fd: int) -> bool:
    """Tell whether somebody may still read what is written to a pipe."""
    pipe = select.poll()
    pipe.register(fd, 0)
    return not pipe.poll(0)


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return what an output can show."""
    return BLOCKS if (encoding or "").lower().startswith("utf") else ASCII
