"""One run of the stand-in for `train_network.py`: as a module, or by its path, as a script.

python -m plasma_watch.sandbox.trainer --config_file train.toml
python …/plasma_watch/sandbox/trainer/__main__.py --config_file train.toml
"""

import os
import sys
from pathlib import Path

if not __package__:  # run by its path: then Python looks for modules here, where none should be
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from plasma_watch.sandbox.trainer import options, run
from plasma_watch.sandbox.trainer.console import Console
from plasma_watch.sandbox.trainer.faults import FaultError
from plasma_watch.sandbox.trainer.mischief import Mischief
from plasma_watch.sandbox.trainer.surroundings import surroundings_of


def main() -> None:
    """Run once; errors leave as Python shows them, and so does the exit code."""
    try:
        around = surroundings_of(os.environ)
    except FaultError as exc:
        print(f"{options.PROGRAM}: error: {exc}", file=sys.stderr)  # noqa: T201 - as argparse does
        raise SystemExit(2) from exc
    mischief = Mischief(around.faults, around.spent)
    mischief.at("imports")
    console = Console()
    run.train(options.read(sys.argv[1:], console), console, around, mischief)


if __name__ == "__main__":
    main()
