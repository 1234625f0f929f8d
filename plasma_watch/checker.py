"""Checks a request file exactly as the daemon does when it arrives, for `plasma-watch check`.

Where a daemon works with the stand-ins, a request is checked as that one checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plasma_watch.config import Config, load_config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.generate import checking, resolve
from plasma_watch.generate.outlook import Paces, outlook
from plasma_watch.holder import told_by_holder
from plasma_watch.home import Home
from plasma_watch.intake import accept
from plasma_watch.request import GenerateRequest, Request
from plasma_watch.stand_ins import with_sandbox
from plasma_watch.toml_check import KeyPath
from plasma_watch.train import checking as train


def check_file(home: Home, file: Path, environ: Mapping[str, str]) -> PlasmaError | None:
    """Return what is wrong with a request file, or None."""
    config, _ = _config(home, environ)
    try:
        _checked(home, file, config)
    except PlasmaError as exc:
        return exc
    except FileNotFoundError:
        return PlasmaError(Code.REQUEST_MISSING_FILE, f"{file} is not there", "Mend the path.")
    return None


def look_ahead(home: Home, file: Path, environ: Mapping[str, str]) -> str:
    """Return what a good request for pictures comes to: how many, how many steps, how long."""
    config, is_sandbox = _config(home, environ)
    request = _checked(home, file, config)
    if not isinstance(request, GenerateRequest):
        return ""
    template = checking.template_of(request, config, home.at(config.paths.workflows))
    resolved = resolve.resolve(request, template, config.defaults, drawn_seed=0).request
    pace = Paces(home.learned(is_sandbox=is_sandbox) / "paces.json").of(resolved)
    return outlook(resolved, resolve.pictures(resolved), pace).told()


def _config(home: Home, environ: Mapping[str, str]) -> tuple[Config, bool]:
    """Return the config as the daemon has it, and whether it works with the stand-ins."""
    config, told = load_config(home.config, environ), told_by_holder(home)
    if not told.get("sandbox"):
        return config, False
    return with_sandbox(config, str(told.get("engine", {}).get("url", "")), home), True


def _checked(home: Home, file: Path, config: Config) -> Request:
    def check(request: Request, lines: Mapping[KeyPath, int], subject: str) -> None:
        if isinstance(request, GenerateRequest):
            workflows = home.at(config.paths.workflows)
            roots = (home.root, *map(home.at, config.paths.allowed_roots))
            checking.check(request, lines, subject, config, workflows, roots)
        else:
            train.check(request, lines, subject, config, home)

    return accept.parse(accept.open_dropped(file, config), config, check)
