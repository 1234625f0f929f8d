"""A prompt sent and followed to its end, with all that is told on the way."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.follow import Listener, Rescue, follow
from plasma_watch.comfyui.patience import Patience
from plasma_watch.comfyui.protocol import Conversation, Fact, Stepped, Verdict
from plasma_watch.control import Control, Running
from plasma_watch.errors import Code, PlasmaError
from tests.sandbox.graphs import text_to_image
from tests.sandbox.process import PATIENCE_SECONDS, Sandbox

News = Fact | Conversation | PlasmaError


class Follower:
    """Sends one prompt and follows it. Its state: what it was told."""

    def __init__(self, engine: Sandbox, read_seconds: float = 10.0) -> None:
        self.prompt = str(uuid.uuid4())
        self.client = Client(engine.url, read_seconds)
        self.patience = Patience(300.0, time.monotonic())
        self.rescue: Rescue = lambda: False
        self.control = Control()
        self.control.begin(Running("job", "p003"))
        self.codes: list[Code] = []
        self.steps: list[int] = []
        self.on_step: Callable[[], object] = lambda: None
        self.on_stuck: Callable[[], object] = lambda: None
        self._client_id = str(uuid.uuid4())
        self._listener = Listener(engine.url, self._client_id)
        self._deadline = time.monotonic() + PATIENCE_SECONDS

    def send(self, **settings: Any) -> None:
        """Send a graph that nobody sent before."""
        graph = text_to_image(text=self.prompt, prefix=f"{self.prompt}/img", **settings)
        self.client.post_prompt(graph, self.prompt, self._client_id, {})

    def follow(self) -> Verdict:
        """Follow it to its end."""
        try:
            return follow(
                self.client,
                self._listener,
                Conversation(self.prompt),
                self.control,
                self._tell,
                patience=self.patience,
                rescue=self.rescue,
            )
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything."""
        self._listener.close()
        self.client.close()

    def cancel(self) -> None:
        """Ask for the job to be cancelled."""
        self.control.cancel("job")

    def _tell(self, news: News) -> None:
        assert time.monotonic() < self._deadline, "no verdict"
        match news:
            case PlasmaError():
                self.codes.append(news.code)
            case Stepped():
                self.steps.append(news.step)
                self.on_step()
            case Conversation() if news.is_stuck:
                self.on_stuck()
            case _:
                pass
