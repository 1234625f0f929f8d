"""A fake engine that makes of each prompt what it is told to make of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plasma_watch.sandbox
from tests.fakes.drawings import drawn, png
from tests.fakes.engine import FakeEngine, fake_engine

CHOICES = {
    ("CheckpointLoaderSimple", "ckpt_name"): ["anything-v5-PrtRE.safetensors"],
    ("LoraLoader", "lora_name"): ["spyke.safetensors"],
    ("KSampler", "sampler_name"): ["euler", "euler_ancestral"],
    ("KSampler", "scheduler"): ["normal", "karras"],
}
_RECORDED = Path(plasma_watch.sandbox.__file__).parent / "object_info.json"

Outcome = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Makes a history entry of what was posted, or nothing."""


def node_infos() -> dict[str, dict[str, Any]]:
    """Return what an engine says of its nodes, with a few models and samplers."""
    found: dict[str, dict[str, Any]] = copy.deepcopy(json.loads(_RECORDED.read_text("utf-8")))
    for (node_class, name), choices in CHOICES.items():
        found[node_class]["input"]["required"][name][0] = choices
    return found


def finished(*filenames: str, node: str = "9") -> Outcome:
    """Return success with files, which lie where the prompt wants them."""

    def end(posted: dict[str, Any]) -> dict[str, Any]:
        prefix = str(posted["prompt"][node]["inputs"].get("filename_prefix", ""))
        images = [_image(name, prefix.rpartition("/")[0]) for name in filenames]
        return _entry(posted, "success", {node: {"images": images}})

    return end


def _image(filename: str, subfolder: str) -> dict[str, str]:
    return {"filename": filename, "subfolder": subfolder, "type": "output"}


def interrupted(posted: dict[str, Any]) -> dict[str, Any]:
    """Return the end of a prompt that somebody interrupted."""
    return _entry(posted, "error", {}, ["execution_interrupted", {}])


def failed(message: str, node: str = "3") -> Outcome:
    """Return the end of a prompt in whose node something was raised."""
    told = {
        "node_id": node,
        "node_type": "KSampler",
        "exception_type": "RuntimeError",
        "exception_message": f"{message}\n",
    }
    return lambda posted: _entry(posted, "error", {}, ["execution_error", told])


def vanished(_: dict[str, Any]) -> None:
    """Forget the prompt, as an engine does that is killed."""


def _entry(
    posted: dict[str, Any], status: str, outputs: dict[str, Any], *messages: list[Any]
) -> dict[str, Any]:
    return {
        "prompt": [0, posted["prompt_id"], posted["prompt"], {}, ["9"]],
        "outputs": outputs,
        "status": {"status_str": status, "messages": list(messages)},
    }


class Easel:
    """What stands on a fake engine. Its state: what becomes of the next prompts, and of which."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.url = engine.url
        self.outcomes: list[Outcome] = []
        """What becomes of the next prompts; else each makes a picture."""
        self.posted: list[dict[str, Any]] = []
        self.on_posted: Callable[[dict[str, Any]], object] = lambda _: None
        """Called with every prompt before it is answered."""
        self.is_mute = False
        """Whether it keeps to itself that a prompt has ended, as a socket does that is deaf."""
        engine.greeting = [json.dumps({"type": "status", "data": {}})]
        engine.on_asked = self.heard
        for name, info in node_infos().items():
            engine.says(f"/object_info/{name}", {name: info})
        engine.says("/upload/image", {"name": "uploaded.png", "subfolder": "plasma"})
        self.shows(png(drawn(64, 64)))

    def shows(self, content: bytes | None) -> None:
        """Say what the files hold that it wrote; None: they are not there."""
        self.engine.says("/view", content or b"", 404 if content is None else 200)

    def prompts(self) -> list[str]:
        """Return the ids under which it was asked."""
        return [posted["prompt_id"] for posted in self.posted]

    def asked(self, route: str) -> int:
        """Return how often it was asked for something."""
        return self.engine.routes().count(route)

    def at(self, number: int, do: Callable[[], object]) -> None:
        """Let something happen when so many prompts were sent, before the last is answered."""

        def look(_: object) -> None:
            if len(self.posted) == number:
                do()

        self.on_posted = look

    def knows(self, prompt: str, graph: dict[str, Any], outcome: Outcome | None = None) -> None:
        """Put a prompt into its history that ended before."""
        entry = (outcome or finished("img_00001_.png"))({"prompt_id": prompt, "prompt": graph})
        self.engine.history[prompt] = entry

    def heard(self, route: str) -> None:
        """Make of a prompt what is to become of it."""
        if route != "POST /prompt":
            return
        posted = self.engine.asked[-1][1]
        self.posted.append(posted)
        outcome = self.outcomes.pop(0) if self.outcomes else finished("img_00001_.png")
        if entry := outcome(posted):
            self.engine.history[posted["prompt_id"]] = entry
        self.engine.says("/prompt", {"prompt_id": posted["prompt_id"], "node_errors": {}})
        self.on_posted(posted)
        if entry and not self.is_mute:
            self.ends(posted)

    def ends(self, posted: dict[str, Any]) -> None:
        """Tell everybody who listens that a prompt has ended."""
        data = {"node": None, "prompt_id": posted["prompt_id"]}
        self.engine.tell(json.dumps({"type": "executing", "data": data}))


@contextmanager
def easel() -> Iterator[Easel]:
    """Give an easel on a fake engine of its own, and end it."""
    with fake_engine() as engine:
        yield Easel(engine)
