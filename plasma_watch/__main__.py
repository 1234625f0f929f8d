"""`python -m plasma_watch`: the same door as the console script."""

import os
import signal
import sys

if sys.argv[1:2] == ["run"]:
    # From the first moment a stop is a good end: launchd takes a death by signal for a crash.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from plasma_watch.cli import main

main()
