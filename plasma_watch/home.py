"""The home: which folder it is, and where each thing lies in it. Paths only, nothing is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from plasma_watch.errors import Code, PlasmaError

if TYPE_CHECKING:  # start-up time
    from plasma_watch.config import Paths


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds `config.toml` with `inbox/` beside it, absolute and resolved."""

    root: Path

    @property
    def config(self) -> Path:
        """The config file."""
        return self.root / "config.toml"

    @property
    def inbox(self) -> Path:
        """What lies here is waiting."""
        return self.root / "inbox"

    @property
    def urgent(self) -> Path:
        """What lies here goes first."""
        return self.inbox / "urgent"

    @property
    def running(self) -> Path:
        """One folder for each job that was begun."""
        return self.root / "running"

    @property
    def done(self) -> Path:
        """One folder for each job that ended well."""
        return self.root / "done"

    @property
    def failed(self) -> Path:
        """One folder for each job that ended badly."""
        return self.root / "failed"

    @property
    def cancelled(self) -> Path:
        """One folder for each job that was cancelled."""
        return self.root / "cancelled"

    @property
    def status(self) -> Path:
        """Words for people and programs."""
        return self.root / "status"

    @property
    def private(self) -> Path:
        """Lock, caches, sandbox files: can be thrown away."""
        return self.root / ".plasma"

    @property
    def lock(self) -> Path:
        """Held by the one daemon of this home."""
        return self.private / "lock"

    @property
    def sandbox(self) -> Path:
        """The stand-in engine's folder."""
        return self.private / "sandbox"

    def learned(self, *, is_sandbox: bool) -> Path:
        """Where it is kept what jobs take of the machine: what a stand-in takes is kept apart."""
        return self.sandbox if is_sandbox else self.private

    def at(self, path: str) -> Path:
        """Return a configured path: as it is when absolute, else below the home."""
        return self.root / Path(path).expanduser()

    def spool(self) -> tuple[Path, ...]:
        """Return the folders that jobs move between by rename; they share one volume."""
        return (self.inbox, self.running, self.done, self.failed, self.cancelled)

    def closed(self) -> tuple[Path, ...]:
        """Return the folders that are the owner's alone: nobody else reads or writes in them."""
        return (self.running, self.private)

    def folders(self, paths: Paths) -> tuple[Path, ...]:
        """Return every folder that a home has."""
        configured = (paths.output, paths.datasets, paths.loras, paths.workflows)
        own = (*self.spool(), self.urgent, self.status, self.private)
        return (*own, *(self.at(path) for path in configured))


def is_home(folder: Path) -> bool:
    """Tell whether a folder is a home."""
    with contextlib.suppress(OSError):  # it may not be looked into, or its name is too long
        return (folder / "config.toml").is_file() and (folder / "inbox").is_dir()
    return False


def find_home(given: Path | None, environ: Mapping[str, str], here: Path) -> Home:
    """Find the home: the one given, else PLASMA_HOME, else the nearest upwards, else ~/PlasmaWatch.

    Raises PlasmaError `config.layout` when what is named or found is not a home.
    """
    folder = _expanded(next(_candidates(given, environ, here))).absolute()
    if not is_home(folder):
        raise PlasmaError(
            Code.CONFIG_LAYOUT,
            f"{folder} is not a home: it has no config.toml with inbox/ beside it",
            f"`plasma-watch init {quote(str(folder))}` makes it one.",
        )
    return Home(folder.resolve())


def _expanded(path: Path) -> Path:
    with contextlib.suppress(RuntimeError):  # there is no such user: the name stands for itself
        return path.expanduser()
    return path


def _candidates(given: Path | None, environ: Mapping[str, str], here: Path) -> Iterator[Path]:
    if given is not None:
        yield given
    if named := environ.get("PLASMA_HOME"):
        yield Path(named)
    yield from (folder for folder in (here, *here.parents) if is_home(folder))
    yield Path("~/PlasmaWatch")
