"""What the daemon costs the engine: `python -m benchmarks.pages [COUNT]`.

Each time stands beside the floor of the same run: a bare client that posts, waits for the end,
asks the history and fetches the picture, and keeps nothing; for a drop, a bare listener that posts.
"""

from __future__ import annotations

import sys
import time
import uuid
from itertools import pairwise
from pathlib import Path
from typing import Self

import requests
import websocket

from benchmarks.folders import a_folder
from benchmarks.listener import listening
from benchmarks.results import Goal, Result, Spread, at_p99, milliseconds, tell
from benchmarks.surroundings import (
    AT_WORK,
    GRAPH,
    WIDTHS,
    Daemon,
    Graph,
    Relay,
    an_engine,
    graph,
    lay_noise,
    until,
)

COUNT = 200


class Bare:
    """A client that keeps nothing, for the length of a block. Its state: the connections."""

    def __init__(self, url: str, drawn: Graph = GRAPH) -> None:
        self._url = url
        self._drawn = drawn
        self._session = requests.Session()
        self._client = str(uuid.uuid4())
        address = f"ws{url.removeprefix('http')}/ws?clientId={self._client}"
        self._socket = websocket.create_connection(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._socket.close()

    def post(self, width: int) -> str:
        """Ask for a picture."""
        prompt = str(uuid.uuid4())
        body = {
            "prompt": graph(width, f"bare/{prompt}/img", self._drawn),
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
    seconds = []
    with Bare(url) as bare:
        for width in widths:
            began = time.perf_counter()
            prompt = bare.post(width)
            bare.await_end(prompt)
            assert bare.fetch(prompt).startswith(b"\x89PNG")
            seconds.append(time.perf_counter() - began)
    return Spread.of(seconds)


def bare_gap(relay: Relay, widths: list[int], drawn: Graph = GRAPH) -> Spread:
    """Return how long the engine idles when the next prompt is posted the moment one has ended."""
    with Bare(relay.url, drawn) as bare:
        for width in widths:
            bare.await_end(bare.post(width))
    return Spread.of(gaps(relay))


def gaps(relay: Relay) -> list[float]:
    """Return the times from the end of a prompt to the start of the next, as the engine tells."""
    turns, relay.noted.turns = relay.noted.turns, []
    return [b - a for (what, a), (then, b) in pairwise(turns) if what != then == "start"]


def through_the_daemon(
    folder: Path, relay: Relay, widths: list[int], drawn: Graph = GRAPH
) -> tuple[Spread, Spread]:
    """Return the gaps, and what a page costs with a line waiting: picture, manifest, done."""
    daemon = Daemon(folder, relay.url, drawn=drawn)
    daemon.pause.touch()
    for n, width in enumerate(widths):
        daemon.drop(f"p{n:04d}", width)
    with daemon.running():
        until(lambda: daemon.length() == len(widths))
        daemon.pause.unlink()
        until(lambda: daemon.done() == len(widths))
    return Spread.of(gaps(relay)), Spread.of([b - a for a, b in pairwise(daemon.ends())])


def bare_drop(folder: Path, relay: Relay, widths: list[int]) -> Spread:
    """Return the time from a rename to the POST of a bare listener, which knows what to ask for."""
    seconds = []
    with (
        Bare(relay.url) as bare,
        listening(folder, lambda path: bare.post(int(path.name))) as folders,
    ):
        for width in widths:
            time.sleep(0.05)
            relay.noted.posts.clear()
            dropped = folders.drop(str(width), "")
            until(lambda: bool(relay.noted.posts))
            seconds.append(relay.noted.posts[0] - dropped)
    return Spread.of(seconds)


def drop_to_post(folder: Path, relay: Relay, widths: list[int]) -> Spread:
    """Return the time from an atomic drop to the POST that the engine receives, daemon idle."""
    daemon, seconds = Daemon(folder, relay.url), []
    with daemon.running():
        for n, width in enumerate(widths):
            time.sleep(0.05)
            relay.noted.posts.clear()
            dropped = daemon.drop(f"q{n:04d}", width)
            until(lambda n=n: daemon.done() == n + 1)  # type: ignore[misc]
            seconds.append(relay.noted.posts[0] - dropped)
    return Spread.of(seconds)


def measure(count: int = COUNT) -> list[Result]:
    """Measure everything against one engine."""
    widths = [WIDTHS[n % len(WIDTHS)] for n in range(count)]
    with a_folder() as folder, an_engine(folder) as url, Relay(url) as relay:
        lay_noise(url)
        bare = floor(url, widths)
        gap = bare_gap(relay, widths)
        idle, pages = through_the_daemon(folder / "line", relay, widths)
        few = widths[: max(2, count // 4)]
        gap_at_work = bare_gap(relay, few, AT_WORK)
        idle_at_work, _ = through_the_daemon(folder / "at-work", relay, few, AT_WORK)
        heard = bare_drop(folder / "heard", relay, few)
        drops = drop_to_post(folder / "drops", relay, few)
    return [
        milliseconds("engine idle between two jobs", idle, gap, Goal(most=10, most_ratio=1.5)),
        milliseconds(
            "the same, when a page takes the engine longer than us",
            idle_at_work,
            gap_at_work,
            Goal(most=10, most_ratio=1.5),
        ),
        milliseconds("a page with a line waiting", pages, bare, Goal(most_ratio=2)),
        milliseconds("drop to POST, idle daemon, p50", drops, heard, Goal(most=10)),
        at_p99("drop to POST, idle daemon, p99", drops, heard, Goal(most=50)),
    ]


def main(count: int) -> int:
    """Measure, and print each time with its ratio to its floor; return 1 if a goal was missed."""
    return tell(measure(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
