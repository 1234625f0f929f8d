"""`python -m plasma_watch.sandbox --base DIR`: one sandbox in a process of its own."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from plasma_watch.sandbox.mischief.script import parse
from plasma_watch.sandbox.server import serve
from plasma_watch.sandbox.settings import Settings


def settings_of(arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m plasma_watch.sandbox", description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="made if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seconds-per-step", type=float, default=0.05)
    parser.add_argument("--with-parent", action="store_true", help="end when stdin ends")
    parser.add_argument("--previews", action="store_true", help="send a picture with each step")
    parser.add_argument(
        "--fault", type=parse, action="append", default=[], dest="faults", help="docs/sandbox.md"
    )
    given = parser.parse_args(arguments)
    given.faults = tuple(given.faults)
    return Settings(**vars(given))


if __name__ == "__main__":
    serve(settings_of())
