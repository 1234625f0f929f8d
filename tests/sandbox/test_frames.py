"""Frames are bytes on the wire, in the engine's order."""

import json
import struct

from plasma_watch.sandbox.frames import preview, preview_with_metadata, told


def test_message_has_type_and_data() -> None:
    """As JSON."""
    frame = told("status", {"sid": "é"}, "c1")

    assert frame.to == "c1"
    assert isinstance(frame.body, str)
    assert json.loads(frame.body) == {"type": "status", "data": {"sid": "é"}}


def test_message_is_what_was_so_when_it_was_told() -> None:
    """What changes later does not change it."""
    nodes = {"1": "running"}
    frame = told("progress_state", {"nodes": nodes})
    nodes["1"] = "finished"

    assert "running" in str(frame.body)


def test_preview_is_a_jpeg_behind_two_numbers() -> None:
    """Its kind, and the kind of picture."""
    assert preview(b"\xff\xd8", "c1").body == struct.pack(">II", 1, 1) + b"\xff\xd8"


def test_preview_may_tell_its_origin() -> None:
    """As JSON with its length before it."""
    body = preview_with_metadata(b"\xff\xd8", {"node_id": "3"}, "c1").body
    assert isinstance(body, bytes)
    kind, length = struct.unpack(">II", body[:8])

    assert kind == 4
    assert json.loads(body[8 : 8 + length]) == {"node_id": "3", "image_type": "image/jpeg"}
    assert body[8 + length :] == b"\xff\xd8"
