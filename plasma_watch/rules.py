"""The rules of a request that a type alone cannot say: limits, and keys that belong together.

Each looks at the values that are well-formed by themselves and yields what is wrong with them, so
that one bad key never hides another. A key that is there but not well-formed has the value None.
Nothing is read but the values and the config's limits.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from plasma_watch.config import Limits
from plasma_watch.errors import Code, Problem
from plasma_watch.toml_check import shown

MAX_SEED = 2**64 - 1
"""The largest seed that ComfyUI takes."""
MAX_TRAIN_SEED = 2**32 - 1
"""The largest seed that the trainer's libraries take."""
_MAX_PART_BYTES = 200


def generate_rules(values: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    """Yield what is wrong with a request for pictures, as far as text and limits prove it."""
    yield from _size(values, limits)
    yield from _at_most(values, "steps", limits.max_steps, "max_steps")
    yield from _at_most(values, "count", limits.max_count, "max_count")
    yield from _last_seed(values)
    yield from _place(values)
    yield from _inside(values, ("controlnet.image", "input.image"))
    if isinstance(sweep := values.get("sweep"), dict):
        yield from _sweep(values, {k: v for k, v in sweep.items() if isinstance(v, list)}, limits)


def _sweep(
    values: Mapping[str, Any], sweep: Mapping[str, list[Any]], limits: Limits
) -> Iterator[Problem]:
    """Hold a sweep to the limits of what it makes one by one, and to something to try."""
    if not sweep:
        yield Problem(Code.REQUEST_BAD_VALUE, "sweep", "names nothing to try", _TRY)
    combinations = math.prod(len(found) for found in sweep.values())
    if combinations > limits.max_count:
        said = f"makes {combinations} pictures; at most {limits.max_count}"
        hint = "Try fewer values, or raise limits.max_count in config.toml."
        yield Problem(Code.REQUEST_OVER_LIMIT, "sweep", said, hint)
    if (values.get("count") or 1) > 1:
        said = "and sweep both say how many pictures are made"
        yield Problem(Code.REQUEST_CONFLICT, "count", said, "Take count out, or try seeds: `seed`.")
    if "lora_strength" in sweep and "lora" not in sweep and "lora" not in values:
        said = "needs a LoRA"
        yield Problem(Code.REQUEST_CONFLICT, "sweep.lora_strength", said, "Add a table [lora].")
    for key, found in sweep.items():
        yield from _each_once(f"sweep.{key}", found)
    for steps in sweep.get("steps", ()):
        if isinstance(steps, int):
            yield from _at_most(
                {"sweep.steps": steps}, "sweep.steps", limits.max_steps, "max_steps"
            )


_TRY = "Give one of its keys a list of values, such as `seed = [1, 2, 3]`."


def _each_once(key: str, found: list[Any]) -> Iterator[Problem]:
    for number, value in enumerate(found):
        if value in found[:number]:
            said = f"names {shown(value)} twice"
            yield Problem(Code.REQUEST_BAD_VALUE, key, said, "Name every value once.")


def train_rules(values: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    """Yield what is wrong with a request for a LoRA, as far as text and limits prove it."""
    yield from _at_most(values, "resolution", limits.max_train_resolution, "max_train_resolution")
    yield from _at_most(values, "steps", limits.max_train_steps, "max_train_steps")
    yield from _inside(values, ("dataset", "regularization"))
    if "steps" in values and "epochs" in values:
        yield Problem(
            Code.REQUEST_CONFLICT, "epochs", "and steps say the same thing", "Keep one of the two."
        )
    for key, only, reason in _ONE_LEGAL:
        if (value := values.get(key)) not in (None, only):
            said = f"is {shown(value)}; only {shown(only)} works here"
            yield Problem(Code.REQUEST_BAD_VALUE, key, said, reason)


_ONE_LEGAL: tuple[tuple[str, object, str], ...] = (
    ("batch_size", 1, "A larger batch does not fit into 16 GB of unified memory."),
    ("optimizer", "AdamW", "8-bit and paged optimizers need CUDA; others are not proven on MPS."),
    ("mixed_precision", "no", "Mixed precision fails or gives NaN on MPS."),
)


def _at_most(values: Mapping[str, Any], key: str, most: int, limit: str) -> Iterator[Problem]:
    if (value := values.get(key)) is not None and value > most:
        yield Problem(
            Code.REQUEST_OVER_LIMIT,
            key,
            f"is {shown(value)}; at most {most}",
            f"The limit is limits.{limit} in config.toml.",
        )


def _size(values: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    """Hold the picture inside the largest frame, either way round."""
    width, height = values.get("width") or 0, values.get("height") or 0
    long, short = max(width, height), min(width, height)
    frame = (limits.max_width, limits.max_height)
    if long > max(frame) or short > min(frame):
        key = "width" if width == long else "height"
        yield Problem(
            Code.REQUEST_OVER_LIMIT,
            key,
            f"makes the picture {_side(width)}x{_side(height)}; "
            f"at most {frame[0]}x{frame[1]}, either way round",
            "The limits are limits.max_width and limits.max_height in config.toml.",
        )


def _side(pixels: int) -> str:
    return shown(pixels) if pixels else "?"


def _last_seed(values: Mapping[str, Any]) -> Iterator[Problem]:
    seed, count = values.get("seed") or 0, values.get("count") or 1
    if seed + count - 1 > MAX_SEED:
        last = f"with count = {shown(count)} the last picture's would be over 2^64 - 1"
        said = f"is {seed}; {last}"
        yield Problem(Code.REQUEST_BAD_VALUE, "seed", said, "Take a smaller seed.")


def _place(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Hold output and chapter with page apart, and the output below its folder."""
    if ("chapter" in values) != ("page" in values):
        there, missing = ("chapter", "page") if "chapter" in values else ("page", "chapter")
        yield Problem(Code.REQUEST_CONFLICT, there, f"needs {missing} too", f"Add `{missing} = …`.")
    if "output" in values and "chapter" in values:
        said = "and chapter with page both say where the picture goes"
        yield Problem(Code.REQUEST_CONFLICT, "output", said, "Keep one of the two.")
    if (output := values.get("output")) is not None and not is_output_name(output):
        yield Problem(
            Code.REQUEST_OUTSIDE,
            "output",
            f"is {shown(output)}; expected a path below the output folder",
            "Without '..', a leading '/' or '~', hidden parts or control characters.",
        )


def is_output_name(text: str) -> bool:
    """Tell whether a text names a place below the output folder and nothing else."""
    return stays_below(text) and all(
        part and not part.startswith((".", "~")) and len(part.encode()) <= _MAX_PART_BYTES
        for part in text.split("/")
    )


def _inside(values: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Problem]:
    """Refuse paths that climb; whether an absolute one lies in an allowed root is asked later."""
    for key in keys:
        if (value := values.get(key)) is not None and ".." in PurePosixPath(value).parts:
            said = f"is {shown(value)}, which climbs out of its folder"
            yield Problem(Code.REQUEST_OUTSIDE, key, said, "Name a path without '..'.")


def stays_below(text: str) -> bool:
    """Tell whether a relative path can only name something below the folder it starts from."""
    path = PurePosixPath(text)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and _plain(text)


def _plain(text: str) -> bool:
    return "\\" not in text and is_single_line(text)


def is_single_line(text: str) -> bool:
    """Tell whether a text holds no control characters, and no halves of characters."""
    return all(unicodedata.category(char) not in ("Cc", "Cs") for char in text)
