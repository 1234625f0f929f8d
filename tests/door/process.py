"""A real daemon process, a real engine process, a real home: files go in, files come out."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest
import requests

from plasma_watch.cli.homes import init
from tests.door.nursery import Fork, Nursery
from tests.fakes.ports import lasting_port

PATIENCE_SECONDS = 120.0
"""When a test gives up; never a claim about speed."""
TICK_SECONDS = 0.02

Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None], what: str | Callable[[], str] = "it") -> Found:
    """Look until there is something, or fail."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(TICK_SECONDS)
    pytest.fail(f"{what if isinstance(what, str) else what()} never came")


@cache
def _nursery() -> Nursery:
    """Return the nursery of this process, which ends with it."""
    nursery = Nursery()
    atexit.register(nursery.close)
    return nursery


class EngineProcess:
    """A sandbox engine in its own process, on a port of its own that it keeps over restarts."""

    def __init__(self, base: Path, seconds_per_step: float, log: Path | None = None) -> None:
        self.base = base
        self._log = log
        self._seconds = seconds_per_step
        self._port = lasting_port()
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start it, on the port it had before."""
        command = [
            *(sys.executable, "-m", "plasma_watch.sandbox", "--base", str(self.base)),
            *("--port", str(self._port), "--seconds-per-step", str(self._seconds)),
            "--with-parent",
        ]
        with self._log.open("ab") if self._log else contextlib.nullcontext() as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self._port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """Kill it as the kernel would."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def get(self, route: str) -> Any:
        """Ask it something."""
        return requests.get(self.url + route, timeout=10).json()

    def post(self, route: str, body: Any) -> requests.Response:
        """Tell it something."""
        return requests.post(self.url + route, json=body, timeout=10)

    def prompts(self) -> list[str]:
        """Return the ids of all prompts that it finished since it started, or was to forget."""
        return list(self.get("/history"))

    def forget(self) -> None:
        """Let it forget what it finished, so that little is told when it is asked."""
        self.post("/history", {"clear": True})

    def renew(self) -> None:
        """Make it as good as new: alive, idle, without a memory of what it made."""
        if self.process.poll() is not None:
            self.kill()
            self.start()
        self.post("/queue", {"clear": True})
        self.post("/interrupt", {})
        eventually(lambda: not self.running())
        self.forget()
        self.post("/free", {"unload_models": True, "free_memory": True})

    def running(self) -> list[str]:
        """Return the ids of the prompts that run now."""
        return [item[1] for item in self.get("/queue")["queue_running"]]


class DaemonProcess:
    """A home and the daemon that looks after it."""

    def __init__(self, home: Path, engine: EngineProcess | None) -> None:
        self.home = home
        self.environ = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
        if engine:
            self.environ |= {"COMFYUI_URL": engine.url, "COMFYUI_DIR": str(engine.base)}
        self.process: subprocess.Popen[bytes] | Fork | None = None
        self.is_forked = sys.platform == "linux"
        """Whether it is started as a fork, which is quicker, and not with a Python of its own."""

    def start(self, *options: str) -> None:
        """Start the daemon."""
        arguments = ["run", "--home", str(self.home), *options]
        with (self.home / "stderr.log").open("ab") as log:
            self.process = self._forked(arguments, log) or self._started(arguments, log)
        eventually(self.is_up, "the daemon")

    def _forked(self, arguments: list[str], log: IO[bytes]) -> Fork | None:
        return _nursery().start(arguments, self.environ, log) if self.is_forked else None

    def _started(self, arguments: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "plasma_watch", *arguments]
        return subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)

    def is_up(self) -> bool:
        """Tell whether the daemon has told of itself since it was started."""
        return self.process is not None and self.told("daemon").get("pid") == self.process.pid

    def kill(self) -> None:
        """Kill the daemon as the kernel would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the daemon to end, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def drop(self, name: str, text: str = "", *, folder: str = "inbox", **keys: Any) -> Path:
        """Drop a request by rename; without a text, one small page with the keys given."""
        target = self.home / folder / f"{name}.toml"
        target.parent.mkdir(exist_ok=True)
        temporary = target.with_name(f".{name}.tmp")
        temporary.write_text(text or request(**keys), encoding="utf-8")
        temporary.rename(target)
        return target

    def told(self, name: str) -> dict[str, Any]:
        """Return the status of a name."""
        try:
            return tomllib.loads((self.home / "status" / f"{name}.toml").read_text("utf-8"))
        except FileNotFoundError:
            return {}

    def log(self, name: str) -> list[str]:
        """Return the lines of a name's log."""
        return (self.home / "status" / f"{name}.log").read_text("utf-8").splitlines()

    def until(self, name: str, state: str) -> dict[str, Any]:
        """Wait until a name's status has a state, and return the status."""

        def look() -> dict[str, Any] | None:
            told = self.told(name)
            return told if told.get("state") == state else None

        return eventually(look, lambda: f"{name} {state} (now: {self.told(name)})")

    def folders(self, state: str) -> list[Path]:
        """Return the job folders of a state."""
        return sorted((self.home / state).iterdir())

    def outputs(self) -> list[str]:
        """Return all files below the output folder."""
        output = self.home / "output"
        return sorted(str(p.relative_to(output)) for p in output.rglob("*") if p.is_file())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command line against the home."""
        command = [sys.executable, "-m", "plasma_watch", *arguments]
        environ = self.environ | {"PLASMA_HOME": str(self.home)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def request(**keys: Any) -> str:
    """Return the text of a small request; keys given replace its own, None takes one out."""
    fields: dict[str, Any] = {
        "kind": "generate",
        "workflow": "txt2img",
        "prompt": "a cloak in the wind",
        "seed": 1,
        "steps": 2,
        "width": 64,
        "height": 64,
    } | keys
    return "".join(f"{k} = {json.dumps(v)}\n" for k, v in fields.items() if v is not None)


def make_home(folder: Path, settle_seconds: float = 0.4) -> Path:
    """Make a home that settles fast, on a machine whose disk may be full."""
    init(folder)
    config = (folder / "config.toml").read_text("utf-8")
    config = config.replace("settle_seconds = 1.0", f"settle_seconds = {settle_seconds}")
    config = config.replace("reserve_gb = 15", "reserve_gb = 0")
    (folder / "config.toml").write_text(config, "utf-8")
    return folder
