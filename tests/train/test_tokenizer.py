"""What is claimed of the trainer's tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plasma_watch.train.tokenizer import lay_ready

NAME = "openai_clip-vit-large-patch14"


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """A ComfyUI with a tokenizer."""
    folder = tmp_path / "comfyui" / "comfy" / "sd1_tokenizer"
    folder.mkdir(parents=True)
    for name in ("vocab.json", "merges.txt", "special_tokens_map.json"):
        (folder / name).write_text(name)
    settings = {"model_max_length": 8192, "pad_token": "x"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tmp_path / "comfyui"


def test_it_is_copied_with_the_length_that_the_model_has(comfyui: Path, tmp_path: Path) -> None:
    """Where the trainer looks for it; as often as it is asked for."""
    for _ in range(2):
        assert lay_ready(comfyui, tmp_path / "cache") == tmp_path / "cache"

    folder = tmp_path / "cache" / NAME
    assert sorted(path.name for path in folder.iterdir()) == [
        "merges.txt",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.json",
    ]
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert settings == {"model_max_length": 77, "pad_token": "x"}


@pytest.mark.parametrize("text", [None, "{", "\xff"])
def test_without_one_the_trainers_own_cache_counts(
    comfyui: Path, tmp_path: Path, text: str | None
) -> None:
    """ComfyUI Desktop keeps its code elsewhere."""
    settings = comfyui / "comfy" / "sd1_tokenizer" / "tokenizer_config.json"
    settings.unlink() if text is None else settings.write_text(text, encoding="latin-1")

    assert lay_ready(comfyui, tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()
