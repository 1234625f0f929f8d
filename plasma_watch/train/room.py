"""Is there room for a training? The one heavy thing besides ComfyUI, so that is asked first.

ComfyUI's queue must be empty: nobody's prompts are interrupted, and none may run beside a training.
Then it is asked to let go of its models, or ended if it is ours, and memory must really be there.
None is started to be looked at.
"""

from __future__ import annotations

import contextlib

from plasma_watch.comfyui.client import Client
from plasma_watch.config import GB
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.gate import disk, memory, power, probe
from plasma_watch.gate.memory import Start, Verdict, Wait
from plasma_watch.system import platform
from plasma_watch.train.shop import Workshop
from plasma_watch.words import counted

FREE_SECONDS = 3.0
"""How long ComfyUI is given to let go of its models before memory is read again."""


def verdict(shop: Workshop, recipe: str, need_disk: int, *, is_waiting: bool) -> Verdict:
    """Ask ComfyUI, disk, mains and memory whether a training may start now."""
    client = shop.engine.reached()
    if client and (busy := _busy(client)):
        return busy
    free = probe.free_disk([shop.home.root, shop.loras.folder, *platform.swap_folders()])
    room = disk.verdict(shop.config.disk, free, need_disk)
    if isinstance(room, Wait):
        return room
    if shop.is_sandbox:
        return Start(is_heavy=False)
    mains = power.verdict(shop.config.power, probe.battery())
    if isinstance(mains, Wait):
        return mains
    found = _memory(shop, recipe, is_waiting=is_waiting)
    if isinstance(found, Wait) and not is_waiting and client:
        empty(shop)
        found = _memory(shop, recipe, is_waiting=False)
    return found


def empty(shop: Workshop) -> None:
    """End a ComfyUI of our own; have another's let go of its models, and give it a moment to."""

    def pause(seconds: float) -> None:
        shop.control.wait(0 if shop.is_sandbox else seconds)

    with contextlib.suppress(PlasmaError):  # one that works after all is seen by the next look
        if shop.engine.make_room(pause):
            pause(FREE_SECONDS)


def _memory(shop: Workshop, recipe: str, *, is_waiting: bool) -> Verdict:
    config = shop.config.memory
    need = shop.needs.of(recipe, int(config.train_gb * GB))
    reading = probe.memory(with_holders=is_waiting)
    return memory.verdict(need, config, reading, is_waiting=is_waiting)


def _busy(client: Client) -> Wait | None:
    try:
        queue = client.queue()
    except PlasmaError as exc:
        return Wait(Code.ENGINE_BUSY, f"cannot see whether ComfyUI is at work: {exc.message}")
    if not queue.running and not queue.pending:
        return None
    whose = f" (of {', '.join(queue.clients)})" if queue.clients else ""
    count = len(queue.running) + len(queue.pending)
    why = f"waits for ComfyUI's queue to be empty: {counted(count, 'prompt')} not ours{whose}"
    return Wait(Code.ENGINE_BUSY, why)
