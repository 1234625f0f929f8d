"""An engine that says what it is told to say, over real sockets on a free port of this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.ports import nobodys_port

STATS: dict[str, Any] = {
    "system": {"comfyui_version": "0.3.64", "python_version": "3.11.7 (main)", "argv": ["main.py"]},
    "devices": [{"name": "cpu", "type": "cpu", "index": None}],
}
_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class FakeEngine:
    """A fake ComfyUI. Its state: its queue and history, what it was asked, and who listens."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.pending: list[str] = []
        self.history: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        """What a path answers instead of the truth."""
        self.cuts: dict[str, bytes] = {}
        """What a path sends before it cuts the connection."""
        self.silent: set[str] = set()
        """The paths that never answer."""
        self.asked: list[tuple[str, Any]] = []
        """Method and path of every request, with its JSON or its bytes."""
        self.logins: list[str] = []
        """Who asked, each time: the header that says it."""
        self.late: dict[str, threading.Event] = {}
        """The paths whose answers follow their headers only when something has happened."""
        self.on_asked: Callable[[str], object] = lambda _: None
        """Called with method and path before each answer."""
        self.clients: list[str] = []
        """The client ids of the sockets, as they came."""
        self.greeting: list[str | bytes] = []
        """The frames that every new socket gets; bytes are binary frames."""
        self.farewell: bytes | None = None
        """What every new socket gets, as it is, before it is cut."""
        self.takes_sockets = True
        self._sockets: list[socket.socket] = []
        self._listening = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def says(self, path: str, body: object, status: int = 200) -> None:
        """Say what a path answers: JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = (status, content)

    def routes(self) -> list[str]:
        """Return method and path of every request."""
        return [route for route, _ in self.asked]

    def tell(self, *frames: str | bytes) -> None:
        """Send frames to every socket."""
        self.send_raw(b"".join(framed(frame) for frame in frames))

    def send_raw(self, content: bytes) -> None:
        """Send bytes to every socket that are no whole frame, or none at all."""
        with self._listening:
            for listener in self._sockets:
                listener.sendall(content)

    def hang_up(self) -> None:
        """Cut every socket, as an engine that is killed does."""
        with self._listening:
            for listener in self._sockets:
                with suppress(OSError):  # its other side went first
                    listener.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def close(self) -> None:
        """End it."""
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # For its server.

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return status and body of an answer: what it was told to say, or the truth."""
        if path in self.answers:
            return self.answers[path]
        prompt = path.removeprefix("/history/")
        truth = {
            "/system_stats": STATS,
            "/queue": {
                "queue_running": [[n, each, {}, {}, []] for n, each in enumerate(self.running)],
                "queue_pending": [[n, each, {}, {}, []] for n, each in enumerate(self.pending)],
            },
            f"/history/{prompt}": {k: v for k, v in self.history.items() if k == prompt},
        }
        return 200, json.dumps(truth[path]).encode() if path in truth else b""

    def listen(self, connection: socket.socket, client: str, key: str) -> None:
        """Take a socket that is to be opened, and keep it until its other side goes."""
        with self._listening:  # whoever finds it open is sure to be told what comes
            self.clients.append(client)
            connection.sendall(_handshake(key))
            connection.sendall(b"".join(framed(frame) for frame in self.greeting))
            self._sockets.append(connection)
            if self.farewell is not None:
                connection.sendall(self.farewell)
                connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connection.recv(4096):
                pass
        with self._listening, suppress(ValueError):  # it was cut by us
            self._sockets.remove(connection)


def _handshake(key: str) -> bytes:
    accept = base64.b64encode(hashlib.sha1((key + _KEY).encode()).digest())  # noqa: S324 - RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def framed(payload: str | bytes) -> bytes:
    """Return a WebSocket frame of a server: a text, or bytes."""
    content = payload.encode() if isinstance(payload, str) else payload
    opcode = 0x81 if isinstance(payload, str) else 0x82
    if len(content) < 126:
        return bytes([opcode, len(content)]) + content
    return bytes([opcode, 126]) + len(content).to_bytes(2) + content


class _Server(ThreadingHTTPServer):
    """The server of one fake engine; its threads end when their other sides go."""

    daemon_threads = True

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that go away are a part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    """Answers as its engine says."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out as a whole, else the kernel waits for more of it
    server: _Server

    def do_GET(self) -> None:
        """Answer a question, or open a socket."""
        address = urlsplit(self.path)
        if address.path == "/ws" and self.server.engine.takes_sockets:
            self.close_connection = True
            client = parse_qs(address.query)["clientId"][0]
            self.server.engine.logins.append(self.headers["Authorization"] or "")
            self.server.engine.listen(self.connection, client, self.headers["Sec-WebSocket-Key"])
        else:
            self._answer(address.path, parse_qs(address.query))

    def do_POST(self) -> None:
        """Take what is asked for."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            body = json.loads(content)
        except ValueError:
            body = content
        self._answer(self.path, body)

    def _answer(self, path: str, body: object) -> None:
        engine, route = self.server.engine, f"{self.command} {path}"
        engine.asked.append((route, body))
        engine.logins.append(self.headers["Authorization"] or "")
        engine.on_asked(route)
        if path in engine.silent:
            self.close_connection = not self.rfile.read(1)
        elif path in engine.cuts:
            self.wfile.write(engine.cuts[path])
            self.close_connection = True
        else:
            status, content = (404, b"") if path == "/ws" else engine.answer(path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if path in engine.late:
                self.wfile.flush()
                engine.late[path].wait()
            with suppress(OSError):
                self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write nothing to the tests' standard error."""


@contextmanager
def fake_engine() -> Iterator[FakeEngine]:
    """Give a fake engine, and end it."""
    engine = FakeEngine()
    try:
        yield engine
    finally:
        engine.close()


def closed_port() -> str:
    """Return the address of a port of this machine where nobody listens."""
    return f"http://127.0.0.1:{nobodys_port()}"


@contextmanager
def full_port() -> Iterator[str]:
    """Give the address of a port that takes no more connections, and does not say so."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        try:
            for each in waiting:
                each.setblocking(False)  # noqa: FBT003 - the library's shape
                each.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for each in waiting:
                each.close()
