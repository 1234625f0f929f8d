"""An interrupt is granted once, and not to the next."""

import pytest

from plasma_watch.sandbox.faults import Interrupted
from plasma_watch.sandbox.interrupt import Interrupt


def test_nothing_stops_unasked() -> None:
    """Steps pass freely."""
    Interrupt().grant()


def test_asking_twice_stops_once() -> None:
    """Within one step two wishes are one."""
    interrupt = Interrupt()
    interrupt.ask()
    interrupt.ask()
    with pytest.raises(Interrupted):
        interrupt.grant()

    interrupt.grant()


def test_what_was_asked_while_nothing_ran_is_forgotten() -> None:
    """The next ticket is spared."""
    interrupt = Interrupt()
    interrupt.ask()
    interrupt.forget()

    interrupt.grant()
