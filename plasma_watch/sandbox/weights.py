"""Model files by their headers: it reads a `.safetensors` as far as the engine would notice.

No tensor is ever loaded: a header that holds is a file that loads.
"""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.faults import ReportedError

LENGTH = struct.Struct("<Q")
LONGEST_HEADER = 100_000_000
SAMPLE_BYTES = 1 << 20


def read_header(path: Path) -> dict[str, Any]:
    """Read the header of a `.safetensors` file, or say as the engine says why it cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = _header_length(file.read(LENGTH.size), size)
        header = _parse(file.read(length))
    if _covered(header) != size - LENGTH.size - length:
        raise _broken("incomplete metadata, file not fully covered")
    return header


def standin(name: str, key: str, metadata: dict[str, str] | None = None) -> bytes:
    """Make a small valid `.safetensors` whose bytes differ with its name."""
    data = hashlib.sha256(name.encode()).digest()
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    header[key] = {"dtype": "F16", "shape": [len(data) // 2], "data_offsets": [0, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH.size)
    return LENGTH.pack(len(text)) + text + data


def digest(path: Path) -> str:
    """Name a file's content by its size and its two ends: models are big."""
    size = path.stat().st_size
    seen = hashlib.sha256(LENGTH.pack(size))
    with path.open("rb") as file:
        seen.update(file.read(SAMPLE_BYTES))
        file.seek(max(0, size - SAMPLE_BYTES))
        seen.update(file.read(SAMPLE_BYTES))
    return seen.hexdigest()


def _header_length(start: bytes, size: int) -> int:
    if len(start) < LENGTH.size:
        raise _broken("header too small")
    length: int = LENGTH.unpack(start)[0]
    if length > LONGEST_HEADER:
        raise _broken("header too large")
    if length > size - LENGTH.size:
        raise _broken("invalid header length")
    return length


def _parse(text: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise _broken(f"invalid JSON in header: {exc}") from exc
    return header


def _covered(header: dict[str, Any]) -> int:
    return max(
        (entry["data_offsets"][1] for k, entry in header.items() if k != "__metadata__"), default=0
    )


def _broken(why: str) -> ReportedError:
    return ReportedError(
        "safetensors._safetensors_rust.SafetensorError", f"Error while deserializing header: {why}"
    )
