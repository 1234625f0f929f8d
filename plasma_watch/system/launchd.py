"""launchd, which starts the user's agents on a Mac: a thin door to `launchctl`.

Written from documented facts and captured output; it never ran on a Mac here. What `launchctl
print` says is no API, so it is read leniently: what is not understood is unknown.
"""

from __future__ import annotations

import contextlib
import plistlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from plasma_watch.errors import PlasmaError
from plasma_watch.shipped import shipped
from plasma_watch.system import plists, tools
from plasma_watch.system.files import write_whole
from plasma_watch.system.services import (
    State,
    Unit,
    earlier,
    not_installed,
    put_back,
    refused,
    removing,
    until,
)
from plasma_watch.system.tools import Answer

PREFIX = "com.plasma-watch."
TOOL = "launchctl"

_GONE = frozenset({3, 113})
"""No such process, not found: what was to go is gone."""
_IN_PROGRESS = frozenset({5, 37})
"""A bootstrap right after a bootout meets these for about five seconds."""
_NO_SCREEN = 125


# What launchctl says. Pure.


def read_print(said: str) -> dict[str, str]:
    """Return the facts of `launchctl print`, the top level only: inner blocks repeat the names."""
    return dict(re.findall(r"^\t([a-z][a-z ]*) = (.+?)\s*$", said, re.MULTILINE))


def is_disabled(said: str, label: str) -> bool | None:
    """Tell from `launchctl print-disabled` whether a service is switched off; None is unknown."""
    found = re.search(rf'"{re.escape(label)}" => (\w+)', said)
    if found is None:
        return False if "disabled services" in said else None
    return found[1] in ("true", "disabled")


def why_not(code: int | None, said: str) -> tuple[str, str]:
    """Return what a failed bootstrap means, and what to do."""
    said = said.strip() or "it said nothing"
    if code is None:
        return said, "launchctl is part of macOS; look at PATH."
    if code == _NO_SCREEN:
        return said, "Nobody is logged in at the screen: log in there first, then try again."
    if code in _IN_PROGRESS:
        return said, (
            "It may still be on its way out: try again in a minute. Otherwise it is switched off "
            "in System Settings > General > Login Items & Extensions, or the plist is bad "
            "(`plutil -lint` says so of what `plasma-watch service print` prints)."
        )
    return said, "`launchctl error " + f"{code}` says more."


# The door.


