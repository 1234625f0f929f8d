"""Opens one dropped file safely, reads it, and checks what it asks for.

The same is done twice: when the file arrives, and again when its turn has come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.config import Config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.intake.settle import refuse_reserved
from plasma_watch.outputs.picture import request_in
from plasma_watch.request import Request, check_request, read_request
from plasma_watch.system import files, finder
from plasma_watch.system.files import Fingerprint
from plasma_watch.toml_check import KeyPath

Check = Callable[[Request, Mapping[KeyPath, int], str], None]
"""What a kind adds to the check of a file: raises a PlasmaError that holds every problem."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The bytes of a dropped file, in one known state."""

    file: str
    content: bytes
    fingerprint: Fingerprint

    @property
    def sha256(self) -> str:
        """The digest that tells a pipeline which drop a status is about."""
        return hashlib.sha256(self.content).hexdigest()


def open_dropped(path: Path, config: Config) -> Dropped:
    """Read a dropped file whole, within its limit, following nothing.

    Raises PlasmaError `request.*`, and FileNotFoundError when it is gone.
    """
    intake = config.intake
    is_picture = path.suffix.lower() == ".png"
    limit = intake.max_picture_mb * 1_000_000 if is_picture else intake.max_request_kb * 1024
    content, fingerprint = files.read_regular(path, limit)
    if finder.is_alias(content):
        raise PlasmaError(
            Code.REQUEST_NOT_A_FILE,
            f"{path.name} is a Finder alias, which only points to a file",
            "Copy the file itself (Option-drag), and drop that.",
        )
    return Dropped(path.name, content, fingerprint)


def parse(dropped: Dropped, config: Config, check: Check) -> Request:
    """Turn a dropped file into a checked request; a picture of ours carries one.

    Raises PlasmaError that holds every problem.
    """
    refuse_reserved(dropped.file)
    lines: Mapping[KeyPath, int] = {}
    if dropped.file.lower().endswith(".png"):
        table = request_in(dropped.content, dropped.file)
        request = check_request(table, config.limits, dropped.file, lines)
    else:
        request, lines = read_request(dropped.content, config.limits, dropped.file)
    check(request, lines, dropped.file)
    return request
