"""Is there room for a training? The one heavy thing besides ComfyUI, so that is asked first.

ComfyUI's queue must be empty: nobody's prompts are interrupted, and none may run beside a training.
Then it is asked to let go of its models, and memory must really be there.
"""

from __future__ import annotations

import contextlib

from plasma_watch.comfyui.client import Client
from plasma_watch.config import GB
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate import disk, memory, probe
from plasma_watch.gate.memory import Start, Verdict, Wait
from plasma_watch.status import utc_now
from plasma_watch.train.shop import Workshop

FREE_SECONDS = 3.0
"""How long ComfyUI is given to let go of its models before memory is read again."""


def verdict(shop: Workshop, resolution: int, need_disk: int, *, is_waiting: bool) -> Verdict:
    """Ask ComfyUI, disk and memory whether a training may start now."""
    client = _client(shop)
    if client and (busy := _busy(client)):
        return busy
    free = probe.free_disk([shop.home.root, shop.loras.folder])
    room = disk.verdict(shop.config.disk, free, need_disk)
    if isinstance(room, Wait):
        return room
    if shop.is_sandbox:
        return Start(is_heavy=False)
    found = _memory(shop, resolution, is_waiting=is_waiting)
    if isinstance(found, Wait) and not is_waiting and client:
        empty(shop)
        found = _memory(shop, resolution, is_waiting=False)
    return found


def empty(shop: Workshop) -> None:
    """Ask ComfyUI to let go of its models, and give it a moment to do so."""
    if client := _client(shop):
        with contextlib.suppress(PlasmaError):
            client.free()
            shop.engine.checkpoint = ""
            shop.control.wait(0 if shop.is_sandbox else FREE_SECONDS)


def _memory(shop: Workshop, resolution: int, *, is_waiting: bool) -> Verdict:
    config = shop.config.memory
    need = shop.needs.of(resolution, int(config.train_gb * GB))
    reading = probe.memory(with_holders=is_waiting)
    return memory.verdict(need, config, reading, is_waiting=is_waiting)


def _client(shop: Workshop) -> Client | None:
    """Return a client if ComfyUI answers; a training needs none that does."""
    try:
        return shop.engine.ready(utc_now())[0]
    except PlasmaError:
        return None


def _busy(client: Client) -> Wait | None:
    try:
        queue = client.queue()
    except PlasmaError as exc:
        return Wait(Code.ENGINE_BUSY, f"cannot see whether ComfyUI is at work: {exc.message}")
    if not queue.running and not queue.pending:
        return None
    whose = f" (of {', '.join(queue.clients)})" if queue.clients else ""
    count = len(queue.running) + len(queue.pending)
    why = f"waits for ComfyUI's queue to be empty: {count} prompt(s) that are not ours{whose}"
    return Wait(Code.ENGINE_BUSY, why)
