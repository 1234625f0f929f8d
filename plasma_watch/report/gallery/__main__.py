"""`python -m plasma_watch.report.gallery --home DIR --output DIR --loras DIR [--job ID]…`.

Brings a gallery up to date once: for the jobs that are named, or as a whole.
"""

import argparse
import os
import sys
from pathlib import Path

from plasma_watch.errors import PlasmaError
from plasma_watch.home import Home
from plasma_watch.report.gallery.update import Place, update

NICE = 10
"""Everybody else goes first."""


def main() -> int:
    """Work once; return the exit code."""
    os.nice(NICE)
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--home", "--output", "--loras"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--job", action="append", default=[])
    asked = parser.parse_args()
    place = Place(Home(asked.home), asked.output, asked.loras)
    try:
        update(place, asked.job or None)
    except (PlasmaError, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
