"""What can go wrong in a node, under the name that a client of the real engine reads."""


class Interrupted(Exception):  # noqa: N818 - it is a wish that was granted, not an error
    """The running ticket was asked to stop."""


class ReportedError(Exception):
    """A fault of a node that the real engine reports under another type than ours."""

    def __init__(self, reported_as: str, message: str) -> None:
        super().__init__(message)
        self.reported_as = reported_as


def reported_type(fault: BaseException) -> str:
    """Name a fault as the engine names it: built-in types bare, all others with their module."""
    if isinstance(fault, ReportedError):
        return fault.reported_as
    kind = type(fault)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
