"""What is sent over a WebSocket, as values: who it is for, and what it says."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from plasma_watch.sandbox.graph import Json

PREVIEW = 1
PREVIEW_WITH_METADATA = 4
JPEG = 1
NUMBER = struct.Struct(">I")

EVERYONE = None
"""The address of a frame that goes to every open socket."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: JSON, or bytes behind the number of their kind."""

    event: str | int
    body: str | bytes
    to: object = EVERYONE
    """A client's id as it was sent to us; everyone where there is none."""


def told(event: str, data: Mapping[str, object], to: object = EVERYONE) -> Frame:
    """Say something in JSON, as it is now."""
    return Frame(event, json.dumps({"type": event, "data": data}), to)


def preview(jpeg: bytes, to: object) -> Frame:
    """Show a step's picture."""
    return Frame(PREVIEW, NUMBER.pack(PREVIEW) + NUMBER.pack(JPEG) + jpeg, to)


def preview_with_metadata(jpeg: bytes, metadata: Json, to: object) -> Frame:
    """Show a step's picture to a client that asked to be told whose it is."""
    text = json.dumps({**metadata, "image_type": "image/jpeg"}).encode()
    body = NUMBER.pack(PREVIEW_WITH_METADATA) + NUMBER.pack(len(text)) + text + jpeg
    return Frame(PREVIEW_WITH_METADATA, body, to)
