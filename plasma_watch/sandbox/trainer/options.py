"""The command line and the TOML, read as the real trainer reads them.

The sections of the TOML only group: all keys are merged, unknown ones taken without a word, types
not looked at. The command line wins; what it does not know is refused with exit code 2.
"""

import argparse
import json
import os
import tomllib
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from plasma_watch.sandbox.trainer.console import Console

PROGRAM = "train_network.py"


def read(arguments: Sequence[str], console: Console) -> Namespace:
    """Read the options; where the TOML is not there, the run ends."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.config_file:
        return options
    path = options.config_file
    path = path if path.endswith(".toml") else f"{path}.toml"
    if not Path(path).exists():
        console.info("train_util.py:4741", f"{path} not found.")
        raise SystemExit(1)
    console.info("train_util.py:4744", f"Loading settings from {path}...")
    merged = _merged(tomllib.loads(Path(path).read_text("utf-8")))
    options = parser.parse_args(arguments, namespace=Namespace(**merged))
    options.config_file = os.path.splitext(options.config_file)[0]  # noqa: PTH122 - a name
    return options


def _merged(sections: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name, value in sections.items():
        merged.update(value if isinstance(value, dict) else {name: value})
    return merged


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM)
    text = (files("plasma_watch.sandbox.trainer") / "options.json").read_text("utf-8")
    for name, described in json.loads(text).items():
        kind = described.pop("type")
        how: dict[str, Any] = {"type": _KINDS[kind]} if kind in _KINDS else {"action": "store_true"}
        parser.add_argument(f"--{name}", **how, **described)
    return parser


def _int_or_float(text: str) -> float:
    if text.endswith("%"):
        return float(text[:-1]) / 100
    return int(text) if float(text) >= 1 else float(text)


_KINDS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "Path": Path,
    "int_or_float": _int_or_float,
}
