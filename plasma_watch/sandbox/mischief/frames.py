"""What becomes of a frame on its way to a client. Pure but for the counting of occasions."""

from __future__ import annotations

import json
import uuid
from enum import Enum, auto

from plasma_watch.sandbox.mischief.script import Script

MEGABYTE = 1_000_000


class Cut(Enum):
    """In the place of a frame: the connection ends here, without a word."""

    CUT = auto()


Part = str | bytes | Cut

GARBAGE: tuple[str | bytes, ...] = (
    "",
    "{",
    "null",
    "[1, 2]",
    '"progress"',
    "[" * 2000,
    '{"type": "progress"}',
    '{"type": 5, "data": []}',
    '{"type": "executing", "data": {"node": null}}',
    '{"type": "progress", "data": {"value": "x", "max": null}}',
    '{"type": "nothing-that-is-known", "data": {"prompt_id": 7}}',
    b"",
    b"\0\0\0",
    b"\0\0\0\x01",
    b"\0\0\0\x04\xff\xff\xff\xff{",
    b"\0\0\0\x09" + bytes(64),
)
"""Frames that make no sense."""


def sent(script: Script, client: str, body: str | bytes) -> list[Part]:
    """Return what a client is sent in the place of a frame; nearly always the frame."""
    if script.strikes("go-silent", of=client):
        return []
    if script.strikes("cut-socket-before", of=client):
        return [Cut.CUT]
    parts: list[Part] = [_of_another(body) if script.strikes("wrong-ids") else body]
    if script.strikes("garbage-frames"):
        parts = [*GARBAGE, *parts]
    if fault := script.strikes("huge-frames"):
        parts = [b"\0\0\0\x01" + bytes(int(fault.number * MEGABYTE)), *parts]
    if script.strikes("cut-socket-after", of=client):
        parts = [*parts, Cut.CUT]
    return parts


def _of_another(body: str | bytes) -> str | bytes:
    """Return a frame as if it told of another prompt."""
    if isinstance(body, bytes):
        return body
    told = json.loads(body)
    if "prompt_id" in told["data"]:
        told["data"]["prompt_id"] = str(uuid.uuid4())
    return json.dumps(told)
