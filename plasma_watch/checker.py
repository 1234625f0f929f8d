"""Checks a request file exactly as the daemon does when it arrives, for `plasma-watch check`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plasma_watch.config import load_config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate import checking
from plasma_watch.home import Home
from plasma_watch.intake import accept
from plasma_watch.request import GenerateRequest, Request
from plasma_watch.toml_check import KeyPath
from plasma_watch.train import job as train


def check_file(home: Home, file: Path, environ: Mapping[str, str]) -> PlasmaError | None:
    """Return what is wrong with a request file, or None."""
    config = load_config(home.config, environ)

    def check(request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:
        if isinstance(request, GenerateRequest):
            workflows = home.at(config.paths.workflows)
            roots = (home.root, *map(home.at, config.paths.allowed_roots))
            checking.check(request, lines, subject, config, workflows, roots)
        else:
            train.check(request, lines, subject)

    try:
        accept.parse(accept.open_dropped(file, config), config, check)
    except PlasmaError as exc:
        return exc
    except FileNotFoundError:
        return PlasmaError(Code.REQUEST_MISSING_FILE, f"{file} is not there", "Mend the path.")
    return None
