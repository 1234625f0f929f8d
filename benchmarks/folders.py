"""Where a benchmark works; what all of them made is removed when the last has run.

A file system passes over what was freed in the last minutes (ext4 does, for five at most): files
are dearer to make where a home was just removed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_WHOLE = "PLASMA_BENCHMARKS"
"""Names the folder of a whole run, for the processes of its benchmarks."""


@contextlib.contextmanager
def of_a_run() -> Iterator[None]:
    """Keep all folders for the length of a block."""
    with tempfile.TemporaryDirectory() as name:
        os.environ[_WHOLE] = name
        try:
            yield
        finally:
            del os.environ[_WHOLE]


@contextlib.contextmanager
def a_folder() -> Iterator[Path]:
    """Give a new folder, which goes with the block, or with the run that it is a part of."""
    if whole := os.environ.get(_WHOLE):
        yield Path(tempfile.mkdtemp(dir=whole))
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
