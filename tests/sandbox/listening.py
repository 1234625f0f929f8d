"""A WebSocket client that keeps every frame it hears."""

import json
import struct
import threading
from collections.abc import Callable
from typing import Any

import websocket

from .process import PATIENCE_SECONDS

Frame = dict[str, Any]

PREVIEW = 1


class Listener:
    """Hears one client's frames in a thread, so that nothing waits for the test."""

    def __init__(self, url: str, client: str = "", path: str = "/ws") -> None:
        address = f"{url.replace('http', 'ws')}{path}" + (f"?clientId={client}" if client else "")
        self._socket = websocket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._heard: list[Frame] = []
        self._news = threading.Condition()
        self.is_open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def say(self, text: str | bytes) -> None:
        """Send a message."""
        if isinstance(text, str):
            self._socket.send(text)
        else:
            self._socket.send_binary(text)

    def frames(self) -> list[Frame]:
        """List what was heard so far."""
        with self._news:
            return list(self._heard)

    def wait(self, is_enough: Callable[[list[Frame]], bool]) -> list[Frame]:
        """Wait until enough was heard."""
        with self._news:
            enough = self._news.wait_for(lambda: is_enough(self._heard), PATIENCE_SECONDS)
            assert enough, f"not heard within {PATIENCE_SECONDS} s; heard {self._heard}"
            return list(self._heard)

    def wait_for(self, event: str, **data: object) -> list[Frame]:
        """Wait for one frame."""
        return self.wait(lambda heard: any(matches(frame, event, data) for frame in heard))

    def wait_for_end(self, prompt_id: str) -> list[Frame]:
        """Wait for the last frame of a prompt."""
        return self.wait_for("executing", node=None, prompt_id=prompt_id)

    def close(self) -> None:
        """Say goodbye, and wait until the other side has too."""
        if self.is_open:
            self._socket.send_close()
            self._thread.join(PATIENCE_SECONDS)
        self._hang_up()

    def cut(self) -> None:
        """Go without a word."""
        self._hang_up()
        self._thread.join(PATIENCE_SECONDS)

    def _hang_up(self) -> None:
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    def _listen(self) -> None:
        while self.is_open:
            try:
                kind, payload = self._socket.recv_data()
            except (websocket.WebSocketException, OSError):
                kind, payload = websocket.ABNF.OPCODE_CLOSE, b""
            with self._news:
                if kind == websocket.ABNF.OPCODE_CLOSE:
                    self.is_open = False
                else:
                    self._heard.append(_frame(kind, payload))
                self._news.notify_all()


def matches(frame: Frame, event: str, data: Frame) -> bool:
    """Tell whether a frame is of this kind and says all this."""
    said = frame.get("data", {})
    absent = object()
    return frame["type"] == event and all(said.get(k, absent) == v for k, v in data.items())


def _frame(kind: int, payload: bytes) -> Frame:
    if kind == websocket.ABNF.OPCODE_TEXT:
        frame: Frame = json.loads(payload)
        return frame
    return {"type": "preview", **picture_in(payload)}


def picture_in(payload: bytes) -> Frame:
    """Take a preview apart: the number of its kind, what is said of it, its bytes."""
    event, second = struct.unpack(">II", payload[:8])
    if event == PREVIEW:
        return {"event": event, "image_type": second, "image": payload[8:]}
    end = 8 + second
    return {"event": event, "metadata": json.loads(payload[8:end]), "image": payload[end:]}
