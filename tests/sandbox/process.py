"""A sandbox in a process of its own, as everybody meets it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
TICK_SECONDS = 0.003
FAULTS = "/internal/plasma/faults"
PATIENCE_SECONDS = 120.0
"""How long a test waits for what must come; only a failing one waits so long."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox."""

    url: str
    base: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, **query: str | int) -> requests.Response:
        """Ask for something."""
        return requests.get(f"{self.url}{path}", params=query, timeout=PATIENCE_SECONDS)

    def post(self, path: str, body: object = None) -> requests.Response:
        """Send JSON."""
        return requests.post(f"{self.url}{path}", json=body, timeout=PATIENCE_SECONDS)

    def json(self, path: str, **query: str | int) -> Any:
        """Ask for JSON."""
        return self.get(path, **query).json()

    def wait_until_idle(self) -> None:
        """Wait until nothing waits or runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.json("/prompt") != {"exec_info": {"queue_remaining": 0}}:
            assert time.monotonic() < deadline, "the engine is still busy"
            time.sleep(TICK_SECONDS)

    def give(self, *faults: str) -> None:
        """Tell it what to do wrong from now on, and nothing of before."""
        requests.delete(f"{self.url}{FAULTS}", timeout=PATIENCE_SECONDS).raise_for_status()
        self.give_too(*faults)

    def give_too(self, *faults: str) -> None:
        """Tell it what else to do wrong from now on."""
        self.post(FAULTS, faults).raise_for_status()

    def upload(self, name: str, content: bytes, **form: str) -> requests.Response:
        """Send a picture."""
        files = {"image": (name, content)}
        url = f"{self.url}/upload/image"
        return requests.post(url, files=files, data=form, timeout=PATIENCE_SECONDS)


@contextmanager
def running(base: Path, *arguments: str) -> Iterator[Sandbox]:
    """Start a sandbox and end it."""
    process = start(base, *arguments)
    try:
        assert process.stdout is not None
        yield Sandbox(json.loads(process.stdout.readline())["url"], base, process)
    finally:
        end(process)


def start(base: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a sandbox that ends with us; its first line says where it listens."""
    command = [sys.executable, "-m", "plasma_watch.sandbox", "--base", str(base), "--with-parent"]
    with (base.parent / f"{base.name}.log").open("ab") as log:
        return subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End it, if it has not ended, and close what leads to it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
