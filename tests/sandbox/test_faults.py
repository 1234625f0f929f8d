"""A fault is reported under the name that clients of the real engine know."""

import json

import pytest
from PIL import UnidentifiedImageError

from plasma_watch.sandbox.faults import ReportedError, reported_type


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (FileNotFoundError("x"), "FileNotFoundError"),
        (UnidentifiedImageError("x"), "PIL.UnidentifiedImageError"),
        (json.JSONDecodeError("x", "", 0), "json.decoder.JSONDecodeError"),
        (ReportedError("safetensors.SafetensorError", "x"), "safetensors.SafetensorError"),
    ],
)
def test_type_is_named_as_the_engine_names_it(fault: Exception, name: str) -> None:
    """Built-in types stand bare, others with their module, and ours pass for another's."""
    assert reported_type(fault) == name
