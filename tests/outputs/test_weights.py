"""What is claimed of files of weights, with files made byte by byte."""

from __future__ import annotations

import struct
from math import inf, nan
from pathlib import Path

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.outputs.weights import check_lora, is_finite, read_header
from tests.fakes.weights import ALPHA, DOWN, UP, lora, packed, weights

DTYPES = ("F16", "BF16", "F32", "F64")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a file of weights will lie."""
    return tmp_path / "spyke.safetensors"


def code_of(path: Path) -> Code | None:
    """Return why a LoRA is not good, or None."""
    try:
        check_lora(path)
    except PlasmaError as exc:
        return exc.code
    return None


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_whole_lora_is_good(file: Path, dtype: str) -> None:
    """In every precision that a trainer saves in."""
    file.write_bytes(lora(dtype=dtype))

    header = check_lora(file)

    assert [tensor.name for tensor in header.tensors] == [ALPHA, DOWN, UP]
    assert header.metadata == {"ss_output_name": "spyke"}
    assert header.size == file.stat().st_size


@pytest.mark.parametrize("missing", [1, 2, 7])
def test_a_cut_file_is_broken(file: Path, missing: int) -> None:
    """A full disk, or a kill, leaves it so under its final name."""
    file.write_bytes(lora()[:-missing])

    assert code_of(file) is Code.TRAINER_BROKEN_FILE
    assert not is_finite(file)


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_a_file_cut_anywhere_in_its_header_is_broken(file: Path, length: int) -> None:
    """However little of it was written."""
    file.write_bytes(lora()[:length])

    assert code_of(file) is Code.TRAINER_BROKEN_FILE


def test_a_file_that_is_too_long_is_broken(file: Path) -> None:
    """When two programs wrote to it."""
    file.write_bytes(lora() + b"more")

    assert code_of(file) is Code.TRAINER_BROKEN_FILE


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{",
        b'{"a": 1}',
        b'{"a": {"dtype": "F16", "data_offsets": [4, 2]}}',
        b'{"a": {"dtype": "F16"}}',
        b'{"__metadata__": 3}',
        b"[" * 5000,
    ],
)
def test_a_header_that_makes_no_sense_is_told(file: Path, header: bytes) -> None:
    """When the bytes are somebody else's."""
    file.write_bytes(struct.pack("<Q", len(header)) + header)

    with pytest.raises(ValueError, match=r"no sense|no type"):
        read_header(file)


def test_a_file_that_is_not_there_is_broken(file: Path) -> None:
    """Somebody took it away."""
    assert code_of(file) is Code.TRAINER_BROKEN_FILE
    assert not is_finite(file)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_nan_and_infinity_are_found(file: Path, dtype: str, bad: float) -> None:
    """A trainer saves them and calls it good; one number is enough."""
    file.write_bytes(lora(0.5, bad, dtype=dtype))

    assert code_of(file) is Code.TRAINER_NAN
    assert not is_finite(file)


@pytest.mark.parametrize(("dtype", "large"), [("F16", 65504.0), ("F32", 3.4e38), ("BF16", 1e38)])
def test_large_numbers_are_finite(file: Path, dtype: str, large: float) -> None:
    """Also when there are many of them, of either sign."""
    file.write_bytes(lora(*[large, -large, large] * 100, dtype=dtype))

    assert code_of(file) is None


def test_infinities_that_cancel_are_found(file: Path) -> None:
    """Their sum is no number either."""
    file.write_bytes(lora(inf, -inf, dtype="F32"))

    assert not is_finite(file)


def test_whole_numbers_are_finite(file: Path) -> None:
    """They cannot be anything else."""
    file.write_bytes(weights({"count": ("I64", packed("I64", -1))}))

    assert is_finite(file)


@pytest.mark.parametrize("up", [(0.0, 0.0), (0.0,)])
def test_a_lora_of_zeros_learned_nothing(file: Path, up: tuple[float, ...]) -> None:
    """An optimizer that silently does nothing leaves it as it began."""
    file.write_bytes(lora(*up))

    assert code_of(file) is Code.TRAINER_LEARNED_NOTHING


def test_a_lora_without_parts_learned_nothing(file: Path) -> None:
    """When it is some other file of weights."""
    file.write_bytes(weights({"vae.weight": ("F16", packed("F16", 1.0))}))

    assert code_of(file) is Code.TRAINER_LEARNED_NOTHING


@pytest.mark.parametrize(("zeros", "is_good"), [(1, True), (2, False)])
def test_some_parts_may_stay_zero(file: Path, *, zeros: int, is_good: bool) -> None:
    """A few do in a good training; half of them do not."""
    ups = [0.0] * zeros + [1.0] * (4 - zeros)
    tensors = {
        f"lora_unet_{n}.lora_up.weight": ("F16", packed("F16", up)) for n, up in enumerate(ups)
    }
    file.write_bytes(weights(tensors))

    assert (code_of(file) is None) is is_good
