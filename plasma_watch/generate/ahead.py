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
from collections.abc import Callable
from dataclasses import dataclass, replace

from plasma_watch.comfyui.client import Client
from plasma_watch.errors import PlasmaError
from plasma_watch.generate.asking import again, post
from plasma_watch.generate.order import Order
from plasma_watch.generate.piece import Bench, Piece
from plasma_watch.generate.preparing import Asked, Prepared, models_of, prepare
from plasma_watch.generate.shop import Workshop
from plasma_watch.job import Job
from plasma_watch.line import Ongoing, Waiting
from plasma_watch.request import GenerateRequest
from plasma_watch.status import utc_now

log = logging.getLogger(__name__)

Plan = Callable[[Ongoing, Job], None]
"""Writes a job's plan into its journal, and tells of it."""


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
    order: Order


class Ahead:
    """Looks one job ahead. Its state: what it looked at, what it made ready, what it sent."""

    def __init__(self, shop: Workshop, plan: Plan) -> None:
        self._shop = shop
        self._plan = plan
        self._seen: Waiting | None = None
        self._ready: Ready | None = None
        self._sent: Sent | None = None

    def look(self) -> None:
        """Make the head of the line ready, unless that was tried before."""
        waiting = self._shop.others.first()
        if waiting is None or waiting == self._seen:
            return
        self._seen, self._ready = waiting, None
        with contextlib.suppress(PlasmaError, OSError):  # its own turn tells what is wrong
            self._ready = self._made_ready(waiting)

    def _made_ready(self, waiting: Waiting) -> Ready | None:
        shop = self._shop
        if shop.tripwire.tripped and shop.tripwire.tripped.subject == waiting.id:
            return None
        client, facts = shop.engine.ready(utc_now())
        request = shop.others.asked(waiting)
        if not isinstance(request, GenerateRequest) or request.once:
            return None  # `once` looks for what the running job has yet to place
        asked = Asked(waiting.job(), request, waiting.path)
        return Ready(waiting, client, prepare(shop, (client, facts), asked, lambda _: None))

    def begin(self, bench: Bench) -> None:
        """Claim and send what is ready, if all is as it was then."""
        ready, self._ready = self._ready, None
        if ready is None or ready.client is not bench.client or not self._is_true(ready.prepared):
            return
        if ongoing := self._shop.others.begin(ready.waiting):
            try:
                self._send(bench, ongoing, ready.prepared)
            except Exception as exc:  # noqa: BLE001 - the running job must not suffer for it
                log.info("%s: %s; that is looked into when its turn comes", ongoing.job.id, exc)

    def _is_true(self, prepared: Prepared) -> bool:
        """Tell whether the models are still those that the order names."""
        with contextlib.suppress(OSError):
            return models_of(self._shop, prepared.order, prepared.job) == prepared.order.models
        return False

    def _send(self, bench: Bench, ongoing: Ongoing, prepared: Prepared) -> None:
        """Write plan and attempt into the journal at once, then send."""
        planned = prepared.job.with_picture(again(prepared.job.pictures[0]))
        job = replace(
            ongoing.job,
            request=planned.request,
            pictures=planned.pictures,
            seed_was_drawn=planned.seed_was_drawn,
        )
        self._plan(ongoing, job)
        piece = Piece(bench, ongoing, prepared.order, 1)
        if post(piece):
            self._sent = Sent(job.id, piece.prompt, prepared.order)

    def taken(self, job: str) -> Sent | None:
        """Return what was sent for a job, once; the next try prepares anew."""
        sent, self._sent = self._sent, None
        return sent if sent and sent.job == job else None
