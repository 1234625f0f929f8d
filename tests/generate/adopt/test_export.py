"""A graph is found in what people have: an export, a picture, what programs wrap around it."""

from __future__ import annotations

import io
import json

import pytest
from PIL import PngImagePlugin

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.adopt.export import read_export
from tests.fakes.drawings import drawn, png
from tests.fakes.exports import exported, ksampler

EDITOR = json.dumps({"nodes": [], "links": [], "version": 0.4})


def refused(content: bytes) -> PlasmaError:
    """Return why something is no export."""
    with pytest.raises(PlasmaError) as caught:
        read_export(content, "hero.json")
    assert caught.value.code is Code.WORKFLOW_BROKEN
    return caught.value


def with_texts(**texts: str) -> bytes:
    """Return a picture with texts in it."""
    chunks = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    file = io.BytesIO()
    drawn().save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def test_export_is_kept_as_it_is() -> None:
    """Byte for byte."""
    content = exported(ksampler())

    found = read_export(content, "hero.json")

    assert found.content == content
    assert found.graph == ksampler()


def test_graph_of_a_picture_is_found() -> None:
    """Beside the editor's format, which is not needed."""
    content = with_texts(prompt=exported(ksampler()).decode(), workflow=EDITOR)

    found = read_export(content, "hero.png")

    assert found.graph == ksampler()
    assert json.loads(found.content) == ksampler()


@pytest.mark.parametrize("key", ["prompt", "output"])
def test_what_is_wrapped_around_a_graph_is_taken_off(key: str) -> None:
    """A body for `POST /prompt`, or the pair that the editor's own code holds."""
    found = read_export(json.dumps({key: ksampler(), "client_id": "x"}).encode(), "hero.json")

    assert json.loads(found.content) == found.graph == ksampler()


def test_node_called_like_a_wrapping_is_a_node() -> None:
    """Node ids may be words."""
    graph = {"prompt": ksampler()["6"], "9": ksampler()["9"]}

    assert read_export(exported(graph), "hero.json").graph == graph


def test_editors_format_is_refused_with_the_way_out() -> None:
    """In the menu."""
    error = refused(EDITOR.encode())

    assert error.message == "hero.json: is in the editor's format"
    assert "Workflow > Export (API)" in error.hint


def test_picture_with_the_editors_format_alone_is_refused() -> None:
    """With the way out."""
    error = refused(with_texts(workflow=EDITOR))

    assert "carries the editor's format only" in error.message
    assert "Workflow > Export (API)" in error.hint


@pytest.mark.parametrize(
    "content",
    [
        png(drawn()),
        b"",
        b"no json",
        b"[1, 2]",
        b"{}",
        b'{"prompt": {}}',
        b'{"prompt": "spyke"}',
        b'{"3": {"class_type": "KSampler"}}',
    ],
)
def test_what_holds_no_graph_is_refused(content: bytes) -> None:
    """Whatever it is."""
    assert refused(content).message.startswith("hero.json")
