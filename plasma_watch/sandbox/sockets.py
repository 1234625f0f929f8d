"""Who gets which frame: the open sockets by client, and the one place where frames leave.

Two weaknesses of the engine are kept on purpose, for clients must live with them: a socket that
closes takes the newer one of the same client out of the table, and a client that does not read
holds up all the others.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from plasma_watch.sandbox.frames import EVERYONE, Frame
from plasma_watch.sandbox.mischief.frames import Cut, sent
from plasma_watch.sandbox.mischief.script import Script

log = logging.getLogger(__name__)


class Sockets:
    """The open sockets and the frames on their way; both change while clients come and go."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._open: dict[object, web.WebSocketResponse] = {}
        self._features: dict[object, dict[str, Any]] = {}
        self._waiting: asyncio.Queue[Frame] = asyncio.Queue()

    def attach(self, client: str, opened: web.WebSocketResponse) -> None:
        """Give a client this socket, in the place of any other."""
        self._open[client] = opened
        self._features[client] = {}

    def detach(self, client: str) -> None:
        """Take a client's socket away, whichever it has by now."""
        self._open.pop(client, None)
        self._features.pop(client, None)

    def note_features(self, client: str, features: dict[str, Any]) -> None:
        """Remember what a client said that it understands."""
        self._features[client] = features

    def wants_metadata(self, client: object) -> bool:
        """Tell whether a client asked for previews with their origin."""
        return self._features.get(client, {}).get("supports_preview_metadata") is True

    def sender(self) -> Callable[[Frame], None]:
        """Give what other threads send frames with."""
        loop = asyncio.get_running_loop()
        return lambda frame: _hand_over(loop, self._waiting, frame)

    def cutter(self) -> Callable[[], None]:
        """Give what other threads cut all sockets with."""
        loop = asyncio.get_running_loop()
        return lambda: _cut_all(loop, self._open)

    async def pump(self) -> None:
        """Deliver frames in the order in which they were sent, for ever."""
        while True:
            await self.deliver(await self._waiting.get())

    async def deliver(self, frame: Frame) -> None:
        """Send one frame to whom it is for."""
        if frame.to is EVERYONE:
            for client, opened in list(self._open.items()):
                await self._send(client, opened, frame.body)
        elif frame.to in self._open:
            await self._send(frame.to, self._open[frame.to], frame.body)

    async def _send(self, client: object, opened: web.WebSocketResponse, body: str | bytes) -> None:
        for part in sent(self._script, str(client), body):
            if isinstance(part, Cut):
                _cut(opened)
            else:
                await _send(opened, part)


def _hand_over(
    loop: asyncio.AbstractEventLoop, waiting: asyncio.Queue[Frame], frame: Frame
) -> None:
    if not loop.is_closed():  # the worker outlives the loop by a moment
        loop.call_soon_threadsafe(waiting.put_nowait, frame)


async def _send(opened: web.WebSocketResponse, body: str | bytes) -> None:
    try:
        if isinstance(body, str):
            await opened.send_str(body)
        else:
            await opened.send_bytes(body)
    except (aiohttp.ClientError, ConnectionError) as exc:
        log.warning("send error: %s", exc)


def _cut_all(loop: asyncio.AbstractEventLoop, sockets: dict[object, web.WebSocketResponse]) -> None:
    for opened in list(sockets.values()):
        loop.call_soon_threadsafe(_cut, opened)


def _cut(opened: web.WebSocketResponse) -> None:
    """End a connection without a word, as the death of a process does."""
    transport: socket.socket | None = opened.get_extra_info("socket")
    if transport is not None:
        with suppress(OSError):  # its other side went first
            transport.shutdown(socket.SHUT_RDWR)
