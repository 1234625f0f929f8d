"""A model file is judged by its header, in the words of the engine's library."""

import struct
from pathlib import Path

import pytest

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.faults import ReportedError


def test_standin_is_a_file_that_loads(tmp_path: Path) -> None:
    """Its header names its tensor and its tags, and covers its bytes."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(weights.standin("a", "some.weight", {"ss_output_name": "a"}))

    header = weights.read_header(path)

    assert header["__metadata__"] == {"ss_output_name": "a"}
    assert header["some.weight"]["dtype"] == "F16"


def test_standins_differ_with_their_names(tmp_path: Path) -> None:
    """Else two models could not be told apart by their hashes."""
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(weights.standin(name, "some.weight"))
        digests.add(weights.digest(tmp_path / name))

    assert len(digests) == 2


def test_digest_sees_both_ends_of_a_big_file(tmp_path: Path) -> None:
    """A change at the end counts, though the middle is not read."""
    path = tmp_path / "big"
    path.write_bytes(bytes(3 * weights.SAMPLE_BYTES))
    before = weights.digest(path)
    path.write_bytes(bytes(3 * weights.SAMPLE_BYTES - 1) + b"x")

    assert weights.digest(path) != before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "header too small"),
        (b"abc", "header too small"),
        (b"\xff" * 64, "header too large"),
        (struct.pack("<Q", 500) + b"{}", "invalid header length"),
        (struct.pack("<Q", 8) + b'{"a":oo}', "invalid JSON in header"),
        (weights.standin("a", "w")[:-1], "incomplete metadata, file not fully covered"),
        (weights.standin("a", "w") + b"x", "incomplete metadata, file not fully covered"),
    ],
)
def test_broken_file_says_why(tmp_path: Path, content: bytes, why: str) -> None:
    """Empty, garbage, cut short or too long."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)

    with pytest.raises(ReportedError, match=f"Error while deserializing header: {why}"):
        weights.read_header(path)
