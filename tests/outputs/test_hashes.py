"""The digests of model files, remembered."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from plasma_watch.outputs.hashes import Hashes
from plasma_watch.outputs.manifest import UNKNOWN


def a_model(folder: Path, content: bytes = b"weights") -> Path:
    """Write a model file whose time stands still."""
    path = folder / "model.safetensors"
    path.write_bytes(content)
    os.utime(path, ns=(0, 1_700_000_000_000_000_000))
    return path


def forged(path: Path) -> None:
    """Put a lie into the memory, so that a remembered digest is told from a computed one."""
    known = json.loads(path.read_text())
    path.write_text(json.dumps(dict.fromkeys(known, "remembered")))


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    """Anybody can check it with `shasum -a 256`."""
    model = a_model(tmp_path)

    assert Hashes(tmp_path / "hashes.json").of(model) == hashlib.sha256(b"weights").hexdigest()


def test_a_digest_is_remembered_over_a_restart(tmp_path: Path) -> None:
    """Two gigabytes take seconds; they are read once."""
    model, memory = a_model(tmp_path), tmp_path / "hashes.json"
    Hashes(memory).of(model)
    forged(memory)

    assert Hashes(memory).of(model) == "remembered"


def longer(model: Path) -> None:
    """Give a file more content, at the same time."""
    a_model(model.parent, b"more weights")


def later(model: Path) -> None:
    """Give a file another time, of the same content."""
    os.utime(model, ns=(0, 1_700_000_000_000_000_001))


def replaced(model: Path) -> None:
    """Put another file of the same size and time in its place."""
    other = model.parent / "other"
    other.mkdir()
    a_model(other).replace(model)


@pytest.mark.parametrize("change", [longer, later, replaced])
def test_a_changed_file_is_read_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Other size, other time, or another file under the name: each may be another content."""
    model, memory = a_model(tmp_path), tmp_path / "hashes.json"
    Hashes(memory).of(model)
    forged(memory)

    change(model)

    assert Hashes(memory).of(model) != "remembered"


def test_what_was_known_of_a_path_before_is_dropped(tmp_path: Path) -> None:
    """The memory grows with the models, not with their changes."""
    memory = tmp_path / "hashes.json"
    hashes = Hashes(memory)
    for number in range(5):
        hashes.of(a_model(tmp_path, b"w" * number))

    assert len(json.loads(memory.read_text())) == 1


def test_two_models_are_remembered_side_by_side(tmp_path: Path) -> None:
    """One's change does not make the other one's digest forgotten."""
    (tmp_path / "other").mkdir()
    one, other = a_model(tmp_path), a_model(tmp_path / "other")
    hashes = Hashes(tmp_path / "hashes.json")

    assert hashes.of(one) == hashes.of(other)
    assert len(json.loads((tmp_path / "hashes.json").read_text())) == 2


def test_a_file_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    """A model that is not there, or that is a folder, stops nothing."""
    hashes = Hashes(tmp_path / "hashes.json")

    assert hashes.of(tmp_path / "nothing") == UNKNOWN
    assert hashes.of(tmp_path) == UNKNOWN


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"\0" * 100, b"\xff"])
def test_a_damaged_memory_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    """It can be thrown away at any time."""
    memory = tmp_path / "hashes.json"
    memory.write_bytes(content)

    assert Hashes(memory).of(a_model(tmp_path)) == hashlib.sha256(b"weights").hexdigest()
    assert len(json.loads(memory.read_text())) == 1


def test_a_memory_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    """The digest is told all the same, and known until the end of the run."""
    hashes = Hashes(tmp_path / "no such folder" / "hashes.json")
    model = a_model(tmp_path)
    first = hashes.of(model)
    with model.open("r+b") as file:
        file.write(b"WEIGHTS")
    os.utime(model, ns=(0, 1_700_000_000_000_000_000))

    assert hashes.of(model) == first
