"""What the benchmarks stand on: an engine, a relay that notes what passes, a home with a daemon."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from PIL import Image

from plasma_watch.cli.homes import init

WORKFLOW = "trivial"
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "noise.png", "note": "x"}},
    "2": {
        "class_type": "ImageScale",
        "inputs": {
            "image": ["1", 0],
            "upscale_method": "nearest-exact",
            "width": 64,
            "height": 64,
            "crop": "disabled",
        },
    },
    "9": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
"""Costs the engine next to nothing, differs with each width, and is not of one colour."""
SLOTS = """
output = "9"
[slots]
prompt = "1.note"
seed = "2.width"
filename_prefix = "9.filename_prefix"
"""
_TURN = re.compile(rb'"type": "(?:(execution_start)"|executing", "data": \{"node": null)')
WIDTHS = range(32, 512)


@dataclass(frozen=True, slots=True)
class Spread:
    """What a number of measurements came to, in seconds."""

    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> Spread:
        """Sum measurements up."""
        ordered = sorted(seconds)
        at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.9, 0.99)]
        return cls(statistics.median(ordered), *at)

    def __str__(self) -> str:
        return " / ".join(f"{each * 1000:.1f}" for each in (self.p50, self.p90, self.p99)) + " ms"


@contextlib.contextmanager
def an_engine(folder: Path) -> Iterator[str]:
    """Give the address of the engine: COMFYUI_URL's, or a sandbox at zero cost a step."""
    if url := os.environ.get("COMFYUI_URL"):
        yield url
        return
    command = [sys.executable, "-m", "plasma_watch.sandbox", "--base", str(folder / "engine")]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--seconds-per-step", "0", "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.wait()


def lay_noise(url: str) -> None:
    """Put the picture that all graphs begin with into the engine."""
    pixels = random.Random(1).randbytes(48 * 48 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (48, 48), pixels).save(out, "PNG")
    files = {"image": ("noise.png", out.getvalue(), "image/png")}
    requests.post(f"{url}/upload/image", files=files, timeout=10).raise_for_status()


def graph(width: int, prefix: str) -> dict[str, object]:
    """Return the graph of one picture."""
    made = json.loads(json.dumps(GRAPH))
    made["2"]["inputs"]["width"] = width
    made["9"]["inputs"]["filename_prefix"] = prefix
    return dict(made)


@dataclass(slots=True)
class Noted:
    """What a relay saw pass, with the time of each."""

    turns: list[tuple[str, float]] = field(default_factory=list)
    """The starts and ends of prompts, in order."""
    posts: list[float] = field(default_factory=list)


class Relay(threading.Thread):
    """Carries bytes to the engine and back, and notes when prompts pass. Its state: the notes."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._engine = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.noted = Noted()

    def run(self) -> None:
        """Carry until the program ends."""
        while True:
            client, _ = self._listener.accept()
            engine = socket.create_connection(self._engine)
            for sock in (client, engine):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pair in ((client, engine, self._asked), (engine, client, self._told)):
                threading.Thread(target=_carry, args=pair, daemon=True).start()

    def _asked(self, data: bytes) -> None:
        if data.startswith(b"POST /prompt"):
            self.noted.posts.append(time.perf_counter())

    def _told(self, data: bytes) -> None:
        now = time.perf_counter()
        for found in _TURN.finditer(data):
            self.noted.turns.append(("start" if found[1] else "end", now))


def _carry(source: socket.socket, target: socket.socket, note: object) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            note(data)  # type: ignore[operator]
            target.sendall(data)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class Daemon:
    """A home and its daemon. Its state: the process."""

    def __init__(self, folder: Path, url: str, settle_seconds: float = 1.0) -> None:
        self.home = folder / "home"
        with contextlib.redirect_stdout(io.StringIO()):
            init(self.home)
        config = (self.home / "config.toml").read_text("utf-8")
        config = config.replace("settle_seconds = 1.0", f"settle_seconds = {settle_seconds}")
        (self.home / "config.toml").write_text(config.replace("reserve_gb = 15", "reserve_gb = 0"))
        (self.home / "workflows" / f"{WORKFLOW}.json").write_text(json.dumps(GRAPH))
        (self.home / "workflows" / f"{WORKFLOW}.toml").write_text(SLOTS)
        self._environ = dict(os.environ) | {"COMFYUI_URL": url}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it, and wait until it has told of itself."""
        command = [sys.executable, "-m", "plasma_watch", "run", "--home", str(self.home), *options]
        with (self.home / "stderr.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)

    def is_up(self) -> bool:
        """Tell whether it has told of itself."""
        told = self.home / "status" / "daemon.toml"
        assert self.process
        return told.exists() and f"pid = {self.process.pid}" in told.read_text("utf-8")

    def stop(self) -> None:
        """End it."""
        assert self.process
        self.process.terminate()
        self.process.wait()

    def drop(self, name: str, width: int, folder: str = "inbox") -> float:
        """Drop a request by rename, and return when."""
        text = f'kind = "generate"\nworkflow = "{WORKFLOW}"\nprompt = "x"\nseed = {width}\n'
        temporary = self.home / folder / f".{name}.tmp"
        temporary.write_text(f"{text}chapter = 1\npage = {width}\n")
        now = time.perf_counter()
        temporary.rename(self.home / folder / f"{name}.toml")
        return now

    def done(self) -> int:
        """Return how many jobs are done."""
        return sum(1 for _ in (self.home / "done").iterdir())


def until(is_so: object, seconds: float = 600.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(is_so)
        time.sleep(0.005)
