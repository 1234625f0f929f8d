"""A `.safetensors` file: the length of its header, the header, and the data; nothing else."""

import hashlib
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LENGTH = struct.Struct("<Q")
LONGEST_HEADER = 100_000_000
LEGACY_START = 0x100000
LEGACY_LENGTH = 0x10000


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named block of numbers."""

    name: str
    kind: str
    """`F16`, `F32`, …"""
    shape: Sequence[int]
    data: bytes


def count(shape: Sequence[int]) -> int:
    """Count the numbers in a tensor of this shape."""
    return math.prod(shape)


def body(tensors: Sequence[Tensor]) -> bytes:
    """Put the data together, in the order of names, as the library does."""
    return b"".join(tensor.data for tensor in ordered(tensors))


def ordered(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Sort by name."""
    return sorted(tensors, key=lambda tensor: tensor.name)


def head(tensors: Sequence[Tensor], metadata: Mapping[str, str]) -> bytes:
    """Write the length and the header, which ends at a multiple of eight bytes."""
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for tensor in ordered(tensors):
        end = start + len(tensor.data)
        shape, offsets = list(tensor.shape), [start, end]
        entries[tensor.name] = {"dtype": tensor.kind, "shape": shape, "data_offsets": offsets}
        start = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH.size)
    return LENGTH.pack(len(text)) + text


def hashes(tensors: Sequence[Tensor], metadata: Mapping[str, str], data: bytes) -> dict[str, str]:
    """Name the content as other programs do: the data alone, and a stretch of the file."""
    kept = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    before = head(tensors, kept)
    start = LEGACY_START - len(before)
    legacy = hashlib.sha256(data[start : start + LEGACY_LENGTH])
    return {
        "sshs_model_hash": hashlib.sha256(data).hexdigest(),
        "sshs_legacy_hash": legacy.hexdigest()[:8],
    }


def read_header(path: Path) -> dict[str, Any]:
    """Read what a file says of itself, without its metadata.

    Raises ValueError in the words of the library when it does not hold.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(LENGTH.size)
        if len(start) < LENGTH.size:
            raise ValueError("HeaderTooSmall")
        length: int = LENGTH.unpack(start)[0]
        if length > LONGEST_HEADER:
            raise ValueError("HeaderTooLarge")
        if length > size - LENGTH.size:
            raise ValueError("InvalidHeaderLength")
        header: dict[str, Any] = _parsed(file.read(length))
    header.pop("__metadata__", None)
    ends = [entry["data_offsets"][1] for entry in header.values()]
    if max(ends, default=0) != size - LENGTH.size - length:
        raise ValueError("MetadataIncompleteBuffer")
    return header


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise ValueError("InvalidHeaderDeserialization") from exc
    return header
