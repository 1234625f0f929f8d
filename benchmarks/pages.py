"""What the daemon costs the engine: `python -m benchmarks.pages [COUNT]`.

Each time stands beside the floor of the same run: a bare client that posts, waits for the end,
asks the history and fetches the picture, and keeps nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from itertools import pairwise
from pathlib import Path

import requests
import websocket

from benchmarks.surroundings import (
    WIDTHS,
    Daemon,
    Relay,
    Spread,
    an_engine,
    graph,
    lay_noise,
    until,
)


class Bare:
    """A client that keeps nothing."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._client = str(uuid.uuid4())
        address = f"ws{url.removeprefix('http')}/ws?clientId={self._client}"
        self._socket = websocket.create_connection(address)

    def post(self, width: int) -> str:
        """Ask for a picture."""
        prompt = str(uuid.uuid4())
        body = {
            "prompt": graph(width, f"bare/{prompt}/img"),
            "prompt_id": prompt,
            "client_id": self._client,
        }
        self._session.post(f"{self._url}/prompt", json=body, timeout=10).raise_for_status()
        return prompt

    def await_end(self, prompt: str) -> None:
        """Wait for the frame that says that it is over."""
        while True:
            frame = self._socket.recv()
            if isinstance(frame, str) and '"node": null' in frame and prompt in frame:
                return

    def fetch(self, prompt: str) -> bytes:
        """Ask the history, and fetch the picture."""
        entry = self._session.get(f"{self._url}/history/{prompt}", timeout=10).json()[prompt]
        image = entry["outputs"]["9"]["images"][0]
        return self._session.get(f"{self._url}/view", params=image, timeout=10).content


def floor(url: str, widths: list[int]) -> Spread:
    """Return what a page costs a bare client: socket, POST, history, view."""
    bare, seconds = Bare(url), []
    for width in widths:
        began = time.perf_counter()
        prompt = bare.post(width)
        bare.await_end(prompt)
        assert bare.fetch(prompt).startswith(b"\x89PNG")
        seconds.append(time.perf_counter() - began)
    return Spread.of(seconds)


def bare_gap(relay: Relay, widths: list[int]) -> Spread:
    """Return how long the engine idles when the next prompt is posted the moment one has ended."""
    bare = Bare(relay.url)
    for width in widths:
        bare.await_end(bare.post(width))
    return _gaps(relay)


def _gaps(relay: Relay) -> Spread:
    """Return the times from the end of a prompt to the start of the next, as the engine tells."""
    turns, relay.noted.turns = relay.noted.turns, []
    return Spread.of([b - a for (what, a), (then, b) in pairwise(turns) if what != then == "start"])


def through_the_daemon(folder: Path, relay: Relay, widths: list[int]) -> tuple[Spread, Spread]:
    """Return the gaps, and what a page costs with a line waiting: picture, manifest, done."""
    daemon = Daemon(folder, relay.url)
    (daemon.home / "inbox" / "PAUSE").touch()
    for n, width in enumerate(widths):
        daemon.drop(f"p{n:04d}", width)
    daemon.start()
    length = f"length = {len(widths)}"
    until(lambda: daemon.is_up() and length in _told(daemon))
    (daemon.home / "inbox" / "PAUSE").unlink()
    until(lambda: daemon.done() == len(widths))
    daemon.stop()
    ends = sorted(path.stat().st_mtime_ns for path in (daemon.home / "done").glob("*/job.toml"))
    return _gaps(relay), Spread.of([(b - a) / 1e9 for a, b in pairwise(ends)])


def _told(daemon: Daemon) -> str:
    return (daemon.home / "status" / "daemon.toml").read_text("utf-8")


def drop_to_post(folder: Path, relay: Relay, widths: list[int]) -> Spread:
    """Return the time from an atomic drop to the POST that the engine receives, daemon idle."""
    daemon = Daemon(folder, relay.url)
    daemon.start()
    until(daemon.is_up)
    seconds = []
    for n, width in enumerate(widths):
        time.sleep(0.05)
        relay.noted.posts.clear()
        dropped = daemon.drop(f"q{n:04d}", width)
        until(lambda n=n: daemon.done() == n + 1)
        seconds.append(relay.noted.posts[0] - dropped)
    daemon.stop()
    return Spread.of(seconds)


def main(count: int) -> int:
    """Measure, and print each time with its ratio to its floor."""
    widths = [WIDTHS[n % len(WIDTHS)] for n in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with an_engine(folder) as url:
            lay_noise(url)
            relay = Relay(url)
            relay.start()
            bare = floor(url, widths)
            gap = bare_gap(relay, widths)
            (folder / "line").mkdir()
            gaps, pages = through_the_daemon(folder / "line", relay, widths)
            (folder / "drops").mkdir()
            drops = drop_to_post(folder / "drops", relay, widths[: count // 4])
    _tell("engine idle between two jobs", gaps, gap)
    _tell("a page with a line waiting", pages, bare)
    _tell("drop to POST, idle daemon", drops, bare)
    return 0


def _tell(what: str, seconds: Spread, least: Spread) -> None:
    ratio = seconds.p50 / least.p50
    print(f"{what:32} {seconds!s:28} floor {least!s:28} {ratio:6.2f} x")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
