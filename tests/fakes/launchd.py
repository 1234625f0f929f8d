"""A stand-in for launchd and `launchctl`, written from documented facts (docs/launchd.md).

It keeps one agent: RunAtLoad, KeepAlive (true, SuccessfulExit, Crashed; ORed), ThrottleInterval as
the least time between two starts, ExitTimeOut and then SIGKILL for the main process only, one
SIGTERM for the group when that has died, launchd's bare environment, folder, mask and log.
"""

from __future__ import annotations

import contextlib
import os
import plistlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

_CRASHES = {
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGABRT,
    signal.SIGFPE,
    signal.SIGBUS,
    signal.SIGSEGV,
    signal.SIGSYS,
}
"""The ends that count as crashed; SIGKILL is none of them."""


class FakeLaunchd:
    """One agent in one session. Its state: the process, how often it began, how each run ended."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.RLock()
        self._timers: list[threading.Timer] = []
        self.plist: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.began: list[float] = []
        self.ends: list[int] = []
        """The exit codes, as Popen has them: a death by signal is negative."""

    @property
    def is_running(self) -> bool:
        """Whether a process of the agent lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def will_start(self) -> bool:
        """Whether a start is due when the throttle lets it."""
        return any(timer.is_alive() for timer in self._timers)

    def load(self, plist: Mapping[str, Any]) -> None:
        """Take an agent in, and start it if it wants that."""
        with self._lock:
            self.plist = dict(plist)
            if self.plist.get("RunAtLoad") or "SuccessfulExit" in self._keep_alive():
                self.start()

    def start(self) -> None:
        """Start the agent, unless it runs."""
        with self._lock:
            if self.is_running:
                return
            plist = self.plist
            with Path(plist["StandardErrorPath"]).open("ab") as log:
                self.process = subprocess.Popen(
                    plist["ProgramArguments"],
                    cwd=plist.get("WorkingDirectory", "/"),
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    umask=plist.get("Umask", -1),
                    process_group=0,
                )
            self.began.append(time.monotonic())
            threading.Thread(target=self._reap, args=(self.process,), daemon=True).start()

    def _environment(self) -> dict[str, str]:
        bare = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self._home),
            "USER": "ada",
            "LOGNAME": "ada",
            "SHELL": "/bin/zsh",
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 - as launchd sets it
            "XPC_SERVICE_NAME": self.plist["Label"],
        }
        return {**bare, **self.plist.get("EnvironmentVariables", {})}

    def stop(self) -> None:
        """Ask the main process to end; kill it, and nothing else, when it takes too long."""
        self.signal(signal.SIGTERM)
        if process := self.process:
            timer = threading.Timer(self.plist["ExitTimeOut"], process.kill)
            timer.daemon = True
            timer.start()

    def signal(self, number: int) -> None:
        """Send the main process a signal."""
        if self.process and self.is_running:
            self.process.send_signal(number)

    def unload(self) -> None:
        """Stop the agent and forget it."""
        with self._lock:
            self.plist = self.plist | {"KeepAlive": False}
            for timer in self._timers:
                timer.cancel()
        if self.is_running:
            self.stop()
        if self.process:
            self.process.wait()
        self.plist = {}

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)  # once, and only those that can be asked
        with self._lock:
            if self.plist and self._comes_back(code):
                ran = time.monotonic() - self.began[-1]
                throttle = self.plist.get("ThrottleInterval", 10)
                timer = threading.Timer(max(0.0, throttle - ran), self.start)
                timer.daemon = True
                self._timers.append(timer)
                timer.start()
            self.ends.append(code)  # whoever sees the end sees what came of it

    def _keep_alive(self) -> dict[str, bool]:
        wanted = self.plist.get("KeepAlive", False)
        return wanted if isinstance(wanted, dict) else {"Always": True} if wanted else {}

    def _comes_back(self, code: int) -> bool:
        crashed = code < 0 and -code in _CRASHES
        truths = {"Always": True, "SuccessfulExit": code == 0, "Crashed": crashed}
        return any(truths[key] == wish for key, wish in self._keep_alive().items())

    def print(self) -> str:
        """Return what `launchctl print` says, in the shape of real captures."""
        state = "running" if self.is_running else "not running"
        pid = f"\tpid = {self.process.pid}\n" if self.process and self.is_running else ""
        return _PRINTED.format(
            state=state, pid=pid, runs=len(self.began), end=self._last_exit(), **_ids(self.plist)
        )

    def _last_exit(self) -> str:
        if not self.ends:
            return "last exit code = (never exited)"
        if (code := self.ends[-1]) < 0:
            return f"last terminating signal = {signal.strsignal(-code)}: {-code}"
        return f"last exit code = {code}"


