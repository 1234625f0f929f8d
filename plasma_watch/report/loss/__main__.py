"""`python -m plasma_watch.report.loss PNG`: draw the losses on standard input, whole or not at all.

Standard input is JSON: `{"name": "spyke", "points": [[1, 0.14], …], "epochs": [100, 200]}`.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

from plasma_watch.report.loss import Losses
from plasma_watch.report.loss.drawing import png
from plasma_watch.system.files import write_whole

LIMIT_SECONDS = 120
"""How long this program lives, whether or not somebody still waits for it."""


def main() -> None:
    """Draw once."""
    signal.alarm(LIMIT_SECONDS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("png", type=Path)
    write_whole(parser.parse_args().png, png(_told(sys.stdin.buffer.read())))


def _told(text: bytes) -> Losses:
    told = json.loads(text)
    points = tuple((int(step), float(loss)) for step, loss in told["points"])
    return Losses(str(told["name"]), points, tuple(map(int, told.get("epochs", ()))))


if __name__ == "__main__":
    main()
