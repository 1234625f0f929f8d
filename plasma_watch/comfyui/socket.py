"""ComfyUI's WebSocket: frames as they come, or the news that it is closed. No meaning."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import websocket

from plasma_watch.comfyui.address import credentials

CONNECT_SECONDS = 3.0
MAX_FRAME_BYTES = 16_000_000
"""A preview has some ten thousand; what is larger is nothing for us, in one piece or in many."""
_FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


class SocketClosed(Exception):  # noqa: N818 - an event, not an error: the truth is asked elsewhere
    """The socket is closed, or never opened."""


class _Bounded(websocket.WebSocket):
    """A socket that breaks before a frame fills the memory. Its state: how much came of one."""

    came = 0

    def _recv(self, bufsize: int) -> bytes:
        received: bytes = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        self.came += len(received)
        if self.came > MAX_FRAME_BYTES:
            raise websocket.WebSocketPayloadException("a frame is larger than any of use")
        return received


_OPTIONS: dict[str, Any] = {
    "class_": _Bounded,
    # Its own check of texts takes a second for some megabytes; decoding them checks as well.
    "skip_utf8_validation": True,
    # The library heeds the list only where a proxy is named; else it asks the environment's proxy.
    "http_proxy_host": "none",
    "http_no_proxy": ["*"],
}


class FrameSocket:
    """One open socket. Its state is the library's buffer of a frame that is still coming in."""

    def __init__(self, url: str, client_id: str) -> None:
        """Connect, or raise SocketClosed."""
        try:
            self._socket = websocket.create_connection(
                _address(url, client_id),
                timeout=CONNECT_SECONDS,
                header=credentials(url),
                **_OPTIONS,
            )
        except (OSError, websocket.WebSocketException) as exc:
            raise SocketClosed(str(exc)) from exc
        try:
            # Only the first message may ask for previews that say whose they are.
            self._socket.send(_FEATURES)
        except (OSError, websocket.WebSocketException) as exc:
            self.close()
            raise SocketClosed(str(exc)) from exc

    def frame(self, seconds: float) -> str | bytes | None:
        """Return the next frame, or None when none came in time; raise SocketClosed at the end."""
        try:
            self._socket.settimeout(seconds)
            frame: str | bytes = self._socket.recv()
            self._socket.came = 0  # type: ignore[attr-defined]
        except websocket.WebSocketTimeoutException:
            return None
        except (OSError, websocket.WebSocketException, UnicodeDecodeError, ValueError) as exc:
            raise SocketClosed(str(exc)) from exc
        if not frame and not self._socket.connected:
            raise SocketClosed("closed by ComfyUI")
        return frame

    def close(self) -> None:
        """Close without waiting for the other side."""
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._socket.shutdown()  # type: ignore[no-untyped-call]


def _address(url: str, client_id: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    path = f"{parts.path.rstrip('/')}/ws"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((scheme, host, path, f"clientId={client_id}", ""))