def _ids(plist: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": plist["Label"], "program": plist["ProgramArguments"][0]}


_PRINTED = """gui/501/{label} = {{
\tactive count = 1
\tpath = /Users/ada/Library/LaunchAgents/{label}.plist
\ttype = LaunchAgent
\tstate = {state}

\tprogram = {program}
\tdefault environment = {{
\t\tPATH => /usr/bin:/bin:/usr/sbin:/sbin
\t}}
\tdomain = gui/501 [100005]
\tminimum runtime = 10
\texit timeout = 5
\truns = {runs}
{pid}\timmediate reason = speculative
\t{end}

\tresource coalition = {{
\t\tID = 1234
\t\tstate = active
\t\tpid = 1
\t}}
\tspawn type = interactive (4)
}}
"""


class FakeLaunchctl:
    """`launchctl` on a PATH of its own, over one stand-in. Its state: what is off, what is busy."""

    def __init__(self, folder: Path, launchd: FakeLaunchd) -> None:
        self.launchd = launchd
        self.disabled: set[str] = set()
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        """By verb: what it says instead of doing it, once each, in this order."""
        self.asked: list[list[str]] = []
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._listener = Listener(str(folder / "socket"), "AF_UNIX")
        tool = self.folder / "launchctl"
        tool.write_text(_TOOL.format(python=sys.executable, socket=str(folder / "socket")))
        tool.chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Answer no more, and leave nothing running."""
        self.launchd.unload()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                with self._listener.accept() as asked:
                    self._answer(asked)

    def _answer(self, asked: Connection) -> None:
        words: list[str] = asked.recv()
        self.asked.append(words)
        if waiting := self.refusals.get(words[0]):
            code, err = waiting.pop(0)
            asked.send((code, "", err))
            return
        asked.send(getattr(self, "_" + words[0].replace("-", "_"))(*words[1:]))

    def verbs(self) -> list[str]:
        """Return what was asked, without looking and with repetitions taken out."""
        said = [words[0] for words in self.asked if not words[0].startswith("print")]
        return [verb for verb, before in zip(said, ["", *said], strict=False) if verb != before]

    def _enable(self, target: str) -> tuple[int, str, str]:
        self.disabled.discard(target.rpartition("/")[2])
        return 0, "", ""

    def _is_loaded(self, target: str) -> bool:
        return self.launchd.plist.get("Label") == target.rpartition("/")[2]

    def _bootstrap(self, _domain: str, file: str) -> tuple[int, str, str]:
        found = plistlib.loads(Path(file).read_bytes())
        if self.launchd.plist or found["Label"] in self.disabled:
            return 5, "", "Bootstrap failed: 5: Input/output error\n"
        self.launchd.load(found)
        return 0, "", ""

    def _bootout(self, target: str) -> tuple[int, str, str]:
        if not self._is_loaded(target):
            return 3, "", "Boot-out failed: 3: No such process\n"
        self.launchd.unload()
        return 0, "", ""

    def _kickstart(self, target: str) -> tuple[int, str, str]:
        if not self._is_loaded(target):
            return 113, "", f'Could not find service "{target.rpartition("/")[2]}" in domain\n'
        self.launchd.start()
        return 0, "", ""

    def _kill(self, number: str, target: str) -> tuple[int, str, str]:
        if not self._is_loaded(target):
            return 113, "", "Could not find service\n"
        self.launchd.signal(signal.Signals[number])
        return 0, "", ""

    def _print(self, target: str) -> tuple[int, str, str]:
        if not self._is_loaded(target):
            return 113, "", "Could not find service in domain for user gui: 501\n"
        return 0, self.launchd.print(), ""

    def _print_disabled(self, _domain: str) -> tuple[int, str, str]:
        lines = "".join(f'\t\t"{label}" => disabled\n' for label in sorted(self.disabled))
        return 0, f"\tdisabled services = {{\n{lines}\t}}\n", ""


_TOOL = """#!{python} -S
import sys
from multiprocessing.connection import Client
with Client({socket!r}) as service:
    service.send(sys.argv[1:])
    code, out, err = service.recv()
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""
