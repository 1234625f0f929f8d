"""The templates of a home, read when they are used: a bad one refuses its requests alone."""

from __future__ import annotations

from pathlib import Path

from plasma_watch import toml_check
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate.template import Template, read_template


def load(folder: Path, name: str) -> Template:
    """Read a template by its name.

    Raises PlasmaError `workflow.unknown` with the nearest name, or `workflow.broken`.
    """
    if name not in (known := names(folder)):
        near = toml_check.nearest(name, known)
        hint = f"Did you mean `{near}`?" if near else f"There are: {', '.join(known) or 'none'}."
        said = f"workflow {toml_check.shown(name)} is not in {folder}"
        raise PlasmaError(Code.WORKFLOW_UNKNOWN, said, hint)
    try:
        workflow, slot_map = (folder / f"{name}.json").read_bytes(), _map(folder, name)
    except OSError as exc:
        said = f"workflow '{name}' cannot be read: {exc.strerror}"
        raise PlasmaError(Code.WORKFLOW_BROKEN, said, f"Look at the files in {folder}.") from exc
    return read_template(name, workflow, slot_map)


def names(folder: Path) -> list[str]:
    """Return the names of the templates in a folder."""
    try:
        return sorted(path.stem for path in folder.glob("*.json") if not path.name.startswith("."))
    except OSError:
        return []


def _map(folder: Path, name: str) -> bytes:
    path = folder / f"{name}.toml"
    if not path.is_file():
        raise PlasmaError(
            Code.WORKFLOW_BROKEN,
            f"workflow '{name}' has no slot map: {path} is not there",
            "docs/workflows.md says how one is written.",
        )
    return path.read_bytes()
