"""The kind of axes, of which only the name is asked for."""


class Axes:
    """None are made."""
