"""A long random run: requests of all sorts, while daemon and engine are killed, then a count.

`plan` draws what is to happen in a round, `play` lets it happen, `count` looks what came of it. Run
it by `make proof`; it can be interrupted, and goes on with the next round.
"""
