"""One prompt's conversation with ComfyUI: frames and answers in, facts and one verdict out.

Theory of operation. The engine tells of a prompt in three ways, and they disagree for moments:

- WebSocket frames are hints. They get lost (a deaf socket, a frozen stream, a late connect), belong
  to other prompts as well, and may hold anything. They give progress, and they say when to ask.
- `/queue` and `/history` are the truth, and only together: an unknown id in the history may be
  pending, running, or lost. The queue is asked first, the history second; in that order a prompt
  that moves between the two is never missed.
- A prompt that is in neither is not lost yet: it is asked for again, two seconds apart. An engine
  that restarted has forgotten everything.

So a verdict comes from answers alone, and there is at most one. No socket and no clock live here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ASK_SECONDS = 2.0
"""How often queue and history are asked when no frame says that it is time."""
LOST_SECONDS = 2.0
"""How long a prompt must be in neither queue nor history before it counts as lost."""
STUCK_SECONDS = 15.0
"""How long something must be pending while nothing runs before the engine counts as stuck."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A sampler made a step."""

    step: int
    steps: int
    node: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A node began its work."""

    node: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """A JPEG or PNG of the picture so far."""

    picture: bytes


Fact = Stepped | Entered | Previewed


@dataclass(frozen=True, slots=True)
class Image:
    """A file that an output node wrote, as `/view` wants it named."""

    filename: str
    subfolder: str
    type: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The engine finished the graph; whether there is a good picture is another question."""

    images: Mapping[str, tuple[Image, ...]]
    graph: Mapping[str, Any]
    """The graph as executed, read back from the history."""


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node raised."""

    node: str
    node_type: str
    exception: str
    message: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody interrupted it; to the engine this looks like an error."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Neither queue nor history knows it, twice: the engine restarted, or somebody removed it."""


@dataclass(frozen=True, slots=True)
class Hung:
    """It ran without a sign of life, and was interrupted for it."""

    has_stopped: bool
    """Whether it heeded the interrupt; else it runs on, and the engine is of no use."""


Verdict = Succeeded | NodeFailed | Interrupted | Lost | Hung


@dataclass(frozen=True, slots=True)
class Queue:
    """The engine's queue: the prompt ids that run, and those that wait, in run order."""

    running: tuple[str, ...]
    pending: tuple[str, ...]
    clients: tuple[str, ...] = ()
    """Who asked for them, as the clients call themselves, each once."""

    def __contains__(self, prompt: object) -> bool:
        return prompt in self.running or prompt in self.pending

    def ahead_of(self, prompt: str) -> int:
        """Return how many prompts run or wait before this one."""
        if prompt not in self.pending:
            return 0
        return len(self.running) + self.pending.index(prompt)


class Conversation:
    """What is known about one prompt. Its state: what was heard, and since when it is missed."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.ahead = 0
        """How many prompts, other people's, come before ours."""
        self.is_running = False
        """Whether the queue said that ours runs."""
        self.is_stuck = False
        """Whether the engine takes prompts and runs none."""
        self.last_words = ""
        """What the engine's worker died of, where its log tells."""
        self.end_was_heard = False
        """Whether a frame told of the end: else the socket was deaf."""
        self._is_executing = False
        self._missed_since: float | None = None
        self._idle_since: float | None = None
        self._ask_at = 0.0
        self._is_over = False

    def hear(self, frame: str | bytes) -> list[Fact]:
        """Take a frame and return what it tells of our prompt; anything else tells nothing."""
        if isinstance(frame, bytes):
            return self._seen(frame)
        match _loads(frame):
            case {"type": str(kind), "data": dict(data)} if data.get("prompt_id") == self.prompt:
                return self._told(kind, data)
            case _:
                return []

    def _told(self, kind: str, data: dict[str, Any]) -> list[Fact]:
        match kind, data:
            case "execution_start", _:
                self._is_executing = True
            case "executing", {"node": None}:
                self._is_executing = False
                self._heard_end()
            case "executing", {"node": str(node)}:
                self._is_executing = True
                return [Entered(node)]
            case "progress", {"value": int(step), "max": int(steps)} if 0 <= step <= steps:
                return [Stepped(step, steps, str(data.get("node")))]
            case (("execution_error" | "execution_interrupted"), _):
                self._heard_end()
            case _:
                pass
        return []

    def _heard_end(self) -> None:
        self.end_was_heard = True
        self._ask_at = 0.0

    def _seen(self, frame: bytes) -> list[Fact]:
        event, body = int.from_bytes(frame[:4]), frame[4:]
        if event == _PREVIEW and self._is_executing:
            return [Previewed(body[4:])]
        if event == _PREVIEW_WITH_METADATA:
            size = int.from_bytes(body[:4])
            about = _loads(body[4 : 4 + size])
            if isinstance(about, dict) and about.get("prompt_id") == self.prompt:
                return [Previewed(body[4 + size :])]
        return []

    def is_due(self, now: float) -> bool:
        """Tell whether queue and history should be asked now."""
        return not self._is_over and now >= self._ask_at

    def answered(self, queue: Queue, entry: Mapping[str, Any] | None, now: float) -> Verdict | None:
        """Take the answers of `/queue` and then `/history/{id}`; return the verdict, if any."""
        if self._is_over:
            return None
        self._ask_at = now + ASK_SECONDS
        self.ahead = queue.ahead_of(self.prompt)
        self.is_running = self.prompt in queue.running
        self._judge_engine(queue, now)
        verdict = self._judge(queue, entry, now)
        self._is_over = verdict is not None
        return verdict

    def _judge(self, queue: Queue, entry: Mapping[str, Any] | None, now: float) -> Verdict | None:
        if entry is not None:
            return read_entry(entry)
        if self.prompt in queue:
            self._missed_since = None
            return None
        if self._missed_since is None:
            self._missed_since = now
        missed = now - self._missed_since >= LOST_SECONDS
        return Lost() if missed else None

    def _judge_engine(self, queue: Queue, now: float) -> None:
        """Notice an engine whose worker has died: it answers, it queues, it runs nothing."""
        if queue.running or not queue.pending:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        waited = self._idle_since is not None and now - self._idle_since >= STUCK_SECONDS
        self.is_stuck = waited or bool(self.last_words)

    def worker_died(self, last_words: str) -> None:
        """Take it from the engine's log that its worker is dead."""
        self.last_words = last_words
        self.is_stuck = True

    def was_accepted(self, now: float) -> None:
        """Take it that the engine has the prompt: it is asked when frames had their time."""
        self._ask_at = now + ASK_SECONDS

    def was_removed(self) -> None:
        """Take it that we took the prompt out of the queue: its absence needs no second look."""
        self._missed_since = float("-inf")
        self._ask_at = 0.0

    def was_unreachable(self, now: float) -> None:
        """Take it that the engine could not be asked: what it does meanwhile is unknown."""
        self._missed_since = self._idle_since = None
        self.is_running = False
        self.last_words = ""
        self._ask_at = now + ASK_SECONDS / 2


