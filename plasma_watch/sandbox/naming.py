"""What files are called: pictures that are saved, and files that are uploaded."""

import os
import posixpath
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Saved:
    """Where the pictures of one save go."""

    folder: Path
    subfolder: str
    """As the client is told: absolute if it asked so."""
    stem: str
    counter: int

    def name(self, index: int) -> str:
        """Name the picture with this index in the batch."""
        stem = self.stem.replace("%batch_num%", str(index))
        return f"{stem}_{self.counter + index:05}_.png"


def expand(prefix: str, width: int, height: int, now: time.struct_time) -> str:
    """Put size and time in the place of their tokens; `%batch_num%` is left for `Saved`."""
    tokens = {
        "%width%": f"{width}",
        "%height%": f"{height}",
        "%year%": f"{now.tm_year}",
        "%month%": f"{now.tm_mon:02}",
        "%day%": f"{now.tm_mday:02}",
        "%hour%": f"{now.tm_hour:02}",
        "%minute%": f"{now.tm_min:02}",
        "%second%": f"{now.tm_sec:02}",
    }
    for token, text in tokens.items():
        prefix = prefix.replace(token, text)
    return prefix


def saved(root: Path, prefix: str) -> Saved:
    """Choose folder and first counter for an expanded prefix, and make the folder."""
    subfolder, stem = posixpath.split(posixpath.normpath(prefix))
    folder = root / subfolder
    _must_be_inside(root, folder)
    # The engine measures the prefix as it was written: after a trailing slash it is 0 long, finds
    # no older picture, and writes over number 1.
    written = len(posixpath.basename(prefix))
    return Saved(folder, subfolder, stem, next_counter(_names_in(folder), stem, written))


def next_counter(names: Iterable[str], stem: str, written: int) -> int:
    """Count one up from the highest number that stands behind the stem."""
    numbers = (_number(name[written + 1 :]) for name in names if name[: written + 1] == f"{stem}_")
    return max(numbers, default=0) + 1


def upload_name(filename: str, is_taken: Callable[[str], bool | None]) -> tuple[str, bool]:
    """Find a name for an upload: `ref.png`, then `ref (1).png`; tell whether it is there.

    `is_taken` answers None for a free name, else whether the file there holds the same bytes.
    """
    stem, suffix = posixpath.splitext(filename)
    name, count = filename, 0
    while (same := is_taken(name)) is False:
        count += 1
        name = f"{stem} ({count}){suffix}"
    return name, same is True


def below(root: Path, subfolder: str) -> Path:
    """Find a subfolder, which an absolute one is not; `..` is resolved before anything is made."""
    return root / posixpath.normpath(subfolder)


def inside(root: Path, path: Path) -> bool:
    """Tell whether a path stays below a folder; links are not followed, as the engine does not."""
    return Path(os.path.normpath(path)).is_relative_to(root)


def is_bare(filename: str) -> bool:
    """Tell whether a file name climbs nowhere."""
    return not filename.startswith("/") and ".." not in filename


def _must_be_inside(root: Path, folder: Path) -> None:
    if inside(root, folder):
        return
    asked = os.path.normpath(folder)
    raise Exception(  # noqa: TRY002 - the engine raises a bare one, and clients read its type
        "**** ERROR: Saving image outside the output folder is not allowed."
        f"\n full_output_folder: {asked}"
        f"\n         output_dir: {root}"
        f"\n         commonpath: {os.path.commonpath((root, asked))}"
    )


def _names_in(folder: Path) -> list[str]:
    try:
        return [file.name for file in folder.iterdir()]
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
    except ValueError:  # a NUL in the name: opening the file will say so
        pass
    return []


def _number(text: str) -> int:
    try:
        return int(text.split("_", maxsplit=1)[0])
    except ValueError:
        return 0
