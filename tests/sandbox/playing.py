"""A player: it asks an engine what was asked in a recording, and notes what is answered otherwise.

It asks in the recorded order, and each question only after the frames that had come before it.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from plasma_watch.sandbox.graph import Graph

from .listening import Frame, Listener
from .process import PATIENCE_SECONDS, TICK_SECONDS
from .recordings import Comparison, Event

LAB = "/srv/lab"
"""Where the recorded engine lived: its base was a folder in there."""
HOSTS = ("127.0.0.1:8188", "127.0.0.1:8190")
CUT_SHORT = " chars)"
MAGIC_BYTES = 4

Shorten = Callable[[Sequence[Frame]], list[Frame]]

Hand = Callable[[Path], None]
"""Does something to the files of an engine."""


@dataclass(slots=True)
class Line:
    """One WebSocket: what was recorded on it, and who listens now."""

    name: str
    listener: Listener
    recorded: list[Frame] = field(default_factory=list)


class Player:
    """Plays a recording to one engine; it learns ids and hears frames as it goes on."""

    def __init__(
        self,
        url: str,
        base: Path,
        hands: Mapping[int, Hand] | None = None,
        uploads: Iterable[bytes] = (),
        apart: Iterable[int] = (),
    ) -> None:
        """Take an engine.

        `hands` are what is done after so many requests; `uploads` what is sent where a recording
        only names a file; `apart` the requests, by their count, whose answers are not compared.
        """
        self._url = url
        self._base = base
        self._hands = hands or {}
        self._uploads = iter(uploads)
        self._apart = set(apart)
        self._count = 0
        self._ids: dict[str, str] = {}
        self._lines: list[Line] = []
        self._comparison = Comparison()
        self._shorten: Shorten = list

    def play(self, events: Sequence[Event], shorten: Shorten = list) -> list[str]:
        """Play a recording and list the differences; frames are compared after shortening."""
        self._shorten = shorten
        found: list[str] = []
        for index, event in enumerate(events):
            match event.kind:
                case "http_req":
                    answer = _next(events[index + 1 :], "http_req", "http_resp")
                    found += self._converse(event.told, answer) if answer else ()
                case "ws_connect":
                    greeting = _next(events[index:], "ws_text")
                    self._connect(event.told, greeting or {})
                case _:
                    self._attend(event)
        self._catch_up()
        self.hang_up()
        return found + [told for line in self._lines for told in self._compare_frames(line)]

    def run(self, graph: Graph) -> None:
        """Run a graph before the recording begins."""
        url = f"{self._url}/prompt"
        requests.post(url, json={"prompt": graph}, timeout=PATIENCE_SECONDS).raise_for_status()
        self._wait(lambda: self._get("/prompt")["exec_info"]["queue_remaining"] == 0)

    def hang_up(self) -> None:
        """Close every socket."""
        for line in self._lines:
            line.listener.close()

    def _attend(self, event: Event) -> None:
        match event.kind:
            case "ws_send":
                self._catch_up()
                self._line(event.told).listener.say(event.told["text"])
            case "ws_text":
                self._line(event.told).recorded.append(json.loads(event.told["text"]))
            case "ws_bin":
                self._line(event.told).recorded.append(_preview(event.told["decoded"]))
            case "ws_exc" if "was lost" in event.told["msg"]:
                self._catch_up()
                self._line(event.told).listener.cut()
            case "ws_close" | "ws_exc":
                self._catch_up()
                self._line(event.told).listener.close()
            case _:
                pass  # notes, and answers that were compared with their question

    def _connect(self, told: Mapping[str, Any], greeting: Mapping[str, Any]) -> None:
        """Connect when there is as much to do as there was then."""
        self._catch_up()
        status = json.loads(greeting["text"])["data"]["status"]
        self._wait(lambda: self._get("/prompt") == status)
        asked = urlsplit(told["url"])
        client = asked.query.removeprefix("clientId=")
        listener = Listener(self._url, client, asked.path)
        listener.wait(bool)
        self._lines.append(Line(told["ws"], listener))

    def _converse(self, told: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
        self._catch_up()
        path = self._there(told["path"])
        if path.startswith("/history/") and answer["body"] != "{}":
            self._wait(lambda: self._get(path) != {})
        self._count += 1
        yield from self._compare(answer, self._ask(told))
        self._hands.get(self._count, _leave)(self._base)

    def _wait(self, is_true: Callable[[], bool]) -> None:
        """Wait as the client of that time did, but no longer than needed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_true() and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)

    def _get(self, path: str) -> Any:
        return requests.get(f"{self._url}{path}", timeout=PATIENCE_SECONDS).json()

    def _line(self, told: Mapping[str, Any]) -> Line:
        return next(line for line in reversed(self._lines) if line.name == told["ws"])

    def _catch_up(self) -> None:
        """Wait until as much was heard as had been heard here in the recording."""
        for line in self._lines:
            if line.listener.is_open:
                self._wait(partial(self._is_caught_up, line))
                self._learn_name(line)

    def _is_caught_up(self, line: Line) -> bool:
        heard = self._shorten(line.listener.frames())
        return len(heard) >= len(self._shorten(line.recorded)) or not line.listener.is_open

    def _learn_name(self, line: Line) -> None:
        if line.recorded and "sid" in line.recorded[0]["data"]:
            heard = line.listener.frames()[0]["data"]["sid"]
            self._ids[line.recorded[0]["data"]["sid"]] = heard

    def _ask(self, told: Mapping[str, Any]) -> requests.Response:
        there = {**told, "headers": told.get("headers"), "json": told.get("json")}
        asked = json.loads(self._there(json.dumps(there)))
        body = asked.get("data") if asked["json"] is None else json.dumps(asked["json"])
        return requests.request(
            asked["method"],
            f"{self._url}{asked['path']}",
            params=asked["params"],
            data=body.encode() if isinstance(body, str) else body,
            files={k: (v[0], next(self._uploads)) for k, v in asked.get("files", {}).items()},
            headers=asked["headers"],
            timeout=PATIENCE_SECONDS,
        )

    def _compare(self, told: Mapping[str, Any], answer: requests.Response) -> Iterator[str]:
        where = f"request {self._count}, {answer.request.method} {answer.request.path_url}"
        if self._count in self._apart:
            return
        if told["status"] != answer.status_code:
            yield f"{where}: {told['status']} was recorded, {answer.status_code} heard"
            return
        if not told["body"] or told["body"].endswith(CUT_SHORT):
            return
        if told["body"].startswith("<"):
            yield from _compare_bytes(told["body"], answer.content, where)
        elif "json" in told["headers"].get("Content-Type", ""):
            recorded, heard = json.loads(told["body"]), answer.json()
            self._learn_ids(recorded, heard)
            yield from self._comparison.differences(recorded, self._here(heard), where)
        elif told["body"] != answer.text:
            yield f"{where}: {told['body']!r} was recorded, {answer.text!r} heard"

    def _learn_ids(self, recorded: Any, heard: Any) -> None:
        if isinstance(recorded, dict) and "prompt_id" in recorded and "prompt_id" in heard:
            self._ids[recorded["prompt_id"]] = heard["prompt_id"]

    def _compare_frames(self, line: Line) -> Iterator[str]:
        recorded = self._shorten(line.recorded)
        heard = self._shorten([self._here(_without_image(f)) for f in line.listener.frames()])
        for index, (one, other) in enumerate(zip_longest(recorded, heard)):
            where = f"{line.name} frame {index}"
            if one is None or other is None or one["type"] != other["type"]:
                yield f"{where}: {one} was recorded, {other} heard; all after it is not compared"
                return
            yield from self._comparison.differences(one, other, where)

    def _there(self, text: str) -> str:
        """Say what was recorded in the words of this engine."""
        for recorded, heard in self._ids.items():
            text = text.replace(recorded, heard)
        for host in HOSTS:
            text = text.replace(host, urlsplit(self._url).netloc)
        return text.replace(LAB, str(self._base.parent))

    def _here(self, said: Any) -> Any:
        """Say what this engine said in the words of the recording."""
        text = json.dumps(said).replace(str(self._base.parent), LAB)
        for recorded, heard in self._ids.items():
            text = text.replace(heard, recorded)
        return json.loads(text)


