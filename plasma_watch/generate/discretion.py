"""Keeps the secrets of a workflow out of what people are told. Pure.

Some nodes take an API key as a plain input. It goes to ComfyUI with the graph, and so into the
picture's text and the manifest; it does not go into errors, logs or status files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from plasma_watch.errors import PlasmaError

HIDDEN = "(hidden)"
_SECRET = re.compile(
    r"(.*[_-])?(api_?key|key|token|secret|passwo?r?d|credentials?|auth(orization)?)", re.IGNORECASE
)
_SHORTEST = 6
"""A shorter value is a word that messages need, and no secret."""


def secrets_in(graph: Mapping[str, Any]) -> frozenset[str]:
    """Return the values of all inputs whose names say that they are secret."""
    return frozenset(_secrets(graph))


def _secrets(graph: Mapping[str, Any]) -> Iterator[str]:
    for node in graph.values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        for name, value in inputs.items() if isinstance(inputs, dict) else ():
            if isinstance(value, str) and len(value) >= _SHORTEST and _SECRET.fullmatch(name):
                yield value


def discreet(error: PlasmaError, secrets: Iterable[str]) -> PlasmaError:
    """Return an error that tells none of the secrets."""
    known = sorted(secrets, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in known:
            text = text.replace(secret, HIDDEN)
        return text

    problems = tuple(
        replace(problem, message=hide(problem.message), hint=hide(problem.hint))
        for problem in error.problems
    )
    return PlasmaError(error.code, hide(error.message), hide(error.hint), problems)
