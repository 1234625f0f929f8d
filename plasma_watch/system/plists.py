"""The plist of an agent: a template with its places filled, and what is wrong with it. Pure.

launchd says nothing of a value of the wrong type, so a table of types stands in for its word.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plasma_watch.system.services import Unit

_PROCESS_TYPES = frozenset({"Interactive", "Standard", "Background", "Adaptive"})
_TYPES: dict[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "WorkingDirectory": str,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Umask": int,
    "SoftResourceLimits": dict,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}
"""Every key that we write, and the type that launchd wants; it says nothing of a wrong one."""


def plist(unit: Unit, log: Path, template: bytes) -> dict[str, Any]:
    """Return the plist of a unit: the template with its places filled."""
    texts = {"@FOLDER@": str(unit.folder), "@LOG@": str(log)}
    filled: dict[str, Any] = _filled(plistlib.loads(template), texts, unit.command)
    return filled


def _filled(value: Any, texts: Mapping[str, str], command: tuple[str, ...]) -> Any:  # noqa: ANN401 - any plist
    match value:
        case dict():
            return {key: _filled(item, texts, command) for key, item in value.items()}
        case ["@COMMAND@"]:
            return list(command)
        case str():
            return texts.get(value, value)
        case _:
            return value


def problems(found: Mapping[str, Any]) -> list[str]:
    """Return what launchd would silently take amiss in a plist of ours."""
    wrong = [f"{key} is missing" for key in _TYPES.keys() - found.keys()]
    wrong += [f"{key} is not a key of ours" for key in found.keys() - _TYPES.keys()]
    wrong += [
        f"{key} is {type(found[key]).__name__}, not {kind.__name__}"
        for key, kind in _TYPES.items()
        if key in found and type(found[key]) is not kind
    ]
    return sorted(wrong or _value_problems(found))


def _value_problems(found: Mapping[str, Any]) -> list[str]:
    texts = [*found["ProgramArguments"], *found["EnvironmentVariables"].values()]
    paths = [found["WorkingDirectory"], found["StandardOutPath"], found["StandardErrorPath"]]
    claims = {
        "ProgramArguments and EnvironmentVariables hold texts only": all(
            isinstance(text, str) for text in texts
        ),
        "every place is filled": not any(re.search(r"@[A-Z]+@", str(t)) for t in texts + paths),
        "the paths are absolute": all(
            str(path).startswith("/") for path in [*found["ProgramArguments"][:1], *paths]
        ),
        "KeepAlive is exactly SuccessfulExit = false": found["KeepAlive"]
        == {"SuccessfulExit": False},
        "ExitTimeOut and ThrottleInterval are positive": min(
            found["ExitTimeOut"], found["ThrottleInterval"]
        )
        > 0,
        "ProcessType is one that there is": found["ProcessType"] in _PROCESS_TYPES,
    }
    return [f"it must be so that {claim}" for claim, is_so in claims.items() if not is_so]
