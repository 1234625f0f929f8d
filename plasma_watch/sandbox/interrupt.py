"""The wish that the running ticket stops; it is granted at the next step or node."""

import threading

from plasma_watch.sandbox.faults import Interrupted


class Interrupt:
    """One flag between two threads."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask whatever runs to stop."""
        self._asked.set()

    def forget(self) -> None:
        """Forget what was asked while nothing ran."""
        self._asked.clear()

    def grant(self) -> None:
        """Stop here if it was asked for."""
        if self._asked.is_set():
            self._asked.clear()
            raise Interrupted