def part(events: Sequence[Event], start: str = "", stop: str = "") -> list[Event]:
    """Cut out what lies between two notes; what comes before the first note stays in front."""
    notes = [event.told["msg"] if event.kind == "note" else "" for event in events]
    first = next((index for index, note in enumerate(notes) if note), len(events))
    begin = notes.index(start) if start else first
    end = notes.index(stop) if stop else len(events)
    return [*events[:first], *events[begin:end]]


def first_requests(events: Iterable[Event], count: int) -> Iterator[Event]:
    """Cut off what comes after so many requests."""
    for event in events:
        count -= event.kind == "http_req"
        if count < 0:
            return
        yield event


def _next(events: Sequence[Event], *kinds: str) -> Mapping[str, Any] | None:
    """Find what follows, if it is of the last of these kinds."""
    event = next((event for event in events if event.kind in (*kinds, "http_exc")), None)
    return event.told if event and event.kind == kinds[-1] else None


def shortened(frames: Sequence[Frame]) -> list[Frame]:
    """Tell a story in short: only what happens to prompts, and each run of steps only once."""
    told: list[Frame] = []
    for frame in frames:
        if frame["type"] == "progress_state" or _is_news(frame):
            continue
        if frame["type"] == "progress":
            data = {key: frame["data"][key] for key in ("node", "max", "prompt_id")}
            short = {"type": "progress", "data": data}
            told += [] if told and told[-1] == short else [short]
        else:
            told.append(frame)
    return told


def nothing_of(_frames: Sequence[Frame]) -> list[Frame]:
    """Leave all frames out: for what is only about answers."""
    return []


def _is_news(frame: Frame) -> bool:
    """Tell whether a frame only says how much there is to do: that hangs on who is faster."""
    return frame["type"] == "status" and "sid" not in frame["data"]


def _preview(decoded: Mapping[str, Any]) -> Frame:
    said = {"event": decoded["event"], "magic": decoded["image_magic"]}
    if "metadata" in decoded:
        said["metadata"] = decoded["metadata"]
    return {"type": "preview", "data": said}


def _without_image(frame: Frame) -> Frame:
    if frame["type"] != "preview":
        return frame
    said = {key: frame[key] for key in ("event", "metadata") if key in frame}
    return {"type": "preview", "data": {**said, "magic": frame["image"][:MAGIC_BYTES].hex()}}


def _compare_bytes(recorded: str, heard: bytes, where: str) -> Iterator[str]:
    """Compare `<493 bytes 89504e47...>`: whether there are any, and how they begin."""
    count, _, start = recorded.strip("<>").partition(" bytes ")
    if (count == "0") != (not heard) or not heard.hex().startswith(start[: MAGIC_BYTES * 2]):
        yield f"{where}: {recorded} was recorded, {len(heard)} bytes {heard[:16].hex()} heard"


def _leave(_base: Path) -> None:
    pass
