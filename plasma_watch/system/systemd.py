"""systemd, which starts the user's services on Linux: the unit file, and a thin door to it.

The unit means what the launchd plist means, in systemd's words.
"""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from plasma_watch.errors import PlasmaError
from plasma_watch.system import tools
from plasma_watch.system.files import write_whole
from plasma_watch.system.services import (
    COMFYUI,
    DAEMON,
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

TOOL = "systemctl"
_SHOWN = "LoadState,ActiveState,SubState,MainPID,NRestarts,Result,ExecMainStatus,UnitFileState"
_DESCRIPTIONS = {
    DAEMON: "Plasma Watch: a folder that makes pictures",
    COMFYUI: "ComfyUI for Plasma Watch",
}
_ENVIRONMENT: dict[str, dict[str, str]] = {
    DAEMON: {"PLASMA_SUPERVISED": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
    COMFYUI: {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
}


def unit_text(unit: Unit) -> str:
    """Return the unit file."""
    environment = [f'Environment="{k}={v}"' for k, v in _ENVIRONMENT[unit.name].items()]
    lines = [
        "[Unit]",
        f"Description={_DESCRIPTIONS[unit.name]}",
        # However often it dies, it comes back: the pause between is the throttle.
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"ExecStart={' '.join(_quoted(word) for word in unit.command)}",
        f"WorkingDirectory={_percent(str(unit.folder))}",
        *environment,
        # A stop (exit 0) stays stopped; a crash or a kill comes back.
        "Restart=on-failure",
        "RestartSec=30",
        "TimeoutStopSec=60",
        # What it started in a session of its own outlives it, as under launchd.
        "KillMode=process",
        "UMask=0077",
        "LimitNOFILE=4096",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back unchanged."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_percent(escaped).replace("$", "$$")}"'


def _read(word: str) -> str:
    """Return a word as it was before it was quoted."""
    return word.replace("%%", "%").replace("$$", "$")


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def read_show(said: str) -> dict[str, str]:
    """Return the facts of `systemctl show`."""
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


class Systemd:
    """The services of one user."""

    calls_it = "systemd user unit"

    def __init__(self, units: Path, pause: Callable[[float], None] = time.sleep) -> None:
        self._units = units
        self._pause = pause

    def file(self, name: str) -> Path:
        """Return where the unit of a service lies."""
        return self._units / self._unit(name)

    def meanings(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what log-in, stop, disabling and uninstalling mean, each with its words."""
        unit = self._unit(name)
        return (
            ("log-in", "starts it, also if it was stopped before"),
            ("a crash or a kill", "brings it back, after 30 s"),
            ("`plasma-watch service stop`", "ends it; it stays stopped until started or log-in"),
            (f"`systemctl --user stop {unit}`", "does the same"),
            (f"`systemctl --user disable {unit}`", "keeps it off over log-ins"),
            ("`plasma-watch service uninstall`", "stops it and removes its file, and nothing else"),
            ("`loginctl enable-linger`", "has it start with the machine, before anybody logs in"),
        )

    def text(self, unit: Unit) -> str:
        """Return the file that would be written."""
        return unit_text(unit)

    def install(self, unit: Unit) -> None:
        """Write the unit and start it; verify that a process of it came up."""
        before = earlier(self.file(unit.name))
        self._write(unit)
        try:
            self._do("daemon-reload")
            self._do("enable", self._unit(unit.name))
            self._do("restart", self._unit(unit.name))
        except PlasmaError:
            self._take_back(unit.name, before)
            raise
        self._verify(unit.name)

    def _write(self, unit: Unit) -> None:
        try:
            self._units.mkdir(parents=True, exist_ok=True)
            write_whole(self.file(unit.name), self.text(unit).encode())
        except OSError as exc:
            why = exc.strerror or ""
            raise refused(
                f"{self.file(unit.name)} cannot be written", why, "Look at its rights."
            ) from exc

    def _take_back(self, name: str, before: bytes | None) -> None:
        if before is None:
            self._ask("disable", self._unit(name))
        put_back(self.file(name), before)
        self._ask("daemon-reload")

    def uninstall(self, name: str) -> None:
        """Stop the service, and remove its unit."""
        if not self.file(name).exists():
            raise not_installed(name, self.file(name))
        with removing(self.file(name), self._wanted(name)):
            self._do("disable", "--now", self._unit(name))
        self._do("daemon-reload")

    def start(self, name: str) -> None:
        """Start an installed service."""
        if not self.file(name).exists():
            raise not_installed(name, self.file(name))
        self._do("start", self._unit(name))
        self._verify(name)

    def stop(self, name: str) -> None:
        """Stop a service and wait until it has ended; it stays stopped."""
        self._do("stop", self._unit(name))

    def state(self, name: str) -> State:
        """Return what is known of a service."""
        said, file = self._ask("show", "-p", _SHOWN, self._unit(name)), self.file(name)
        facts = read_show(said.out) if said.is_good else {}
        pid = facts.get("MainPID", "0")
        runs = facts.get("NRestarts", "")
        return State(
            is_installed=file.exists(),
            file=file,
            is_loaded=facts["LoadState"] == "loaded" if "LoadState" in facts else None,
            is_enabled=facts["UnitFileState"] == "enabled" if "UnitFileState" in facts else None,
            pid=int(pid) if pid.isdigit() and pid != "0" else None,
            words=_words(facts),
            runs=int(runs) + 1 if runs.isdigit() else None,
            last_exit=_last_exit(facts),
        )

    def command(self, name: str) -> tuple[str, ...]:
        """Return what the installed unit starts; empty if there is none to read."""
        with contextlib.suppress(OSError, ValueError):
            for line in self.file(name).read_text("utf-8").splitlines():
                if line.startswith("ExecStart="):
                    return tuple(_read(word) for word in shlex.split(line.partition("=")[2]))
        return ()

    def _verify(self, name: str) -> None:
        if not until(lambda: self.state(name).words == "active (running)", self._pause):
            state = self.state(name)
            why = f"it is {state.words} ({state.last_exit or 'no exit yet'})"
            hint = f"`journalctl --user -u {self._unit(name)}` may say why."
            raise refused("the service did not come up", why, hint)

    def _do(self, *words: str) -> None:
        answer = self._ask(*words)
        if not answer.is_good:
            why = answer.err.strip() or f"systemctl {words[0]} ended with {answer.code}"
            hint = "Without systemd for users, run `plasma-watch run` by what starts things here."
            raise refused("systemd did not do it", why, hint)

    def _ask(self, *words: str) -> Answer:
        return tools.ask([TOOL, "--user", *words], seconds=90)

    def _wanted(self, name: str) -> Path:
        """Return the link by which log-in starts a service; disabling it removes the link."""
        return self._units / "default.target.wants" / self._unit(name)

    def _unit(self, name: str) -> str:
        return "plasma-watch.service" if name == DAEMON else f"plasma-watch-{name}.service"


def _words(facts: Mapping[str, str]) -> str:
    if "ActiveState" not in facts:
        return "unknown"
    return f"{facts['ActiveState']} ({facts.get('SubState', 'unknown')})"


def _last_exit(facts: Mapping[str, str]) -> str:
    result, status = facts.get("Result", ""), facts.get("ExecMainStatus", "0")
    return "" if result in ("", "success") else f"{result} {status}"
