"""Opens a file below a root, and nothing else: no link, no device, no way up, no race.

Every part of the path is opened by the descriptor of the folder before it, so what was checked is
what is read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from plasma_watch.errors import Code, PlasmaError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def read_beneath(named: str, roots: Sequence[Path], limit: int) -> bytes:
    """Read a file named by a request: relative to the first root, or absolute below any of them.

    Raises PlasmaError `request.outside`, `request.missing-file`, `request.not-a-file`,
    `request.too-big` or `request.unreadable`.
    """
    root, parts = locate(named, roots)
    try:
        with _opened(root, parts) as fd:
            return _read(fd, named, limit)
    except (OSError, ValueError) as exc:  # no file's name holds a NUL, or what is not Unicode
        raise _refused(named, root, exc) from exc


def list_beneath(named: str, roots: Sequence[Path]) -> list[str]:
    """Return the names in a folder named by a request, opened in the same way.

    Raises PlasmaError as `read_beneath` does; a file is refused as `request.not-a-file`.
    """
    root, parts = locate(named, roots)
    try:
        with _opened(root, parts) as fd:
            return os.listdir(fd)  # noqa: PTH208 - pathlib knows no descriptors
    except (OSError, ValueError) as exc:
        raise _refused(named, root, exc) from exc


def locate(named: str, roots: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """Return the root that a path lies below, and the parts of the way down.

    Raises PlasmaError `request.outside`.
    """
    path = Path(named)
    if ".." not in path.parts:
        if not path.is_absolute():
            return roots[0], path.parts
        for root in roots:
            with contextlib.suppress(ValueError):
                return root, path.relative_to(root).parts
    raise PlasmaError(
        Code.REQUEST_OUTSIDE,
        f"{named} lies outside the home and the allowed roots",
        "Copy it into the home, or add its folder to paths.allowed_roots in config.toml.",
    )


@contextlib.contextmanager
def _opened(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for n, part in enumerate(parts, 1):
            below = os.open(part, _FILE if n == len(parts) else _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _read(fd: int, named: str, limit: int) -> bytes:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise _not_a_file(named)
    with os.fdopen(fd, "rb", closefd=False) as file:
        content = file.read(limit + 1) if found.st_size <= limit else b""
    if (size := max(found.st_size, len(content))) > limit:
        said = f"{named} has {size} bytes; at most {limit} are read"
        raise PlasmaError(Code.REQUEST_TOO_BIG, said, "Save it smaller.")
    return content


def _not_a_file(named: str) -> PlasmaError:
    return PlasmaError(Code.REQUEST_NOT_A_FILE, f"{named} is not a file", "Name a picture file.")


def _refused(named: str, root: Path, exc: OSError | ValueError) -> PlasmaError:
    number = exc.errno if isinstance(exc, OSError) else errno.ENOENT
    if number in (errno.ENOENT, errno.ENAMETOOLONG):
        hint = f"It was looked for below {root}: put it there, or mend the path."
        return PlasmaError(Code.REQUEST_MISSING_FILE, f"{named} is not there", hint)
    if number in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):
        return PlasmaError(
            Code.REQUEST_NOT_A_FILE,
            f"{named} is a link, or leads through a link or a file",
            "Name the file itself; a link could lead out of the home.",
        )
    if number == errno.ENXIO:
        return _not_a_file(named)
    said = f"{named} cannot be read: {os.strerror(number or 0)}"
    return PlasmaError(Code.REQUEST_UNREADABLE, said, "Check who may read it.")
