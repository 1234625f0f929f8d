"""The faces of the nodes: as the engine printed them, with the files that there are now."""

from pathlib import Path

import pytest

from plasma_watch.sandbox.catalog import (
    Catalog,
    content_type,
    inputs_of,
    is_picture_name,
    takes_link,
)
from plasma_watch.sandbox.folders import Folders, prepare
from plasma_watch.sandbox.nodes import NODES


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Give the catalog of a base directory that was just made."""
    prepare(Folders(tmp_path))
    return Catalog(Folders(tmp_path))


def test_every_node_has_a_face_and_does_something(catalog: Catalog) -> None:
    """Neither a face without work nor work without a face."""
    assert catalog.faces().keys() == NODES.keys()
    assert "KSampler" in catalog
    assert "KSamplerNope" not in catalog


@pytest.mark.parametrize(
    ("node", "name", "file"),
    [
        ("CheckpointLoaderSimple", "ckpt_name", "models/checkpoints/new.safetensors"),
        ("LoraLoader", "lora_name", "models/loras/new.safetensors"),
        ("LoraLoaderModelOnly", "lora_name", "models/loras/new.safetensors"),
        ("ControlNetLoader", "control_net_name", "models/controlnet/new.pth"),
        ("VAELoader", "vae_name", "models/vae/new.safetensors"),
        ("LoadImage", "image", "input/new.png"),
        ("LoadImageMask", "image", "input/new.png"),
    ],
)
def test_new_file_is_a_choice_at_once(
    catalog: Catalog, tmp_path: Path, node: str, name: str, file: str
) -> None:
    """Nothing is kept from the question before."""
    before = choices(catalog, node, name)
    (tmp_path / file).touch()

    assert set(choices(catalog, node, name)) - set(before) == {Path(file).name}


def test_vae_needs_no_file(catalog: Catalog) -> None:
    """One choice is built in, and comes last."""
    assert choices(catalog, "VAELoader", "vae_name")[-1] == "pixel_space"


def test_only_pictures_are_offered_for_loading(catalog: Catalog, tmp_path: Path) -> None:
    """By their suffixes; a mask may be taken from any file."""
    for name in ("a.webp", "b.txt", "noext"):
        (tmp_path / "input" / name).touch()

    assert choices(catalog, "LoadImage", "image") == ["a.webp"]
    assert choices(catalog, "LoadImageMask", "image") == ["a.webp", "b.txt", "noext"]


def test_inputs_come_in_order_with_their_group(catalog: Catalog) -> None:
    """Those that may be left out come last."""
    inputs = inputs_of(catalog.face("ControlNetApplyAdvanced"))

    assert next(iter(inputs)) == "positive"
    assert inputs["strength"][0] == "required"
    assert inputs["vae"][0] == "optional"


def test_input_takes_a_link_if_its_kind_cannot_be_written(catalog: Catalog) -> None:
    """A model can only come from another node, a number or a choice cannot."""
    inputs = inputs_of(catalog.face("KSampler"))
    linked = {name for name, (_, description) in inputs.items() if takes_link(description)}

    assert linked == {"model", "positive", "negative", "latent_image"}


def test_kind_of_file_is_told_by_its_suffix() -> None:
    """On every Python alike."""
    assert content_type("a.WEBP") == "image/webp"
    assert content_type("a.json") == "application/json"
    assert content_type("noext") is None
    assert is_picture_name("a.png")
    assert not is_picture_name("a.safetensors")


def choices(catalog: Catalog, node: str, name: str) -> list[str]:
    """List what may be chosen."""
    listed: list[str] = catalog.face(node)["input"]["required"][name][0]
    return listed
