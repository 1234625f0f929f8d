"""Model files are read as far as the engine would notice."""

from pathlib import Path

import pytest

from plasma_watch.sandbox import weights
from plasma_watch.sandbox.bench import Bench
from plasma_watch.sandbox.faults import ReportedError
from plasma_watch.sandbox.nodes import loaders
from plasma_watch.sandbox.values import (
    Clip,
    ControlNet,
    Model,
    Vae,
    Weights,
)

WEIGHTS = Weights("any.safetensors", "aa")
MODEL, CLIP = Model(WEIGHTS), Clip(WEIGHTS)


def test_checkpoint_gives_three_things(bench: Bench) -> None:
    """Of one file."""
    made = loaders.load_checkpoint(bench, ckpt_name="anything-v5-PrtRE.safetensors").outputs

    assert [type(each) for each in made] == [Model, Clip, Vae]


def test_file_that_is_no_checkpoint_is_refused(bench: Bench, tmp_path: Path) -> None:
    """A LoRA with a hint, anything else without."""
    folder = tmp_path / "models/checkpoints"
    for name, key in (("lora", "lora_up"), ("vae", "decoder")):
        (folder / f"{name}.safetensors").write_bytes(weights.standin(name, key))

    with pytest.raises(RuntimeError, match=r"(?s)not detect model type of: .*HINT: This"):
        loaders.load_checkpoint(bench, ckpt_name="lora.safetensors")
    with pytest.raises(RuntimeError, match=r"not detect model type of: \S*$"):
        loaders.load_checkpoint(bench, ckpt_name="vae.safetensors")


def test_file_that_vanished_is_named(bench: Bench) -> None:
    """With its kind."""
    with pytest.raises(FileNotFoundError, match="folder 'checkpoints' with filename 'x'"):
        loaders.load_checkpoint(bench, ckpt_name="x")


def test_vae_may_need_no_file(bench: Bench) -> None:
    """One is built in; others are read."""
    name = "vae-ft-mse-840000-ema-pruned.safetensors"
    (built_in,) = loaders.load_vae(bench, vae_name="pixel_space").outputs
    (read,) = loaders.load_vae(bench, vae_name=name).outputs

    assert built_in == Vae(Weights("pixel_space", ""))
    assert isinstance(read, Vae)
    assert read.weights.name == name


@pytest.mark.parametrize("content", [b"PK\x03\x04 an archive", b"\x80\x02 a pickle"])
def test_older_format_only_has_to_look_whole(bench: Bench, tmp_path: Path, content: bytes) -> None:
    """As PyTorch writes it; our own stand-in has that suffix too."""
    (tmp_path / "models/controlnet/a.pth").write_bytes(content)
    for name in ("a.pth", "control_v11p_sd15_openpose.pth"):
        (made,) = loaders.load_control_net(bench, control_net_name=name).outputs
        assert isinstance(made, ControlNet)


def test_older_format_that_is_garbage_is_refused(bench: Bench, tmp_path: Path) -> None:
    """And an empty one in another way."""
    (tmp_path / "models/controlnet/bad.pth").write_bytes(b"\xd6" * 99)
    (tmp_path / "models/controlnet/empty.pth").touch()

    with pytest.raises(ReportedError, match="Weights only load failed") as fault:
        loaders.load_control_net(bench, control_net_name="bad.pth")
    assert fault.value.reported_as == "_pickle.UnpicklingError"
    with pytest.raises(EOFError):
        loaders.load_control_net(bench, control_net_name="empty.pth")


def test_lora_lies_over_model_and_clip(bench: Bench) -> None:
    """Each with its own strength."""
    model, clip = laid(bench, 0.8, 0.5)

    assert [lora.strength for lora in model.loras] == [0.8]
    assert [lora.strength for lora in clip.loras] == [0.5]


def test_lora_of_no_strength_is_not_even_read(bench: Bench, tmp_path: Path) -> None:
    """So a broken file does no harm."""
    (tmp_path / "models/loras/spyke.safetensors").write_bytes(b"")

    assert laid(bench, 0, 0) == (MODEL, CLIP)
    assert loaders.load_lora_for_model(
        bench, model=MODEL, lora_name="spyke.safetensors", strength_model=0
    ).outputs == (MODEL,)


def test_lora_replaced_under_its_name_stays_the_old_one(bench: Bench, tmp_path: Path) -> None:
    """For as long as the node remembers it: file names must never be used twice."""
    before, _ = laid(bench, 0.8, 0.8)
    path = tmp_path / "models/loras/spyke.safetensors"
    path.write_bytes(weights.standin("another", "lora_up"))
    after, _ = laid(bench, 0.8, 0.8)
    bench.memory.clear()
    anew, _ = laid(bench, 0.8, 0.8)

    assert before == after
    assert anew != after


def test_lora_may_lie_over_the_model_alone(bench: Bench) -> None:
    """Over others that are there."""
    (made,) = loaders.load_lora_for_model(
        bench, model=MODEL, lora_name="spyke.safetensors", strength_model=0.5
    ).outputs
    assert isinstance(made, Model)
    assert [lora.weights.name for lora in made.loras] == ["spyke.safetensors"]


def laid(bench: Bench, model: float, clip: float) -> tuple[Model, Clip]:
    """Lay a LoRA over both."""
    made = loaders.load_lora(
        bench,
        model=MODEL,
        clip=CLIP,
        lora_name="spyke.safetensors",
        strength_model=model,
        strength_clip=clip,
    ).outputs
    assert isinstance(made[0], Model)
    assert isinstance(made[1], Clip)
    return made[0], made[1]
