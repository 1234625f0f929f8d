"""What the benchmarks stand on: an engine, a relay that notes what passes, a home with a daemon.

It measures nothing but the moment of a drop.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests
from PIL import Image

from plasma_watch.cli.homes import init

WORKFLOW = "trivial"
Graph = Mapping[str, Any]
GRAPH: Graph = {
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
WORK = {
    "class_type": "ImageScale",
    "inputs": {
        "image": ["1", 0],
        "upscale_method": "lanczos",
        "width": 4096,
        "height": 4096,
        "crop": "disabled",
    },
}
AT_WORK: Graph = {
    **GRAPH,
    "5": WORK,
    "2": GRAPH["2"] | {"inputs": GRAPH["2"]["inputs"] | {"image": ["5", 0]}},
}
"""The same from a picture that takes the engine tenths of a second, as a page takes seconds."""
SLOTS = """
output = "9"
[slots]
prompt = "1.note"
seed = "2.width"
filename_prefix = "9.filename_prefix"
"""
_TURN = re.compile(rb'"type": "(?:(execution_start)"|executing", "data": \{"node": null)')
WIDTHS = range(32, 512)


@contextlib.contextmanager
def an_engine(folder: Path) -> Iterator[str]:
    """Give the address of the engine: COMFYUI_URL's, or a sandbox at zero cost a step."""
    if url := os.environ.get("COMFYUI_URL"):
        yield url
        return
    with a_sandbox(folder) as url:
        yield url


@contextlib.contextmanager
def a_sandbox(folder: Path, seconds_a_step: float = 0.0) -> Iterator[str]:
    """Give the address of a sandbox of one's own."""
    command = [sys.executable, "-m", "plasma_watch.sandbox", "--base", str(folder / "engine")]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--seconds-per-step", str(seconds_a_step), "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdin
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def lay_noise(url: str) -> None:
    """Put the picture that all graphs begin with into the engine."""
    pixels = random.Random(1).randbytes(48 * 48 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (48, 48), pixels).save(out, "PNG")
    files = {"image": ("noise.png", out.getvalue(), "image/png")}
    requests.post(f"{url}/upload/image", files=files, timeout=10).raise_for_status()


def graph(width: int, prefix: str, of: Graph = GRAPH) -> dict[str, object]:
    """Return the graph of one picture."""
    made = json.loads(json.dumps(of))
    made["2"]["inputs"]["width"] = width
    made["9"]["inputs"]["filename_prefix"] = prefix
    return dict(made)


@dataclass(slots=True)
class Noted:
    """What a relay saw pass, with the time of each."""

    turns: list[tuple[str, float]] = field(default_factory=list)
    """The starts and ends of prompts, in order."""
    posts: list[float] = field(default_factory=list)


class Relay:
    """Carries bytes to the engine and back, and notes when prompts pass. Its state: the notes.

    It carries for the length of a block.
    """

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._engine = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.noted = Noted()

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
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

    def __init__(
        self, folder: Path, url: str, settle_seconds: float = 1.0, drawn: Graph = GRAPH
    ) -> None:
        self.home = folder / "home"
        with contextlib.redirect_stdout(io.StringIO()):
            init(self.home)
        config = (self.home / "config.toml").read_text("utf-8")
        config = config.replace("settle_seconds = 1.0", f"settle_seconds = {settle_seconds}")
        (self.home / "config.toml").write_text(config.replace("reserve_gb = 15", "reserve_gb = 0"))
        (self.home / "workflows" / f"{WORKFLOW}.json").write_text(json.dumps(drawn))
        (self.home / "workflows" / f"{WORKFLOW}.toml").write_text(SLOTS)
        self._environ = dict(os.environ) | {"COMFYUI_URL": url}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, tells_imports: bool = False) -> None:
        """Start it; `is_up` tells when it has told of itself."""
        command = [sys.executable, "-m", "plasma_watch", "run", "--home", str(self.home)]
        environ = self._environ | ({"PYTHONPROFILEIMPORTTIME": "1"} if tells_imports else {})
        with self.stderr.open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)

    @contextlib.contextmanager
    def running(self, *, tells_imports: bool = False) -> Iterator[int]:
        """Have it run for the length of a block; give its process id."""
        self.start(tells_imports=tells_imports)
        try:
            until(self.is_up)
            yield self.pid
        finally:
            self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process
        return self.process.pid

    @property
    def stderr(self) -> Path:
        """What it says on standard error, and what it imports if it tells that."""
        return self.home / "stderr.log"

    @property
    def inbox(self) -> Path:
        """Its inbox."""
        return self.home / "inbox"

    @property
    def pause(self) -> Path:
        """The file that holds the line."""
        return self.inbox / "PAUSE"

    def told(self, name: str = "daemon") -> dict[str, Any]:
        """Return a status file, or nothing when there is none."""
        try:
            return tomllib.loads((self.home / "status" / f"{name}.toml").read_text("utf-8"))
        except FileNotFoundError:
            return {}

    def length(self) -> int:
        """Return how many it says are in line."""
        return int(self.told().get("line", {}).get("length", 0))

    def is_up(self) -> bool:
        """Tell whether it has told of itself."""
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError(self.stderr.read_text("utf-8"))
        return self.told().get("pid") == self.process.pid

    def stop(self) -> None:
        """End it."""
        assert self.process
        self.process.terminate()
        self.process.wait()

    def drop(self, name: str, width: int, folder: str = "inbox") -> float:
        """Drop a request by rename, and return when."""
        return self.drop_text(name, request(width), folder)

    def drop_text(self, name: str, text: str, folder: str = "inbox") -> float:
        """Drop any text by rename, and return when."""
        temporary = self.home / folder / f".{name}.tmp"
        temporary.write_text(text)
        now = time.perf_counter()
        temporary.rename(self.home / folder / f"{name}.toml")
        return now

    def done(self) -> int:
        """Return how many jobs are done."""
        return sum(1 for _ in (self.home / "done").iterdir())

    def ends(self) -> list[float]:
        """Return when each job that is done was so, in order."""
        journals = (self.home / "done").glob("*/job.toml")
        return sorted(path.stat().st_mtime_ns / 1e9 for path in journals)


def request(width: int, chapter: int = 1, page: int | None = None) -> str:
    """Return the text of a request for a picture of a width."""
    text = f'kind = "generate"\nworkflow = "{WORKFLOW}"\nprompt = "x"\nseed = {width}\n'
    return f"{text}chapter = {chapter}\npage = {page or width}\n"


def until(is_so: Callable[[], bool], seconds: float = 600.0, tick: float = 0.005) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(is_so)
        time.sleep(tick)
