"""The secrets of a workflow are known by the names of its inputs, and told in no error."""

from __future__ import annotations

from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.generate.discretion import discreet, secrets_in

KEY = "canary-in-the-workflow"


def test_secret_inputs_are_known_by_their_names() -> None:
    """Short words and links are none."""
    inputs = {
        "api_key": "sk-123456",
        "civitai_token": "tok-123456",
        "Password": "pw-123456",
        "token_normalization": "length+mean",
        "key": "short",
        "model": ["4", 0],
        "seed": 5,
    }

    found = secrets_in({"1": {"class_type": "X", "inputs": inputs}, "2": "odd", "3": {}})

    assert found == {"sk-123456", "tok-123456", "pw-123456"}


def test_error_keeps_its_code_and_tells_no_secret() -> None:
    """In message, hint and problems."""
    problem = Problem(Code.ENGINE_BAD_VALUE, "3", f"{KEY} is not in the list", f"Not {KEY}.")
    error = PlasmaError(Code.ENGINE_REFUSED, f"a {KEY} b", f"Take {KEY} out.", (problem,))

    hidden = discreet(error, {KEY, KEY[:8]})

    assert hidden.code is Code.ENGINE_REFUSED
    assert KEY[:8] not in f"{hidden.message} {hidden.hint} {hidden.problems}"
    assert hidden.message == "a (hidden) b"
