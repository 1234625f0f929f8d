"""The sha256 of model files, remembered by path, size, time and inode: 2 GB take seconds."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from plasma_watch.outputs.manifest import UNKNOWN
from plasma_watch.system import files


class Hashes:
    """Known hashes, in memory and in one file of `.plasma/` that can be thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._read()

    def of(self, file: Path) -> str:
        """Return a file's sha256 in hex, or `unknown` when it cannot be read."""
        try:
            key = _key(file)
            return self._known.get(key) or self._remember(key, _digest(file))
        except OSError:
            return UNKNOWN

    def known(self, file: Path) -> str:
        """Return what is remembered of a file as it is now, or `unknown` when there is none.

        Raises LookupError for one that was not hashed yet.
        """
        try:
            return self._known[_key(file)]
        except OSError:
            return UNKNOWN

    def _remember(self, key: str, digest: str) -> str:
        """Keep a hash, and drop what was known of the same path before."""
        path = key.partition("\0")[0]
        self._known = {k: v for k, v in self._known.items() if k.partition("\0")[0] != path}
        self._known[key] = digest
        with contextlib.suppress(OSError):
            files.write_whole(self._path, json.dumps(self._known).encode())
        return digest

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _key(file: Path) -> str:
    found = file.stat()
    return f"{file}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
