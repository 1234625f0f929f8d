"""Forks daemons that have their imports already: one line of JSON in, one line out at each death.

In: {"home": …, "environ": {…}, "trap": {…} | null, "record": path | null, "life": {…} | null,
     "meanwhile": {point: path}}
Out: {"code": exit code, negative for a signal, 255 for one that hung}
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch import startup, worker
from plasma_watch.daemon import Options
from plasma_watch.generate import job
from plasma_watch.home import Home
from plasma_watch.intake import inbox
from tests.crash.trap import Spec, Trap

HUNG_SECONDS = 30.0
"""After this a daemon that should have drained the line hangs; never a claim about speed."""
HUNG = 255
QUICK_SECONDS = 0.05
"""What a daemon of the tests waits before it tries again what the disk refused."""


def main() -> None:
    """Serve until standard input ends."""
    Image.preinit()  # what it loads for the first picture, it loads for all daemons
    inbox.RETRY_SECONDS = worker.LOOK_SECONDS = job.WAIT_SECONDS = QUICK_SECONDS
    for line in sys.stdin:
        code = _run(json.loads(line))
        print(json.dumps({"code": code}), flush=True)  # noqa: T201 - the protocol


def _run(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid and order["life"]:
        return _ended(pid, **order["life"])
    if pid:
        return _awaited(pid)
    try:
        code = _daemon(order)
    except BaseException as exc:  # noqa: BLE001 - a child never returns into the server's loop
        print(repr(exc), file=sys.stderr, flush=True)  # noqa: T201 - the test's own log
        code = 70
    os._exit(code)


def _ended(pid: int, seconds: float, *, is_asked: bool) -> int:
    """Let a daemon live for so long, end it, and return how it ended."""
    if not _is_over(pid, seconds):
        os.kill(pid, signal.SIGTERM if is_asked else signal.SIGKILL)
    return _awaited(pid)


def _awaited(pid: int) -> int:
    """Return how a daemon ended, and end it if it never does."""
    is_over = _is_over(pid, HUNG_SECONDS)
    if not is_over:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if is_over else HUNG


def _is_over(pid: int, seconds: float) -> bool:
    fd = os.pidfd_open(pid)
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(fd, selectors.EVENT_READ)
            return bool(waiting.select(seconds))
    finally:
        os.close(fd)


def _daemon(order: dict[str, Any]) -> int:
    """Be a daemon with a trap in it."""
    os.setsid()
    log = os.open(Path(order["home"]) / "stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.environ.update(order["environ"])
    home = Home(Path(order["home"]).resolve())
    spec = Spec(**order["trap"]) if order["trap"] else None
    record = Path(order["record"]) if order["record"] else None
    Trap(home.root, spec, record, order["meanwhile"]).set()
    return startup.run(startup.Start(home, Options(drain=order["life"] is None), os.environ))


if __name__ == "__main__":
    main()
