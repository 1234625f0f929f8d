"""`python -m plasma_watch`: the same door as the console script."""

from plasma_watch.cli import main

main()
