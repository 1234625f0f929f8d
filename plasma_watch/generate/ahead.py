"""The job behind the one that runs: made ready while the engine works, sent when it is free.

The engine is free as soon as it has told of its end; fetching, judging and placing what it made
need it no more. So it gets the next prompt first. It never holds two of ours: a job that has to ask
once more lets the one that was sent behind it pass (`Others.are_out`).

To begin the next job is all it does. Whatever is in the way, or goes wrong with it, is left for
that job's own turn to find and to tell: it is claimed by then, or waits as before.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts
from plasma_watch.generate.asking import next_attempt, post
from plasma_watch.generate.gating import Gate
from plasma_watch.generate.order import Order
from plasma_watch.generate.piece import Bench, Piece
from plasma_watch.generate.preparing import Asked, Prepared, models_of, prepare
from plasma_watch.generate.shop import Workshop
from plasma_watch.job import Job
from plasma_watch.line import Waiting
from plasma_watch.request import GenerateRequest

log = logging.getLogger(__name__)

KIND = "generate"


@dataclass(frozen=True, slots=True)
class Ready:
    """A job of the line that could be sent now."""

    waiting: Waiting
    client: Client
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Sent:
    """A prompt that the engine took before its job's turn, and what that job needs further."""

    job: str
    prompt: str
    at: float
    """When it was sent, in monotonic seconds."""
    order: Order


class Ahead:
    """Looks one job ahead. Its state: what it looked at, what it made ready, what it sent."""

    def __init__(self, shop: Workshop, gate: Gate, tell: Callable[[Job], None]) -> None:
        self._shop = shop
        self._gate = gate
        self._tell = tell
        """Tells of a job that was begun."""
        self._seen: Waiting | None = None
        self._ready: Ready | None = None
        self._sent: Sent | None = None

    def look(self, bench: Bench, facts: Facts) -> None:
        """Make the head of the line ready, unless that was tried before."""
        waiting = self._shop.others.first()
        if waiting is None or waiting == self._seen:
            return
        self._seen, self._ready = waiting, None
        if waiting.kind == KIND and not self._killed_us(waiting):
            with _harmless(waiting):
                self._ready = self._made_ready(waiting, bench.client, facts)

    def _killed_us(self, waiting: Waiting) -> bool:
        """Tell whether a daemon died on it: only in its own turn its deaths are counted."""
        tripped = self._shop.tripwire.tripped
        return tripped is not None and tripped.subject == waiting.id

    def _made_ready(self, waiting: Waiting, client: Client, facts: Facts) -> Ready | None:
        request = self._shop.others.asked(waiting)
        if not isinstance(request, GenerateRequest) or request.once:
            return None  # `once` looks for what the running job has yet to place
        asked = Asked(waiting.job(), request, waiting.path)
        known = self._shop.hashes.known  # to hash a model takes seconds, in which nobody listens
        prepared = prepare(self._shop, (client, facts), asked, lambda _: None, hash_of=known)
        return Ready(waiting, client, prepared)

    def begin(self, bench: Bench) -> None:
        """Claim and send what is ready, if all is as it was then."""
        ready, self._ready = self._ready, None
        if ready is None or ready.client is not bench.client:
            return
        with _harmless(ready.waiting):
            prepared, order = ready.prepared, ready.prepared.order
            if not self._gate.glance(order.facts, ready.waiting.recipe):
                return
            if not self._is_true(prepared):
                return
            job = prepared.job.with_picture(next_attempt(prepared.job.pictures[0]))
            ongoing = self._shop.others.begin(ready.waiting, job)
            if ongoing and ongoing.job == job:  # else its file was rewritten: its turn reads it
                self._send(Piece(bench, ongoing, order, 1))

    def _is_true(self, prepared: Prepared) -> bool:
        """Tell whether the models are still those that the order names."""
        then = prepared.order.models
        named = [(model["folder"], model["name"]) for model in then]
        return models_of(self._shop, prepared.job, named, self._shop.hashes.known) == then

    def _send(self, piece: Piece) -> None:
        """Send an attempt, which stands in the journal since the claim, then tell of the job."""
        at = time.monotonic()
        try:
            if post(piece):
                self._sent = Sent(piece.job.id, piece.prompt, at, piece.order)
        finally:
            self._tell(piece.job)

    def taken(self, job: str) -> Sent | None:
        """Return what was sent for a job, once; the next try prepares anew."""
        if self._sent is None or self._sent.job != job:
            return None
        sent, self._sent = self._sent, None
        return sent


@contextlib.contextmanager
def _harmless(waiting: Waiting) -> Iterator[None]:
    """Keep from the running job whatever goes wrong with the one behind it."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - a bug met in it is its own turn's, too
        log.info("%s: %s; that is looked into when its turn comes", waiting.id, exc)
