"""Does what goes wrong, where it is asked for.

Places report themselves here as the run passes them. What strikes at once (a signal, an error,
silence) is done here; what changes how the run goes on is told to whoever asks.
"""

import builtins
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from plasma_watch.sandbox.trainer.faults import Fault

FOREVER_SECONDS = 1e6
ORPHAN_SECONDS = 600
GARBAGE = b"caf\xe9 \xff\xfe \xf0\x28\x8c\x28\n"
MPS = (
    "MPS backend out of memory (MPS allocated: 15.03 GiB, other allocations: 1.12 GiB, "
    "max allowed: 18.13 GiB). Tried to allocate 720.00 MiB on private pool. Use "
    "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 to disable upper limit for memory allocations "
    "(may cause system failure)."
)
CPU = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 14745600 bytes. Error code 12 (Cannot allocate memory)"
)


class Mischief:
    """Remembers which places were passed, because a fault may want the second or the third."""

    def __init__(self, faults: tuple[Fault, ...], spent: Path | None = None) -> None:
        self._faults = list(enumerate(faults))
        self._spent = spent
        self._passed: Counter[str] = Counter()
        self._lasting: dict[str, Fault] = {}

    def at(self, place: str | int) -> Mapping[str, Fault]:
        """Pass a place: what strikes here is done, and told by its kind."""
        self._passed[str(place)] += 1
        struck = {}
        for number, fault in self._faults:
            if (fault.place, fault.nth) != (str(place), self._passed[str(place)]):
                continue
            if self._spend(f"{number} {fault.kind}@{fault.place}"):
                struck[fault.kind] = self._lasting[fault.kind] = fault
                _DEEDS.get(fault.kind, _nothing)(fault)
        return struck

    def lasts(self, kind: str) -> Fault | None:
        """Tell whether a fault struck already, in this run."""
        return self._lasting.get(kind)

    def _spend(self, name: str) -> bool:
        """Let a fault strike once only, where somebody keeps the book."""
        if self._spent is None:
            return True
        with self._spent.open("a+", encoding="utf-8") as book:
            book.seek(0)
            if name in book.read().splitlines():
                return False
            book.write(f"{name}\n")
        return True


def _nothing(_fault: Fault) -> None:
    """Leave it to whoever asked."""


def _kill(fault: Fault) -> None:
    os.kill(os.getpid(), int(fault.number(signal.SIGKILL)))


def _exit(fault: Fault) -> None:
    os._exit(int(fault.number(0)))


def _stall(fault: Fault) -> None:
    time.sleep(fault.number(FOREVER_SECONDS))


def _crash(fault: Fault) -> None:
    name, _, message = fault.value.partition(":")
    kind = getattr(builtins, name.strip(), None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        raise kind(message.strip())
    raise RuntimeError(fault.value)


def _oom(_fault: Fault) -> None:
    raise RuntimeError(MPS)


def _alloc(_fault: Fault) -> None:
    raise RuntimeError(CPU)


def _deaf(_fault: Fault) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _orphan(fault: Fault) -> None:
    if os.fork():
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(fault.number(ORPHAN_SECONDS))
    os._exit(0)


def _garbage(_fault: Fault) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        stream.buffer.write(GARBAGE)
        stream.flush()


def _say(fault: Fault) -> None:
    sys.stderr.write(f"{fault.value}\n")


_DEEDS: Mapping[str, Callable[[Fault], None]] = {
    "alloc": _alloc,
    "crash": _crash,
    "deaf": _deaf,
    "exit": _exit,
    "garbage": _garbage,
    "kill": _kill,
    "oom": _oom,
    "orphan": _orphan,
    "say": _say,
    "stall": _stall,
}
