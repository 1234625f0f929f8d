"""May a picture be made now? Engine, disk and memory are asked.

To ask has hands: an idle engine is told to free its memory, and one of our own is renewed when it
has grown. To glance has none: it is for the job behind the running one, while the engine still has
that one's picture.
"""

from __future__ import annotations

import contextlib

from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate import disk, memory, probe
from plasma_watch.gate.memory import Start, Verdict, Wait
from plasma_watch.generate.shop import Workshop
from plasma_watch.status import utc_now
from plasma_watch.system import platform

FREE_SECONDS = 3.0
"""How long an engine is given to let go of its models before memory is read again."""


class Gate:
    """Asks the machine for one kind."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def ask(self, recipe: str, *, is_waiting: bool) -> Verdict:
        """Tell whether a job may start now, and make room for it where that is easy."""
        shop = self._shop
        try:
            client, facts = shop.engine.ready(utc_now())
            shop.engine.renew(client)
            still_hangs = shop.engine.still_hangs()
        except PlasmaError as exc:
            return Wait(exc.code, exc.message)
        if still_hangs:
            why = "needs ComfyUI, which hangs in an earlier prompt; restart it"
            return Wait(Code.ENGINE_STUCK, why)
        room = self._room()
        if isinstance(room, Wait):
            return room
        return self._memory(client, facts, recipe, is_waiting=is_waiting)

    def glance(self, facts: Facts, recipe: str) -> bool:
        """Tell whether a job may start behind the running one; nothing is done for it."""
        if self._shop.engine.wants_renewal() or isinstance(self._room(), Wait):
            return False
        return isinstance(self._verdict(facts, recipe, is_waiting=False), Start)

    def _room(self) -> Verdict:
        shop = self._shop
        free = probe.free_disk([shop.home.root, shop.output(), *platform.swap_folders()])
        return disk.verdict(shop.config.disk, free)

    def _memory(self, client: Client, facts: Facts, recipe: str, *, is_waiting: bool) -> Verdict:
        verdict = self._verdict(facts, recipe, is_waiting=is_waiting)
        if isinstance(verdict, Wait) and not is_waiting and _freed(client):
            self._shop.engine.checkpoint = ""
            self._shop.control.wait(FREE_SECONDS)
            verdict = self._verdict(facts, recipe, is_waiting=False)
        return verdict

    def _verdict(self, facts: Facts, recipe: str, *, is_waiting: bool) -> Verdict:
        shop = self._shop
        if facts.is_sandbox:
            return Start(is_heavy=False)
        guess = memory.need_bytes("generate", shop.config.memory, is_warm=self._is_warm())
        need = shop.needs.of(self.known_as(recipe), guess)
        reading = shop.meter.read(with_holders=is_waiting)
        return memory.verdict(need, shop.config.memory, reading, is_waiting=is_waiting)

    def _is_warm(self) -> bool:
        """Tell whether the engine holds models already."""
        return bool(self._shop.engine.checkpoint)

    def known_as(self, recipe: str) -> str:
        """Return what a workflow's need is remembered under: a warm engine grows by less."""
        return f"{recipe} {'warm' if self._is_warm() else 'cold'}"


def _freed(client: Client) -> bool:
    """Ask an idle engine to free its memory; one that works for others is left alone."""
    with contextlib.suppress(PlasmaError):
        queue = client.queue()
        if not queue.running and not queue.pending:
            client.free()
            return True
    return False
