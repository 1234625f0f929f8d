"""The manifest beside an output: how it was made, and a request that makes it again. Pure."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plasma_watch import toml_text

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One output's story. `request` is resolved; the tables are facts, not instructions."""

    request: Mapping[str, Any]
    result: Mapping[str, Any]
    engine: Mapping[str, Any]
    models: Sequence[Mapping[str, str]]
    inputs: Sequence[Mapping[str, str]]
    daemon: Mapping[str, Any]
    graph: Mapping[str, Any]
    """The graph as executed, node id to node."""
    template_sha256: str

    def to_toml(self) -> str:
        """Return the manifest's text: first the request, then the tables."""
        graph = {"json": json.dumps(self.graph), "template_sha256": self.template_sha256}
        tables = {
            "result": dict(self.result),
            "engine": dict(self.engine),
            "models": [dict(model) for model in self.models],
            "inputs": [dict(item) for item in self.inputs],
            "daemon": dict(self.daemon),
            "graph": graph,
        }
        return toml_text.dumps(dict(self.request) | {k: v for k, v in tables.items() if v})

    @classmethod
    def from_toml(cls, text: str) -> Manifest:
        """Read a manifest.

        Raises ValueError when the text is not one.
        """
        match tomllib.loads(text):
            case {
                "result": dict(result),
                "engine": dict(engine),
                "daemon": dict(daemon),
                "graph": {"json": str(graph), "template_sha256": str(template_sha256)},
                **request,
            }:
                return cls(
                    result=result,
                    engine=engine,
                    models=_tables(request.pop("models", [])),
                    inputs=_tables(request.pop("inputs", [])),
                    daemon=daemon,
                    graph=_graph(graph),
                    template_sha256=template_sha256,
                    request=request,
                )
            case _:
                raise ValueError("not a manifest: a table is missing, or is none")


def _tables(found: object) -> list[dict[str, Any]]:
    if isinstance(found, list) and all(isinstance(item, dict) for item in found):
        return found
    raise ValueError("not a manifest: models and inputs are lists of tables")


def _graph(text: str) -> dict[str, Any]:
    graph = json.loads(text)
    if isinstance(graph, dict):
        return graph
    raise ValueError("not a manifest: its graph is none")


def changed(before: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names whose content is known both times and differs."""
    known = [item for item in now if _is_known(item)]
    return [
        item["name"]
        for item in before
        if _is_known(item)
        and (hashes := {other["sha256"] for other in known if _is_same_file(item, other)})
        and item["sha256"] not in hashes
    ]


def _is_known(item: Mapping[str, Any]) -> bool:
    match item:
        case {"name": str(), "sha256": str(sha256)}:
            return sha256 != UNKNOWN
        case _:
            return False


def _is_same_file(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Compare name and folder: a checkpoint and a LoRA may share a name."""
    folder = now.get("folder")
    return bool(now["name"] == before["name"] and before.get("folder", folder) == folder)
