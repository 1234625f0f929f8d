"""What is written loads where real LoRAs load, and is the same again."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from plasma_watch.sandbox.trainer import modules, tensors, values
from plasma_watch.sandbox.trainer.network import Learned, Network
from plasma_watch.sandbox.trainer.tensors import Tensor
from plasma_watch.sandbox.trainer.values import Format

from .streams import FOLDER

UNET = Network(4, 2.0, 42, tuple(modules.unet()))
RECORDED = json.loads((FOLDER / "epochs.files.json").read_text("utf-8"))


def written(path: Path, learned: Learned, form: Format, network: Network = UNET) -> Path:
    """Write a LoRA."""
    weights = network.weights(learned, form)
    path.write_bytes(tensors.head(weights, {"a": "ö"}) + tensors.body(weights))
    return path


def test_tensors_are_those_of_a_real_lora() -> None:
    """Same names, types and shapes as in a checkpoint of the real trainer."""
    weights = UNET.weights(Learned(4), Format.F16)

    told = {tensor.name: [tensor.kind, list(tensor.shape)] for tensor in weights}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    assert digest == RECORDED["tensors"]


def test_text_encoder_is_trained_too() -> None:
    """With it there are 264 modules, each with three tensors."""
    both = Network(4, 4.0, 42, (*modules.text_encoder(), *modules.unet()))

    assert len(both.weights(Learned(1), Format.F16)) == 264 * 3


@pytest.mark.parametrize("form", [Format.F32, Format.F16])
def test_file_loads(tmp_path: Path, form: Format) -> None:
    """With the library that everybody uses; all is finite, and nothing is zero."""
    loaded = load_file(written(tmp_path / "x.safetensors", Learned(7), form))

    flat = np.concatenate([array.ravel() for array in loaded.values()])
    assert np.isfinite(flat).all()
    assert (flat != 0).all()
    assert 0.001 < float(np.abs(flat[flat != 2]).mean()) < 0.01


def test_metadata_is_read_back(tmp_path: Path) -> None:
    """Whatever letters it has."""
    with safe_open(written(tmp_path / "x", Learned(7), Format.BF16), "numpy") as opened:
        assert opened.metadata() == {"a": "ö"}


def test_precision_changes_no_value(tmp_path: Path) -> None:
    """A checkpoint in 16 bits says what its state in 32 bits says."""
    long, short = (
        load_file(written(tmp_path / form.name, Learned(3), form))
        for form in (Format.F32, Format.F16)
    )
    brief = values.drawn(42, 3, Format.BF16).drawn
    whole = values.drawn(42, 3, Format.F32).drawn

    assert all(np.array_equal(long[name], short[name].astype(np.float32)) for name in long)
    assert brief[0::2] + brief[1::2] == whole[2::4] + whole[3::4]


def test_chance_is_the_same_for_the_same_seed_and_step() -> None:
    """And no other is."""
    drawn = [values.drawn(seed, step, Format.F16).drawn for seed, step in ((1, 2), (1, 3), (2, 2))]

    assert len(set(drawn)) == 3
    assert drawn[0] == values.drawn(1, 2, Format.F16).drawn


def test_nan_is_everywhere_but_in_alpha(tmp_path: Path) -> None:
    """As in what the real trainer saves after one."""
    loaded = load_file(written(tmp_path / "x", Learned(7, is_nan=True), Format.F16))

    finite = {name.rpartition(".")[2] for name, array in loaded.items() if np.isfinite(array).all()}
    assert finite == {"alpha"}


def test_nothing_learned_is_zero_on_one_side(tmp_path: Path) -> None:
    """The side that begins with zeros."""
    loaded = load_file(written(tmp_path / "x", Learned(7, is_zero=True), Format.F32))

    zero = {name.rpartition(".lora_")[2] for name, array in loaded.items() if not array.any()}
    assert zero == {"up.weight"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"123", "HeaderTooSmall"),
        (b"\xff" * 16, "HeaderTooLarge"),
        (tensors.LENGTH.pack(100) + b"{}", "InvalidHeaderLength"),
        (tensors.LENGTH.pack(2) + b"{x", "InvalidHeaderDeserialization"),
        (tensors.head([Tensor("a", "U8", [2], b"xy")], {}) + b"x", "MetadataIncompleteBuffer"),
    ],
)
def test_header_that_does_not_hold_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """In one word of the library."""
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(ValueError, match=why):
        tensors.read_header(tmp_path / "x")


def test_header_says_what_is_in_a_file(tmp_path: Path) -> None:
    """Without the metadata."""
    tensor = Tensor("a", "U8", [2], b"xy")
    (tmp_path / "x").write_bytes(tensors.head([tensor], {"b": "c"}) + tensors.body([tensor]))

    assert tensors.read_header(tmp_path / "x") == {
        "a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}
    }
