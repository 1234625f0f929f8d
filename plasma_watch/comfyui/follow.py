"""Follows one prompt to its end: carries frames and answers to the conversation, and waits.

Thin on purpose: what a frame or an answer means is decided in `protocol`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.patience import Patience, how_the_worker_died
from plasma_watch.comfyui.protocol import Conversation, Fact, Hung, Interrupted, Queue, Verdict
from plasma_watch.comfyui.socket import FrameSocket, SocketClosed
from plasma_watch.control import CancelAsked, Control
from plasma_watch.errors import PlasmaError

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How long a wait for a frame lasts; a stop or a cancel is noticed between two."""
RECONNECT_SECONDS = 1.0
CANCEL_SECONDS = 0.5
"""How often a cancel is asked for again while the prompt still runs."""

Rescue = Callable[[], bool]
"""Restarts an engine that is ours, and tells whether it could."""
Tell = Callable[[Fact | Conversation | PlasmaError], None]


class Listener:
    """A socket that is opened again when it closes. Its state: the socket, while it is open."""

    def __init__(self, url: str, client_id: str) -> None:
        self._url = url
        self.client_id = client_id
        self._socket: FrameSocket | None = None
        self._next_try = 0.0
        self.connect()

    def connect(self) -> None:
        """Try to open the socket, at most once a second."""
        if self._socket or time.monotonic() < self._next_try:
            return
        self._next_try = time.monotonic() + RECONNECT_SECONDS
        with contextlib.suppress(SocketClosed):
            self._socket = FrameSocket(self._url, self.client_id)

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
    *,
    patience: Patience,
    rescue: Rescue,
) -> Verdict:
    """Wait for the one verdict on a prompt.

    A cancel is carried to the engine and followed to its end. Raises Stopping when the daemon ends:
    the prompt runs on and is collected later. An engine that is gone is told, and waited for; one
    that hangs is interrupted once, and restarted if `rescue` can.
    """
    cancelling = _Cancelling(client, conversation)
    watching = _Watching(client, listener, conversation, patience, rescue)
    while True:
        if frame := listener.frame(control):
            for fact in conversation.hear(frame):
                patience.heard(fact, time.monotonic())
                tell(fact)
        try:
            control.check()
        except CancelAsked:
            cancelling.go_on()
        if conversation.is_due(time.monotonic()):
            verdict = _ask(client, conversation, tell) or watching.look(time.monotonic())
            if verdict is not None:
                return watching.judged(verdict)


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


class _Watching:
    """Looks whether the engine works on ours at all, and acts when it does not."""

    def __init__(
        self,
        client: Client,
        listener: Listener,
        conversation: Conversation,
        patience: Patience,
        rescue: Rescue,
    ) -> None:
        self._client = client
        self._listener = listener
        self._conversation = conversation
        self._patience = patience
        self._rescue = rescue

    def look(self, now: float) -> Verdict | None:
        """Look once; return Hung when the prompt hangs and nothing stops it."""
        if not self._conversation.is_running:
            self._patience.waits(now)
        if self._patience.is_doubtful(now):
            self._read_log(now)
        if self._conversation.is_stuck:
            self._rescue()
        if not self._patience.is_over(now):
            return None
        if not self._patience.was_interrupted:
            self._interrupt(now)
        elif self._patience.has_run_on(now) and not self._rescue():
            return Hung(has_stopped=False)
        return None

    def judged(self, verdict: Verdict) -> Verdict:
        """Return a verdict as what it is: an interrupt of ours means that the prompt hung."""
        if isinstance(verdict, Interrupted) and self._patience.was_interrupted:
            return Hung(has_stopped=True)
        return verdict

    def _read_log(self, now: float) -> None:
        """Read the log, and open the socket again: it may be deaf."""
        with contextlib.suppress(PlasmaError):
            lines = self._client.log()
            self._patience.read(lines, now)
            if words := how_the_worker_died(lines):
                self._conversation.worker_died(words)
        if self._conversation.is_running:
            self._listener.close()

    def _interrupt(self, now: float) -> None:
        self._patience.interrupted(now)
        log.warning("prompt %s shows no sign of life: interrupted", self._conversation.prompt)
        with contextlib.suppress(PlasmaError):
            self._client.interrupt(self._conversation.prompt)
