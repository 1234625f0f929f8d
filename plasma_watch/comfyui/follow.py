"""Follows one prompt to its end: carries frames and answers to the conversation, and waits.

Thin on purpose: what a frame or an answer means is decided in `protocol`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.protocol import Conversation, Fact, Queue, Verdict
from plasma_watch.comfyui.socket import FrameSocket, SocketClosed
from plasma_watch.control import CancelAsked, Control
from plasma_watch.errors import PlasmaError

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How long a wait for a frame lasts; a stop or a cancel is noticed between two."""
RECONNECT_SECONDS = 1.0
CANCEL_SECONDS = 0.5
"""How often a cancel is asked for again while the prompt still runs."""

Tell = Callable[[Fact | Conversation | PlasmaError], None]


class Listener:
    """A socket that is opened again when it closes. Its state: the socket, while it is open."""

    def __init__(self, url: str, client_id: str) -> None:
        self._url = url
        self._client_id = client_id
        self._socket: FrameSocket | None = None
        self._next_try = 0.0
        self.connect()

    def connect(self) -> None:
        """Try to open the socket, at most once a second."""
        if self._socket or time.monotonic() < self._next_try:
            return
        self._next_try = time.monotonic() + RECONNECT_SECONDS
        with contextlib.suppress(SocketClosed):
            self._socket = FrameSocket(self._url, self._client_id)

    @property
    def is_open(self) -> bool:
        """Whether frames could come."""
        return self._socket is not None

    def frame(self, control: Control) -> str | bytes | None:
        """Return the next frame, or None after a tick without one."""
        self.connect()
        if self._socket is None:
            control.stopping.wait(TICK_SECONDS)
            return None
        try:
            return self._socket.frame(TICK_SECONDS)
        except SocketClosed:
            self.close()
            return None

    def close(self) -> None:
        """Close the socket; the next frame asked for opens it again."""
        if self._socket:
            self._socket.close()
        self._socket = None


def follow(
    client: Client,
    listener: Listener,
    conversation: Conversation,
    control: Control,
    tell: Tell,
) -> Verdict:
    """Wait for the one verdict on a prompt.

    A cancel is carried to the engine and followed to its end. Raises Stopping when the daemon ends:
    the prompt runs on and is collected later. An engine that is gone is told, and waited for.
    """
    cancelling = _Cancelling(client, conversation)
    while True:
        if frame := listener.frame(control):
            for fact in conversation.hear(frame):
                tell(fact)
        try:
            control.check()
        except CancelAsked:
            cancelling.go_on()
        if conversation.is_due(time.monotonic()):
            verdict = _ask(client, conversation, tell)
            if verdict is not None:
                return verdict


def _ask(client: Client, conversation: Conversation, tell: Tell) -> Verdict | None:
    try:
        queue, entry = _truth(client, conversation)
    except PlasmaError as exc:
        conversation.was_unreachable(time.monotonic())
        tell(exc)
        return None
    verdict = conversation.answered(queue, entry, time.monotonic())
    tell(conversation)
    return verdict


def _truth(client: Client, conversation: Conversation) -> tuple[Queue, dict[str, object] | None]:
    """Ask for the truth: the queue first, the history second.

    When the end was heard the history has the entry already, and the queue need not be asked.
    """
    if conversation.end_was_heard and (entry := client.history(conversation.prompt)):
        return Queue((), ()), entry
    queue = client.queue()
    return queue, client.history(conversation.prompt)


class _Cancelling:
    """Takes our prompt out of the engine: out of the queue, else by an interrupt that names it.

    The engine may lose an interrupt between two prompts, so it is asked for again while the prompt
    runs. Its state: when to ask next.
    """

    def __init__(self, client: Client, conversation: Conversation) -> None:
        self._client = client
        self._conversation = conversation
        self._next = 0.0

    def go_on(self) -> None:
        """Ask for the cancel, if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + CANCEL_SECONDS
        with contextlib.suppress(PlasmaError):  # it is asked for again, and the end is awaited
            self._ask()

    def _ask(self) -> None:
        prompt = self._conversation.prompt
        self._client.delete(prompt)
        if prompt in self._client.queue().running:
            self._client.interrupt(prompt)
        else:
            self._conversation.was_removed()
