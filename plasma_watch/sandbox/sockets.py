"""Who gets which frame: the open sockets by client, and the one place where frames leave.

Two weaknesses of the engine are kept on purpose, for clients must live with them: a socket that
closes takes the newer one of the same client out of the table, and a client that does not read
holds up all the others.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from plasma_watch.sandbox.frames import EVERYONE, Frame

log = logging.getLogger(__name__)


class Sockets:
    """The open sockets and the frames on their way; both change while clients come and go."""

    def __init__(self) -> None:
        self._open: dict[object, web.WebSocketResponse] = {}
        self._features: dict[object, dict[str, Any]] = {}
        self._waiting: asyncio.Queue[Frame] = asyncio.Queue()

    def attach(self, client: str, socket: web.WebSocketResponse) -> None:
        """Give a client this socket, in the place of any other."""
        self._open[client] = socket
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

    async def pump(self) -> None:
        """Deliver frames in the order in which they were sent, for ever."""
        while True:
            await self.deliver(await self._waiting.get())

    async def deliver(self, frame: Frame) -> None:
        """Send one frame to whom it is for."""
        if frame.to is EVERYONE:
            for socket in list(self._open.values()):
                await _send(socket, frame.body)
        elif frame.to in self._open:
            await _send(self._open[frame.to], frame.body)


def _hand_over(
    loop: asyncio.AbstractEventLoop, waiting: asyncio.Queue[Frame], frame: Frame
) -> None:
    if not loop.is_closed():  # the worker outlives the loop by a moment
        loop.call_soon_threadsafe(waiting.put_nowait, frame)


async def _send(socket: web.WebSocketResponse, body: str | bytes) -> None:
    try:
        if isinstance(body, str):
            await socket.send_str(body)
        else:
            await socket.send_bytes(body)
    except (aiohttp.ClientError, ConnectionError) as exc:
        log.warning("send error: %s", exc)
