"""What a node takes is gathered from the graph, from other nodes, and from behind its back."""

import hashlib
import math
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.sandbox.catalog import Catalog
from plasma_watch.sandbox.folders import Folders, prepare
from plasma_watch.sandbox.inputs import contents_of, gather, hidden_inputs, refuse_unlinked

from .graphs import node, plain_picture

MADE = {"1": ("a", "b")}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Give a base directory that was just made."""
    prepare(Folders(tmp_path))
    return Folders(tmp_path)


def face(folders: Folders, class_type: str) -> dict[str, Any]:
    """Show a node."""
    return Catalog(folders).face(class_type)


def test_links_are_replaced_by_what_they_lead_to(folders: Folders) -> None:
    """By the slot."""
    asked = node("CLIPTextEncode", text="a cat", clip=["1", 1])

    assert gather(asked, face(folders, "CLIPTextEncode"), MADE.get, {}) == {
        "text": "a cat",
        "clip": "b",
    }


def test_unknown_value_is_dropped_but_not_an_unknown_link(folders: Folders) -> None:
    """A misspelt name is silent, until it is linked."""
    asked = node("CLIPTextEncode", texxt="a cat", cllip=["1", 0])

    assert gather(asked, face(folders, "CLIPTextEncode"), MADE.get, {}) == {"cllip": "a"}


def test_saved_graph_notes_what_loaded_pictures_held() -> None:
    """Only with those; and the extra data goes with it."""
    graph = plain_picture() | {"3": node("LoadImage", image="a.png")}
    hidden = hidden_inputs(graph, {"3": ["aa"]}, {"extra_pnginfo": {"plasma": 1}})

    assert hidden["prompt"]["3"]["is_changed"] == ["aa"]
    assert hidden["prompt"]["1"] == graph["1"]
    assert "is_changed" not in graph["3"]
    assert hidden["extra_pnginfo"] == {"plasma": 1}


def test_text_in_the_place_of_a_link_is_refused(folders: Folders) -> None:
    """A plain value in its own place is not."""
    asked = node("VAEDecode", samples="3", vae=["4", 2])
    with pytest.raises(TypeError, match="string indices must be integers"):
        refuse_unlinked(asked, face(folders, "VAEDecode"))

    refuse_unlinked(node("EmptyImage", width=64), face(folders, "EmptyImage"))


def test_content_of_a_picture_is_its_hash(folders: Folders) -> None:
    """Other nodes have none."""
    (folders.input / "a.png").write_bytes(b"abc")
    graph = plain_picture() | {"3": node("LoadImage", image="a.png")}

    assert contents_of(graph, folders) == {"3": [hashlib.sha256(b"abc").hexdigest()]}


@pytest.mark.parametrize("inputs", [{"image": "gone.png"}, {"image": 5}, {}, {"image": "a\0b"}])
def test_content_of_what_is_not_there_is_never_the_same(
    folders: Folders, inputs: dict[str, object]
) -> None:
    """Missing, no name at all, or one that no file can have."""
    content = contents_of({"3": node("LoadImage", **inputs)}, folders)["3"]

    assert isinstance(content, float)
    assert math.isnan(content)
