"""What befalls a ticket at a step, and the thread that runs tickets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from plasma_watch.sandbox.faults import Interrupted
from plasma_watch.sandbox.interrupt import Interrupt
from plasma_watch.sandbox.mischief.script import Script
from plasma_watch.sandbox.tickets import Tickets

TICK_SECONDS = 0.01
_WAKER = (
    "import os, select, signal, sys\n"
    "is_over, _, _ = select.select([0], [], [], float(sys.argv[2]))\n"
    "is_over or os.kill(int(sys.argv[1]), signal.SIGCONT)\n"
)
"""Wakes a process after a time, unless standard input ends before: then it is dead."""


def at_step(script: Script, interrupt: Interrupt, forget: Callable[[], None]) -> None:
    """Let happen what was told to happen at this step of a sampler."""
    if script.strikes("die"):
        die()
    if fault := script.strikes("half-open"):
        stop_for(fault.number)
    if script.strikes("out-of-memory"):
        raise RuntimeError("MPS backend out of memory (sandbox: it was told to say so)")
    if script.strikes("stall"):
        _stall(interrupt)
    if script.strikes("never-ending"):
        threading.Event().wait()
    if script.strikes("forget"):
        forget()
        raise Interrupted


def on_ticket(script: Script, tickets: Tickets) -> None:
    """Let the thread die over a ticket, before or after it took it, if it was told to."""
    if script.strikes("zombie-running"):
        raise RuntimeError("the worker dies over a ticket, as it was told to")
    if script.strikes("zombie-idle"):
        tickets.give_back()
        raise RuntimeError("the worker dies before a ticket, as it was told to")


def timestamp(script: Script) -> object:
    """Return the time as messages tell it: whole milliseconds, or what was told instead."""
    now = time.time()
    if fault := script.strikes("wrong-timestamps"):
        return {"seconds": int(now), "negative": -1, "text": "yesterday"}.get(fault.value)
    return int(now * 1000)


def die() -> None:
    """End this process as the kernel does, in no time and without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop_for(seconds: float) -> None:
    """Stop this whole process, sockets open; another one wakes it."""
    command = [sys.executable, "-S", "-c", _WAKER, str(os.getpid()), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        # To this thread, so that nothing behind this line runs before the process stops.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def _stall(interrupt: Interrupt) -> None:
    while True:
        interrupt.grant()
        time.sleep(TICK_SECONDS)
