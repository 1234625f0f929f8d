"""What the trainer left on the disk: the checkpoint of each epoch, and states to go on from.

    attempt-2/out/spyke-000004.safetensors      the fourth epoch
    attempt-2/out/spyke-000004-state/           what the fifth goes on from
    attempt-2/out/spyke.safetensors             the last epoch, under no number

It writes none of them whole at once, so each is looked at before it is used.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plasma_watch.outputs.weights import is_finite, read_header

OUTPUT = "out"
"""The folder in an attempt's own that the trainer writes to."""
_ATTEMPT = re.compile(r"attempt-(\d+)")
_MOMENTS = 2
"""AdamW holds two numbers for every one that is trained."""
_LAST_WRITTEN = "random_states_0.pkl"
_NEEDED = ("scheduler.bin", _LAST_WRITTEN)


@dataclass(frozen=True, slots=True)
class State:
    """What a training can go on from: how many epochs lie behind it, and its folder."""

    epochs: int
    path: Path


def attempts(folder: Path) -> list[Path]:
    """Return the folders of a job's attempts, in order."""
    found = [(m, path) for path in folder.glob("attempt-*") if (m := _ATTEMPT.fullmatch(path.name))]
    return [path for _, path in sorted(found, key=lambda item: int(item[0][1]))]


def attempt_folder(folder: Path, number: int) -> Path:
    """Return the folder of one attempt."""
    return folder / f"attempt-{number}"


def newest_state(folder: Path, name: str) -> State | None:
    """Return the state with the most epochs behind it that is complete."""
    return next((state for state in _states(folder, name) if is_complete(state.path)), None)


def _states(folder: Path, name: str) -> list[State]:
    """Return every state of a job, the best first: most epochs, then the newest attempt."""
    pattern = re.compile(rf"{re.escape(name)}-(\d{{6}})-state")
    found = [
        (int(m[1]), n, path)
        for n, attempt in enumerate(attempts(folder))
        for path in (attempt / OUTPUT).glob("*-state")
        if (m := pattern.fullmatch(path.name))
    ]
    return [State(epochs, path) for epochs, _, path in sorted(found, reverse=True)]


def is_complete(state: Path) -> bool:
    """Tell whether a state was written to its end: what is written last is there, nothing is cut.

    The optimizer's file may be cut and still look like an archive, so its length is what counts.
    """
    weights = state / "model.safetensors"
    try:
        if not all((state / needed).stat().st_size for needed in _NEEDED):
            return False
        moments = (state / "optimizer.bin").stat().st_size
        tensors = read_header(weights).tensors
    except (OSError, ValueError):
        return False
    trained = sum(t.end - t.start for t in tensors if not t.name.endswith(".alpha"))
    return moments >= _MOMENTS * trained and is_finite(weights)


def drop_old_states(folder: Path, name: str, kept: int) -> None:
    """Remove all states but the best few: the trainer looks after one attempt's own alone."""
    for state in _states(folder, name)[kept:]:
        shutil.rmtree(state.path, ignore_errors=True)


def drop_states(folder: Path) -> None:
    """Remove every state of a job, the trainer's last one too."""
    for attempt in attempts(folder):
        for path in (attempt / OUTPUT).glob("*-state"):
            shutil.rmtree(path, ignore_errors=True)


def checkpoints(folder: Path, name: str, last_epoch: int) -> dict[int, Path]:
    """Return the file of every epoch; of one that was made twice, the one that was gone on from."""
    pattern = re.compile(rf"{re.escape(name)}(?:-(\d{{6}}))?\.safetensors")
    found: dict[int, Path] = {}
    for path in _files(attempts(folder)):
        if m := pattern.fullmatch(path.name):
            found[int(m[1]) if m[1] else last_epoch] = path
    return dict(sorted(found.items()))


def _files(attempts: Iterable[Path]) -> Iterable[Path]:
    for attempt in attempts:
        with contextlib.suppress(OSError):
            yield from sorted((attempt / OUTPUT).iterdir())


def final(attempt: Path, name: str) -> Path:
    """Return where an attempt's last checkpoint lies when it ended well."""
    return attempt / OUTPUT / f"{name}.safetensors"