_PREVIEW = 1
_PREVIEW_WITH_METADATA = 4


def _loads(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_queue(answer: object) -> Queue:
    """Read `/queue`'s answer; pending comes in heap order and is put in run order here.

    Raises ValueError when it is something else.
    """
    match answer:
        case {"queue_running": list(found_running), "queue_pending": list(found_pending)}:
            running, pending = _items(found_running), _items(found_pending)
        case _:
            raise ValueError("not an answer of /queue")
    return Queue(
        tuple(prompt for _, prompt in running),
        tuple(prompt for _, prompt in sorted(pending, key=lambda item: item[0])),
        tuple(dict.fromkeys(_clients([*found_running, *found_pending]))),
    )


def _clients(items: list[Any]) -> Iterator[str]:
    for item in items:
        match item:
            case [_, _, _, {"client_id": str(client)}, *_]:
                yield client
            case _:
                pass


def _items(items: list[Any]) -> list[tuple[int | float, str]]:
    return [
        (item[0], item[1])
        for item in items
        if isinstance(item, list)
        and len(item) > 1
        and isinstance(item[0], int | float)
        and isinstance(item[1], str)
    ]


def read_entry(entry: Mapping[str, Any]) -> Verdict:
    """Read a history entry: the status first, the outputs second."""
    status = entry.get("status")
    status = status if isinstance(status, dict) else {}
    ends = dict(_messages(status))
    if "execution_interrupted" in ends:
        return Interrupted()
    if "execution_error" in ends or status.get("status_str") == "error":
        return _failed(ends.get("execution_error", {}))
    return Succeeded(_images(entry.get("outputs")), _graph(entry.get("prompt")))


def _messages(status: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    messages = status.get("messages")
    found = messages if isinstance(messages, list) else []
    return [(m[0], m[1]) for m in found if isinstance(m, list) and _is_message(m)]


def _is_message(message: list[Any]) -> bool:
    match message:
        case [str(), dict()]:
            return True
        case _:
            return False


def _failed(told: Mapping[str, Any]) -> NodeFailed:
    def text(key: str) -> str:
        return str(told.get(key) or "").strip()

    return NodeFailed(
        text("node_id"), text("node_type"), text("exception_type"), text("exception_message")
    )


def _images(outputs: object) -> dict[str, tuple[Image, ...]]:
    found = outputs if isinstance(outputs, dict) else {}
    return {
        str(node): tuple(_image(item) for item in output["images"] if isinstance(item, dict))
        for node, output in found.items()
        if isinstance(output, dict) and isinstance(output.get("images"), list)
    }


def _image(item: Mapping[str, Any]) -> Image:
    return Image(
        str(item.get("filename", "")), str(item.get("subfolder", "")), str(item.get("type", ""))
    )


def _graph(prompt: object) -> dict[str, Any]:
    match prompt:
        case [_, _, dict(graph), *_]:
            return graph
        case _:
            return {}
