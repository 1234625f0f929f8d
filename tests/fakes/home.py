"""Real homes on a real disk, with what lies in them named shortly."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from plasma_watch.config import Config
from plasma_watch.home import Home
from plasma_watch.line import Spot, Waiting
from plasma_watch.system.files import Fingerprint

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REQUEST = b'kind = "generate"\nprompt = "spyke"\n'


def a_home(root: Path) -> Home:
    """Make a home with all its folders."""
    home = Home(root / "home")
    for folder in home.folders(Config().paths):
        folder.mkdir(parents=True, exist_ok=True)
    return home


def drop(home: Home, file: str, content: bytes = REQUEST) -> Path:
    """Put a file into the inbox, as a program that writes it there does."""
    path = home.inbox / file
    path.write_bytes(content)
    return path


def whereabouts(home: Home) -> dict[str, list[str]]:
    """Return the requests in each folder that jobs move through, by the paths that they have."""
    ours = ("job.toml", "why.txt")
    return {
        folder.name: sorted(
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if not path.is_dir() and path.name not in ours
        )
        for folder in home.spool()
    }


def waiting(
    path: Path,
    *,
    job: str = "",
    kind: str = "generate",
    seen: datetime = NOON,
    changed_ns: int = 0,
) -> Waiting:
    """Return what the line knows of a file that was seen whole and found good."""
    return Waiting(
        spot=Spot.of(path),
        id=job or f"20261122T120000-{path.stem}",
        kind=kind,
        urgent=path.parent.name == "urgent",
        seen=seen,
        changed_ns=changed_ns,
        fingerprint=hash(Fingerprint.of(path.lstat())),
        digest=hashlib.sha256(path.read_bytes()).digest(),
    )
