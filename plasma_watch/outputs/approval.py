"""Marks a picture as approved: in its manifest, and on the folder of the job that made it.

The manifest is replaced whole, and says when. The folder's mark keeps it from the retention. One at
a time approves in a home: two at once would write the same file.
"""

from __future__ import annotations

import contextlib
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.home import Home
from plasma_watch.job import is_job_id
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.retention import APPROVED
from plasma_watch.system import files, locks


def approve(
    manifest: Path,
    home: Home,
    when: datetime | None,
    wait_seconds: float = locks.WAIT_SECONDS,
) -> None:
    """Mark a picture by its manifest as approved at a time, or take the mark back.

    Raises PlasmaError `request.missing-file` when it is no manifest of a picture, `daemon.held`
    when somebody else approves for too long.
    """
    with locks.alone(home.private / "approvals.lock", "the approvals", wait_seconds):
        _mark(manifest, home, when)


def _mark(manifest: Path, home: Home, when: datetime | None) -> None:
    table = _read(manifest)
    table["result"].pop(APPROVED, None)
    if when:
        table["result"][APPROVED] = when.replace(microsecond=0)
    folder = _folder_of(table, home)
    if folder and when:
        (folder / APPROVED).touch()
    files.write_whole(manifest, toml_text.dumps(table).encode(), durable=True)
    if folder and not when:
        (folder / APPROVED).unlink(missing_ok=True)


def _read(manifest: Path) -> dict[str, Any]:
    try:
        text = manifest.read_text(encoding="utf-8")
        Manifest.from_toml(text)
    except (OSError, ValueError) as exc:
        said = f"{manifest} is no manifest of a picture"
        hint = "`plasma-watch find --picture FILE` finds the manifest of a picture that was moved."
        raise PlasmaError(Code.REQUEST_MISSING_FILE, said, hint) from exc
    return tomllib.loads(text)


def _folder_of(table: dict[str, Any], home: Home) -> Path | None:
    """Return the folder of the job that made a picture, as long as it is kept."""
    job = table["daemon"].get("job")
    with contextlib.suppress(OSError):
        if isinstance(job, str) and is_job_id(job) and (home.done / job).is_dir():
            return home.done / job
    return None
