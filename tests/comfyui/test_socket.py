"""Frames over a real socket, or the news that it is closed."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plasma_watch.comfyui.socket import (
    MAX_FRAME_BYTES,
    FrameSocket,
    SocketClosed,
    _address,
)
from tests.fakes.engine import FakeEngine, closed_port, framed
from tests.sandbox.process import Sandbox

PATIENCE_SECONDS = 10.0


@pytest.fixture
def socket(engine: FakeEngine) -> Iterator[FrameSocket]:
    """A socket to the fake engine, which has greeted it."""
    engine.greeting = ["hello"]
    socket = FrameSocket(engine.url, "a-client")
    assert socket.frame(PATIENCE_SECONDS) == "hello"
    yield socket
    socket.close()


def test_frames_come_in_order(socket: FrameSocket, engine: FakeEngine) -> None:
    """Texts as texts, bytes as bytes, long ones too."""
    frames: list[str | bytes] = ['{"type": "é"}', b"\0\0\0\1\0", "x" * 5000, b""]
    engine.tell(*frames)

    assert [socket.frame(PATIENCE_SECONDS) for _ in frames] == frames


def test_client_id_is_told(socket: FrameSocket, engine: FakeEngine) -> None:
    """The engine sends a prompt's frames to the client that it names."""
    assert socket.frame(0.01) is None
    assert engine.clients == ["a-client"]


def test_no_frame_in_time_is_none(socket: FrameSocket, engine: FakeEngine) -> None:
    """And the next one still comes."""
    assert socket.frame(0.01) is None

    engine.tell("late")

    assert socket.frame(PATIENCE_SECONDS) == "late"


def test_frame_that_comes_in_pieces_is_whole(socket: FrameSocket, engine: FakeEngine) -> None:
    """What came before the time was up is kept."""
    whole = framed("in two pieces")
    engine.send_raw(whole[:6])
    assert socket.frame(0.05) is None

    engine.send_raw(whole[6:])

    assert socket.frame(PATIENCE_SECONDS) == "in two pieces"


@pytest.mark.parametrize(
    "ending",
    [
        b"\x88\x00",
        b"\x88\x02\x03\xe8",
        b"\x88\x01\x03",
        b"\x81\x02\xff\xfe",
        b"\xf1\x00",
    ],
    ids=["close", "close with reason", "broken close", "no UTF-8", "no frame"],
)
def test_closed_or_broken_socket_is_closed(
    socket: FrameSocket, engine: FakeEngine, ending: bytes
) -> None:
    """With a goodbye, or with what makes no sense."""
    engine.send_raw(ending)

    with pytest.raises(SocketClosed):
        socket.frame(PATIENCE_SECONDS)


@pytest.mark.parametrize("is_whole", [True, False], ids=["in one piece", "in many"])
def test_frame_that_would_fill_the_memory_closes_the_socket(
    socket: FrameSocket, engine: FakeEngine, *, is_whole: bool
) -> None:
    """F32: it is not kept until its end comes."""
    piece = bytes(1_000_000)
    pieces = 2 * MAX_FRAME_BYTES // len(piece)
    length = len(piece) * pieces if is_whole else len(piece)
    head = (0x82 if is_whole else 0x02, 127, *length.to_bytes(8))

    def send() -> None:
        with contextlib.suppress(OSError):  # it hangs up in the middle
            engine.send_raw(bytes(head) + piece)
            for _ in range(pieces - 1):
                engine.send_raw(piece if is_whole else bytes((0x00, *head[1:])) + piece)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(SocketClosed, match="larger"):
            socket.frame(PATIENCE_SECONDS)
    finally:
        socket.close()
        sender.join()


def test_many_large_frames_are_heard(socket: FrameSocket, engine: FakeEngine) -> None:
    """Each is of use by itself."""
    frame, count = "x" * 50_000, 2 * MAX_FRAME_BYTES // 50_000
    sender = threading.Thread(target=engine.tell, args=[frame] * count)
    sender.start()

    assert {socket.frame(PATIENCE_SECONDS) for _ in range(count)} == {frame}
    sender.join()


def test_engine_that_dies_closes_the_socket(socket: FrameSocket, engine: FakeEngine) -> None:
    """Without a goodbye."""
    engine.hang_up()

    with pytest.raises(SocketClosed):
        socket.frame(PATIENCE_SECONDS)


def test_frames_that_came_before_the_end_are_heard(socket: FrameSocket, engine: FakeEngine) -> None:
    """The last word is often the verdict's."""
    engine.tell("last")
    engine.hang_up()

    assert socket.frame(PATIENCE_SECONDS) == "last"
    with pytest.raises(SocketClosed):
        socket.frame(PATIENCE_SECONDS)


def test_socket_may_be_closed_twice(socket: FrameSocket) -> None:
    """Also when the other side went first."""
    socket.close()
    socket.close()

    with pytest.raises(SocketClosed):
        socket.frame(0.01)


def test_nobody_there_is_closed() -> None:
    """As an engine is while it starts."""
    with pytest.raises(SocketClosed):
        FrameSocket(closed_port(), "a-client")


def test_proxy_from_the_environment_is_not_asked(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must never see the way to this machine's own engine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, closed_port())
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "elsewhere.example")
    engine.greeting = ["hello"]

    socket = FrameSocket(engine.url, "a-client")

    assert socket.frame(PATIENCE_SECONDS) == "hello"
    socket.close()


def test_engine_that_takes_no_sockets_is_closed(engine: FakeEngine) -> None:
    """Something else may answer there."""
    engine.takes_sockets = False

    with pytest.raises(SocketClosed):
        FrameSocket(engine.url, "a-client")


def test_sandbox_is_asked_first_of_all_for_signed_previews(sandbox: Sandbox) -> None:
    """Only as the first message this is heard, and then it is answered."""
    socket = FrameSocket(sandbox.url, "features")
    frames = [json.loads(socket.frame(PATIENCE_SECONDS) or "") for _ in range(2)]
    socket.close()

    assert [frame["type"] for frame in frames] == ["status", "feature_flags"]
    assert frames[0]["data"]["sid"] == "features"
    assert frames[1]["data"]["supports_preview_metadata"] is True


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8188", "ws://127.0.0.1:8188/ws?clientId=x"),
        ("https://studio.local", "wss://studio.local/ws?clientId=x"),
        ("http://127.0.0.1:8188/comfy/", "ws://127.0.0.1:8188/comfy/ws?clientId=x"),
        ("http://me:pw@127.0.0.1:8188", "ws://127.0.0.1:8188/ws?clientId=x"),
    ],
)
def test_address_follows_the_engines(url: str, address: str) -> None:
    """Its scheme and its path, too."""
    assert _address(url, "x") == address


@given(pieces=st.lists(st.binary(max_size=40), max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_frames_and_then_the_end(
    engine: FakeEngine, pieces: list[bytes]
) -> None:
    """Nothing else comes of bytes that are no frames."""
    engine.farewell = b"".join(pieces)
    socket = FrameSocket(engine.url, "a-client")

    with contextlib.suppress(SocketClosed):
        for _ in range(200):
            assert isinstance(socket.frame(PATIENCE_SECONDS), str | bytes)
    socket.close()
