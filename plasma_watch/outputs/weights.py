"""Is a file of weights whole and sound? The format's own header first, then every number in it.

A trainer that is killed, or meets a full disk, leaves a cut file under its final name; one whose
loss became NaN saves that and calls it good. The safetensors format tells the first by its header
alone; the second takes one look at the bytes, for which no library of arrays is needed.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from plasma_watch.errors import Code, PlasmaError

MAX_HEADER_BYTES = 100_000_000
"""What the format itself allows."""
LEARNED_SHARE = 0.5
"""Of a LoRA that learned something, more than this share of its `lora_up` is not zero."""
_LENGTH_BYTES = 8
_TRAINED = ".lora_up."


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name and type, and where its bytes lie behind the header."""

    name: str
    dtype: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands at the beginning of a file of weights."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]
    data_start: int

    @property
    def size(self) -> int:
        """How long the whole file must be."""
        return self.data_start + max((tensor.end for tensor in self.tensors), default=0)


def read_header(path: Path) -> Header:
    """Read the header of a file of weights that is as long as its header says.

    Raises ValueError when it is cut or no such file, and OSError when it cannot be read.
    """
    with path.open("rb") as file:
        header = _header(file)
    if (size := path.stat().st_size) != header.size:
        raise ValueError(f"has {size} bytes where its header says {header.size}: it was cut")
    return header


def _header(file: BinaryIO) -> Header:
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    text = file.read(length) if 0 < length <= MAX_HEADER_BYTES else b""
    if not text or len(text) < length:
        raise ValueError("has no whole header: it was cut, or is no .safetensors file")
    try:
        return _parsed(json.loads(text), _LENGTH_BYTES + length)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as exc:
        raise ValueError("has a header that makes no sense") from exc


def _parsed(table: dict[str, dict[str, object]], data_start: int) -> Header:
    metadata = table.pop("__metadata__", {})
    tensors = tuple(_tensor(name, entry) for name, entry in table.items())
    return Header(tensors, {str(k): str(v) for k, v in metadata.items()}, data_start)


def _tensor(name: str, entry: dict[str, object]) -> Tensor:
    match entry:
        case {"dtype": str(dtype), "data_offsets": [int(start), int(end)]} if 0 <= start <= end:
            return Tensor(name, dtype, start, end)
        case _:
            raise ValueError(f"{name} has no type, or no place")


def check_lora(path: Path) -> Header:
    """Return the header of a LoRA that is whole, finite, and learned something.

    Raises PlasmaError `trainer.broken-file`, `trainer.nan` or `trainer.learned-nothing`.
    """
    try:
        header = read_header(path)
        ups = [_is_learned(content) for tensor, content in _contents(path, header) if tensor]
    except (ValueError, OSError) as exc:
        raise PlasmaError(
            Code.TRAINER_BROKEN_FILE,
            f"{path.name} {exc}",
            "The disk may have been full, or the trainer was killed while it saved.",
        ) from exc
    if not ups or sum(ups) <= LEARNED_SHARE * len(ups):
        raise PlasmaError(
            Code.TRAINER_LEARNED_NOTHING,
            f"{path.name} is zero in {len(ups) - sum(ups)} of its {len(ups)} trained parts",
            "The optimizer did nothing: another PyTorch for the trainer may help.",
        )
    return header


def is_finite(path: Path) -> bool:
    """Tell whether a file of weights is whole and every number in it is finite."""
    try:
        for _ in _contents(path, read_header(path)):
            pass
    except (ValueError, OSError, PlasmaError):
        return False
    return True


def _contents(path: Path, header: Header) -> Iterator[tuple[bool, bytes]]:
    """Yield the bytes of every tensor, found finite, and whether it is one that training fills."""
    with path.open("rb") as file:
        for tensor in header.tensors:
            file.seek(header.data_start + tensor.start)
            content = file.read(tensor.end - tensor.start)
            if not _FINITE.get(tensor.dtype, _always)(content):
                raise PlasmaError(
                    Code.TRAINER_NAN,
                    f"{path.name} holds NaN or infinity ({tensor.name})",
                    "A lower learning rate, or another PyTorch for the trainer, may help.",
                )
            yield _TRAINED in tensor.name, content


def _is_learned(content: bytes) -> bool:
    return any(content)


def _always(content: bytes) -> bool:  # noqa: ARG001 - whole numbers are finite
    return True


def _finite_floats(code: str) -> Callable[[bytes], bool]:
    def finite(content: bytes) -> bool:
        # The sum of finite singles cannot leave the doubles that it is kept in.
        return math.isfinite(sum(array(code, content)))

    return finite


def _finite_by_exponent(mask: int) -> Callable[[bytes], bool]:
    """Return a look at 16-bit floats: an exponent of ones, in the high byte, is no number.

    In `bfloat16` one bit of the exponent lies in the low byte; what the high byte alone refuses
    there is over 10^38, which is as good as infinite.
    """
    bad = bytes(byte for byte in range(256) if byte & mask == mask)

    def finite(content: bytes) -> bool:
        return len(content[1::2].translate(None, bad)) == len(content) // 2

    return finite


_FINITE: dict[str, Callable[[bytes], bool]] = {
    "F64": _finite_floats("d"),
    "F32": _finite_floats("f"),
    "F16": _finite_by_exponent(0b0111_1100),
    "BF16": _finite_by_exponent(0b0111_1111),
}
