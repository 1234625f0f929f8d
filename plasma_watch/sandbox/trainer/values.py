"""Weights that were never learned: the same for the same seed and step, and small as real ones.

Bytes are made, not numbers: a value is drawn from so few that each has the same place in every
format, so a LoRA saved in 16 bits says what its state in 32 bits says. That takes no time, which
a stand-in that is started for every test must not take.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import Enum

POOL = 1 << 17
"""How many values are drawn; a tensor is a stretch of them, wherever it begins."""
STRIDE = 4099


class Format(Enum):
    """How a number is written: the name in a header, and how many bytes it takes."""

    F32 = ("F32", 4)
    F16 = ("F16", 2)
    BF16 = ("BF16", 2)

    @property
    def size(self) -> int:
        """Give the bytes of one number."""
        return self.value[1]


FORMATS = {"float": Format.F32, "fp16": Format.F16, "bf16": Format.BF16}
"""As the options name them."""

# A value: a sign, one of two powers of two (2 to the -9, 2 to the -7), five bits behind the point.
_HIGH = {
    Format.F32: bytes((b & 0x80) | (59 + (b & 1)) for b in range(256)),
    Format.BF16: bytes((b & 0x80) | (59 + (b & 1)) for b in range(256)),
    Format.F16: bytes((b & 0x80) | ((6 + 2 * (b & 1)) << 2) for b in range(256)),
}
_LOW = {
    Format.F32: bytes(b & 0x1F for b in range(256)),
    Format.BF16: bytes(b & 0x1F for b in range(256)),
    Format.F16: bytes((b & 0x1F) << 3 for b in range(256)),
}
_NAN = {Format.F32: b"\0\0\xc0\x7f", Format.BF16: b"\xc0\x7f", Format.F16: b"\0\x7e"}
_PACKED = {Format.F32: "<f", Format.F16: "<e"}


@dataclass(frozen=True, slots=True)
class Values:
    """All that may stand in one LoRA."""

    format: Format
    drawn: bytes

    def stretch(self, index: int, count: int) -> bytes:
        """Give the values of the tensor of this index."""
        start = index * STRIDE % POOL
        repeated = self.drawn * (1 + (start + count) // POOL)
        return repeated[start * self.format.size : (start + count) * self.format.size]

    def number(self, value: float) -> bytes:
        """Write one number."""
        if self.format is Format.BF16:
            return struct.pack("<f", value)[2:]
        return struct.pack(_PACKED[self.format], value)


def drawn(seed: int, step: int, form: Format) -> Values:
    """Draw the values of a LoRA that was trained so far."""
    chance = hashlib.shake_128(f"{seed} {step}".encode()).digest(2 * POOL)
    out = bytearray(form.size * POOL)
    out[form.size - 1 :: form.size] = chance[0::2].translate(_HIGH[form])
    out[form.size - 2 :: form.size] = chance[1::2].translate(_LOW[form])
    return Values(form, bytes(out))


def nothing(form: Format) -> Values:
    """Give what is no number at all, as all is after one NaN."""
    return Values(form, _NAN[form] * POOL)


def zeros(count: int, form: Format) -> bytes:
    """Give what was never changed."""
    return bytes(count * form.size)
