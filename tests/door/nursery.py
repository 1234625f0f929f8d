"""Starts daemons quickly: forks of one process that has loaded what a daemon loads.

A fork goes through the same front door as `python -m plasma_watch`, with command line, environment,
folder, streams, signals and exit code of its own. What it does not show is that a Python of its own
finds all that it needs, nor what Python itself reads of the environment when it starts (its path,
its locale): that is for the tests that start one.

Asked are lines of JSON, each answered by one: {"start": [argument, …], "environ": {…}, "cwd": …}
with the log's descriptor beside it → {"pid": …}; {"poll": pid} → {"code": …}, null while it lives.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_TICK_SECONDS = 0.005
_MOST_BYTES = 1 << 20


class Nursery:
    """The process that forks; one for all daemons of a test process."""

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = str(theirs.fileno())
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.door.nursery", number],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[2],
            )

    def start(self, arguments: list[str], environ: Mapping[str, str], log: IO[bytes]) -> Fork:
        """Start a command line."""
        order = {"start": arguments, "environ": dict(environ), "cwd": str(Path.cwd())}
        socket.send_fds(self._asking, [json.dumps(order).encode()], [log.fileno()])
        return Fork(self, int(self._answer()["pid"]))

    def poll(self, pid: int) -> int | None:
        """Return the exit code of a fork, or None while it lives."""
        self._asking.send(json.dumps({"poll": pid}).encode())
        code: int | None = self._answer()["code"]
        return code

    def close(self) -> None:
        """End it."""
        self._asking.close()
        self._server.wait()

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._asking.recv(_MOST_BYTES))
        return answer


class Fork:
    """A process as `subprocess` shows it. Its state: the exit code, when that is known."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it lives."""
        if self.returncode is None:
            self.returncode = self._nursery.poll(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("plasma-watch", timeout or 0.0)
            time.sleep(_TICK_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, if it lives."""
        self.send_signal(signal.SIGKILL)


def _serve(asked: socket.socket) -> None:
    """Answer until nobody asks any more; in a fork, return to be what was asked for."""
    while True:
        line, descriptors, *_ = socket.recv_fds(asked, _MOST_BYTES, 1)
        if not line:
            sys.exit()
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            answer = {"code": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            pid = os.fork()
            if not pid:
                _become(order, descriptors[0])
                return
            answer = {"pid": pid}
        for each in descriptors:
            os.close(each)
        asked.send(json.dumps(answer).encode())


def _become(order: dict[str, Any], log: int) -> None:
    """Take over streams, environment, folder and command line."""
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["cwd"])
    sys.argv = ["plasma-watch", *order["start"]]


def main() -> None:
    """Load what a daemon loads, and serve."""
    from plasma_watch import cli, startup  # noqa: F401, PLC0415 - for the forks

    with socket.socket(fileno=int(sys.argv[1])) as asked:
        _serve(asked)
    runpy.run_module("plasma_watch", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
