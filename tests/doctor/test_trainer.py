"""What the doctor says of kohya: its Python stands in as a script that says what it is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.config import Comfyui, Config, Kohya
from plasma_watch.doctor import trainer
from plasma_watch.doctor.line import Colour, Line

MAC = "macOS 15.7"
TOLD: dict[str, Any] = {
    "python": "3.11.9",
    "wrong": "",
    "devices": ["cpu", "mps"],
    "versions": {"torch": "2.9.1", "accelerate": "1.6.0"},
}


class Kit:
    """A trainer on a disk. Its state: what lies where."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scripts = root / "sd-scripts"
        self.scripts.mkdir()
        (self.scripts / "train_network.py").touch()
        self.python = root / "python"
        self.says(TOLD)
        self.comfyui = root / "ComfyUI"
        self.base = self.comfyui / "models" / "checkpoints" / "anything-v5-PrtRE.safetensors"
        self.base.parent.mkdir(parents=True)
        self.base.touch()
        tokenizer = self.comfyui / "comfy" / "sd1_tokenizer"
        tokenizer.mkdir(parents=True)
        (tokenizer / "vocab.json").touch()

    def says(self, told: object, code: int = 0) -> None:
        """Let its Python say something."""
        self.python.write_text(f"#!/bin/sh\necho noise\necho '{json.dumps(told)}'\nexit {code}\n")
        self.python.chmod(0o755)

    def lines(self, system: str = MAC, required: str = "mps") -> dict[str, Line]:
        """Return the lines on it, by what they are about."""
        script = str(self.scripts / "train_network.py")
        config = Config(
            kohya=Kohya(script=script, python=str(self.python)),
            comfyui=Comfyui(dir=str(self.comfyui)),
        )
        found = trainer.read(config, self.root)
        return {line.what: line for line in trainer.judge(found, required, system)}


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A trainer with everything."""
    return Kit(tmp_path)


def test_a_trainer_with_everything_is_green(kit: Kit) -> None:
    """Its Python and its base model."""
    assert {line.colour for line in kit.lines().values()} == {Colour.GREEN}


def test_a_trainer_that_is_not_set_up_is_worth_knowing(tmp_path: Path) -> None:
    """Not everybody trains; nothing is asked then."""
    found = trainer.read(Config(), tmp_path)

    (line,) = trainer.judge(found, "auto", MAC)

    assert line.colour is Colour.YELLOW


@pytest.mark.parametrize("told", ["", "[]", {"versions": 1}])
def test_a_python_that_does_not_run_is_red(kit: Kit, told: object) -> None:
    """A broken environment: it is gone, it fails, it says nonsense."""
    kit.says(told, code=1)
    assert kit.lines()["trainer's Python"].colour is Colour.RED
    kit.python.unlink()

    line = kit.lines()["trainer's Python"]

    assert line.colour is Colour.RED
    assert "cannot be run: No such file" in line.said


def test_a_part_that_cannot_be_imported_is_red(kit: Kit) -> None:
    """In its own words."""
    kit.says(TOLD | {"wrong": "ModuleNotFoundError: No module named 'diffusers'"})

    line = kit.lines()["trainer's Python"]

    assert line.colour is Colour.RED
    assert "No module named" in line.said


def test_a_pytorch_without_metal_is_red(kit: Kit) -> None:
    """It would train on the processor for weeks; elsewhere anything may do."""
    kit.says(TOLD | {"devices": ["cpu"]})

    assert kit.lines()["trainer's Python"].colour is Colour.RED
    assert kit.lines(required="any")["trainer's Python"].colour is Colour.GREEN


def test_what_is_made_for_nvidia_is_worth_knowing_on_a_mac(kit: Kit) -> None:
    """It breaks there, later and in other words."""
    kit.says(TOLD | {"versions": TOLD["versions"] | {"bitsandbytes": "0.46", "triton": "3"}})

    assert kit.lines()["trainer's parts"].said == "bitsandbytes, triton are made for NVIDIA"
    assert "trainer's parts" not in kit.lines("Linux")


def test_versions_are_held_against_what_is_asked_for(kit: Kit) -> None:
    """PyTorch as sd-scripts pins it, Python as it says."""
    (kit.scripts / "requirements_macos_arm64.txt").write_text("--pre\ntorch==2.8.0.*\n", "utf-8")
    assert "asks for 2.8.0" in kit.lines()["trainer's PyTorch"].said
    kit.says(TOLD | {"python": "3.13.1"})

    assert kit.lines()["trainer's Python"].colour is Colour.YELLOW


def test_accelerates_own_config_is_read(kit: Kit) -> None:
    """Whatever it says, the daemon does without; by hand it would matter."""
    config = kit.root / ".cache" / "huggingface" / "accelerate" / "default_config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("use_cpu: false\nmixed_precision: 'fp16'\n", "utf-8")
    assert kit.lines()["accelerate"].colour is Colour.YELLOW

    config.write_text("mixed_precision: 'no'\n", "utf-8")

    assert "accelerate" not in kit.lines()


def test_a_missing_base_model_is_red(kit: Kit) -> None:
    """Or one that nobody knows the place of."""
    kit.base.unlink()
    assert kit.lines()["base model"].colour is Colour.RED
    config = Config(kohya=Kohya(script="/x", python=str(kit.python)))

    told = {line.what: line for line in trainer.judge(trainer.read(config, kit.root), "any", MAC)}

    assert "comfyui.dir is not set" in told["base model"].said
    assert told["trainer"].said == "/x is not there"


def test_a_missing_tokenizer_is_worth_knowing(kit: Kit) -> None:
    """Unless Hugging Face has cached it."""
    (kit.comfyui / "comfy" / "sd1_tokenizer" / "vocab.json").unlink()
    assert kit.lines()["tokenizer"].colour is Colour.YELLOW

    hub = kit.root / ".cache" / "huggingface" / "hub"
    (hub / "models--openai--clip-vit-large-patch14").mkdir(parents=True)

    assert "tokenizer" not in kit.lines()


def test_our_own_python_is_asked_and_answers(kit: Kit) -> None:
    """It has none of the parts, and says so."""
    kit.python.unlink()
    kit.python.symlink_to(sys.executable)

    line = kit.lines()["trainer's Python"]

    assert line.colour is Colour.RED
    assert "No module named 'torch'" in line.said
