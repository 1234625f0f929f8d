"""How hard the system presses processes for memory, in words that every platform shares."""

from enum import IntEnum


class Pressure(IntEnum):
    """The second signal beside the free bytes."""

    NORMAL = 1
    WARN = 2
    CRITICAL = 4