class Launchd:
    """The agents of one user, in their log-in session."""

    calls_it = "launchd agent"

    def __init__(
        self,
        uid: int,
        user_home: Path,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._domain = f"gui/{uid}"
        self._agents = user_home / "Library" / "LaunchAgents"
        self._logs = user_home / "Library" / "Logs" / "plasma-watch"
        self._pause = pause

    def file(self, name: str) -> Path:
        """Return where the plist of a service lies."""
        return self._agents / f"{PREFIX}{name}.plist"

    def log(self, name: str) -> Path:
        """Return the file that launchd writes into what a service prints."""
        return self._logs / f"{name}.log"

    def meanings(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what log-in, stop, disabling and uninstalling mean, each with its words."""
        label, target = PREFIX + name, self._target(name)
        return (
            ("log-in", "starts it, also if it was stopped before"),
            ("a crash or a kill", "brings it back, after at most 30 s"),
            ("`plasma-watch service stop`", "ends it; it stays stopped until started or log-in"),
            (f"`launchctl stop {label}`", "does the same"),
            (f"`launchctl start {label}`", "starts it again, as `plasma-watch service start` does"),
            (
                f"`launchctl disable {target}`",
                (
                    "keeps it off over log-ins, as the switch under Login Items in Settings does; "
                    "`plasma-watch service install` switches it on again"
                ),
            ),
            ("`plasma-watch service uninstall`", "stops it and removes its file, and nothing else"),
        )

    def plist(self, unit: Unit) -> dict[str, Any]:
        """Return the plist of a unit."""
        template = shipped("launchd") / f"{PREFIX}{unit.name}.plist"
        return plists.plist(unit, self.log(unit.name), template.read_bytes())

    def text(self, unit: Unit) -> str:
        """Return the file that would be written."""
        return plistlib.dumps(self.plist(unit), sort_keys=False).decode()

    def install(self, unit: Unit) -> None:
        """Write the plist and load it; verify that a process of it came up."""
        made = self.plist(unit)
        if wrong := plists.problems(made):
            raise refused("the plist would be wrong", "; ".join(wrong), "This is a bug of ours.")
        before = earlier(self.file(unit.name))
        self._write(unit.name, self.text(unit))
        try:
            self._load(unit.name)
        except PlasmaError:
            put_back(self.file(unit.name), before)
            raise
        self._verify(unit.name)

    def _write(self, name: str, text: str) -> None:
        try:
            for folder in (self._agents, self._logs):  # launchd makes neither
                folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.file(name), text.encode())
            self.file(name).chmod(0o644)
        except OSError as exc:
            raise refused(
                f"{self.file(name)} cannot be written", exc.strerror or "", "Look at its rights."
            ) from exc

    def _load(self, name: str) -> None:
        """Enable, take out what is loaded, wait until it is out, load; each has its reason."""
        self._ask("enable", self._target(name))  # a disabled one cannot be loaded
        self._unload(name)
        answer = self._bootstrap(name)
        if not answer.is_good:
            raise refused("launchd did not load the service", *why_not(answer.code, answer.err))

    def _unload(self, name: str) -> None:
        answer = self._ask("bootout", self._target(name), seconds=90)  # ExitTimeOut and a bit
        if not answer.is_good and answer.code not in _GONE:
            raise refused("launchd did not let go of it", *why_not(answer.code, answer.err))
        if not until(lambda: self._print(name).code in _GONE, self._pause):
            why = "it is still loaded after it was taken out"
            raise refused("launchd did not let go of it", why, "Try again in a minute.")

    def _bootstrap(self, name: str) -> Answer:
        said = [Answer(None)]

        def is_over() -> bool:
            said[0] = self._ask("bootstrap", self._domain, str(self.file(name)))
            return said[0].code not in _IN_PROGRESS

        until(is_over, self._pause)
        return said[0]

    def _verify(self, name: str) -> None:
        """Hold launchd to it: a process runs, and still does a moment later."""
        pids: list[int | None] = []

        def is_steady() -> bool:
            pids.append(self._pid(name))
            return len(pids) > 1 and pids[-1] is not None and pids[-1] == pids[-2]

        if not until(is_steady, self._pause):
            state = self.state(name)
            why = f"it is loaded and does not run ({state.words}; last exit {state.last_exit})"
            raise refused("the service did not come up", why, f"{self.log(name)} may say why.")

    def uninstall(self, name: str) -> None:
        """Take the service out and remove its plist."""
        if not self.file(name).exists() and self._print(name).code in _GONE:
            raise not_installed(name, self.file(name))
        with removing(self.file(name)):
            self._unload(name)

    def start(self, name: str) -> None:
        """Start the service; load it first if it is not loaded."""
        if not self.file(name).exists():
            raise not_installed(name, self.file(name))
        answer = self._ask("kickstart", self._target(name))
        if answer.code in _GONE:
            self._load(name)
        elif not answer.is_good:
            raise refused("launchd did not start it", *why_not(answer.code, answer.err))
        self._verify(name)

    def stop(self, name: str) -> None:
        """Ask the service to end, and wait until it has; it stays loaded and stopped."""
        answer = self._ask("kill", "SIGTERM", self._target(name))
        if not answer.is_good and answer.code not in _GONE:
            raise refused("launchd did not stop it", *why_not(answer.code, answer.err))
        if not until(lambda: self._pid(name) is None, self._pause):
            why = "it still runs"
            raise refused("the service did not end", why, "`plasma-watch service status`")

    def state(self, name: str) -> State:
        """Return what is known of a service."""
        said, file = self._print(name), self.file(name)
        off = is_disabled(self._ask("print-disabled", self._domain).out, PREFIX + name)
        is_enabled = None if off is None else not off
        if not said.is_good:
            is_loaded = False if said.code in _GONE else None
            words = "not loaded" if is_loaded is False else "unknown"
            return State(file.exists(), file, is_loaded, is_enabled, words=words)
        facts = read_print(said.out)
        ends = (facts.get("last terminating signal"), facts.get("last exit code"))
        told = [end for end in ends if end and end != "(never exited)"]
        return State(
            is_installed=file.exists(),
            file=file,
            is_loaded=True,
            is_enabled=is_enabled,
            pid=_number(facts.get("pid")),
            words=facts.get("state", "unknown"),
            runs=_number(facts.get("runs")),
            last_exit=told[0] if told else "",
        )

    def command(self, name: str) -> tuple[str, ...]:
        """Return what the installed plist starts; empty if there is none to read."""
        with contextlib.suppress(OSError, ValueError, ExpatError, TypeError, AttributeError):
            found = plistlib.loads(self.file(name).read_bytes())
            return tuple(str(word) for word in found.get("ProgramArguments", ()))
        return ()

    def _pid(self, name: str) -> int | None:
        return _number(read_print(self._print(name).out).get("pid"))

    def _target(self, name: str) -> str:
        return f"{self._domain}/{PREFIX}{name}"

    def _print(self, name: str) -> Answer:
        return self._ask("print", self._target(name))

    def _ask(self, *words: str, seconds: float = 20) -> Answer:
        return tools.ask([TOOL, *words], seconds)


def _number(text: str | None) -> int | None:
    with contextlib.suppress(ValueError):
        return int(text or "")
    return None
