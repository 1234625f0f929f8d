"""Is a dataset fit to be trained on? Pure: what was read of each picture in, problems out.

The trainer itself takes almost anything: it trains without captions, skips a suffix in the wrong
case, turns what is transparent black and leaves a photo lying on its side. So everything is judged
here, all at once, before anything starts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from plasma_watch.errors import Code, Problem
from plasma_watch.words import counted

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
"""Pictures that are read, in any case."""
FOREIGN_SUFFIXES = frozenset(
    {".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".psd", ".clip", ".jp2"}
)
"""Pictures that the trainer cannot read: named, so that nobody misses them."""
LEAST_SIDE = 64
"""The smallest side that the trainer has a bucket for."""
ALIKE_BITS = 3
"""Pictures whose perceptual hashes differ in at most so many of 64 bits are nearly the same."""
_SHOWN = 40

Say = Callable[[Code, str, str], Problem]
"""Makes a problem of a code, of what is wrong, and of the way out."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a dataset, as it was found."""

    name: str
    problem: str = ""
    """Why it cannot be used; then the rest means nothing."""
    width: int = 0
    height: int = 0
    oddity: str = ""
    """What is put right in the copy that is trained on: CMYK, 16 bits, EXIF, transparency."""
    phash: str = ""
    """The perceptual hash, when it was decoded."""
    caption: str | None = ""
    """The first line of the caption; None when there is no file."""
    caption_problem: str = ""
    """Why the caption's file cannot be used."""
    more_lines: bool = False
    """Whether the caption's file says more than its first line, which alone is read."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a dataset's folder holds."""

    shots: tuple[Shot, ...] = ()
    foreign: tuple[str, ...] = ()
    """Pictures in a format that is not read."""
    lonely: tuple[str, ...] = ()
    """Captions without a picture."""

    def usable(self) -> int:
        """Return how many pictures can be trained on."""
        return sum(not shot.problem for shot in self.shots)


@dataclass(frozen=True, slots=True)
class Want:
    """What a dataset must be: which key of the request names it, and what is asked of it."""

    field: str
    line: int
    least: int
    trigger: str = ""
    """What every caption must hold; empty for regularization."""


def problems(contents: Contents, want: Want) -> Iterator[Problem]:
    """Yield everything for which a dataset is refused."""
    say = _sayer(want)
    yield from _bad_pictures(contents, say)
    for said, code, is_so, hint in _CAPTIONS:
        if names := [shot.name for shot in contents.shots if is_so(shot, want)]:
            yield say(code, f"has {_many(names, said)}", hint.format(trigger=want.trigger))
    if (usable := contents.usable()) < want.least:
        found = f"{counted(usable, 'picture')} that can be read"
        hint = "Add pictures. The limit is limits.min_images in config.toml."
        yield say(Code.DATASET_TOO_FEW, f"has {found}; at least {want.least} are needed", hint)


def _sayer(want: Want) -> Say:
    return lambda code, said, hint: Problem(code, want.field, said, hint, want.line)


def _bad_pictures(
    contents: Contents, say: Callable[[Code, str, str], Problem]
) -> Iterator[Problem]:
    if bad := [f"{shot.name} ({shot.problem})" for shot in contents.shots if shot.problem]:
        said = f"has {_many(bad, 'that cannot be used')}"
        hint = "Save them anew as PNG, or take them out."
        yield say(Code.DATASET_BAD_PICTURE, said, hint)
    if contents.foreign:
        said = f"has {_many(contents.foreign, 'in a format that is not read')}"
        yield say(Code.DATASET_BAD_PICTURE, said, "Save them as PNG, or take them out.")


def _is_bare(shot: Shot, want: Want) -> bool:  # noqa: ARG001 - one shape for all
    return shot.caption is None


def _is_illegible(shot: Shot, want: Want) -> bool:  # noqa: ARG001 - the same
    return bool(shot.caption_problem)


def _lacks_trigger(shot: Shot, want: Want) -> bool:
    is_legible = shot.caption is not None and not shot.caption_problem
    return is_legible and bool(want.trigger) and not holds(shot.caption or "", want.trigger)


_CAPTIONS: tuple[tuple[str, Code, Callable[[Shot, Want], bool], str], ...] = (
    (
        "without a caption",
        Code.DATASET_NO_CAPTION,
        _is_bare,
        "Write what each shows into a file beside it: p1.txt for p1.png.",
    ),
    (
        "whose caption is empty or not UTF-8 text",
        Code.DATASET_BAD_CAPTION,
        _is_illegible,
        "Write one line of UTF-8 text into each.",
    ),
    (
        "whose caption does not hold the trigger",
        Code.DATASET_NO_TRIGGER,
        _lacks_trigger,
        "Write '{trigger}' into the first line of each: it is what calls the LoRA later.",
    ),
)


def holds(caption: str, trigger: str) -> bool:
    """Tell whether a caption holds the trigger as words of its own, in any case."""
    pattern = rf"(?<!\w){re.escape(trigger.strip().casefold())}(?!\w)"
    return re.search(pattern, caption.casefold()) is not None


def warnings(contents: Contents, resolution: int) -> Iterator[str]:
    """Yield what is worth knowing of a dataset and stops nothing."""
    good = [shot for shot in contents.shots if not shot.problem]
    if odd := [f"{shot.name} ({shot.oddity})" for shot in good if shot.oddity]:
        yield f"{_many(odd, 'put right in the copy that is trained on')}"
    small = [f"{s.name} ({s.width}x{s.height})" for s in good if _is_small(s, resolution)]
    if small:
        yield f"{_many(small, f'blown up to {resolution}, which blurs them')}"
    if groups := _groups(alike_pairs(good)):
        told = [f"{first} and {_others(others)}" for first, *others in groups]
        yield f"nearly the same: {_listed(told)}"
    if long := [shot.name for shot in good if shot.more_lines]:
        yield f"{_many(long, 'whose caption has several lines: only the first is read')}"
    if contents.lonely:
        yield f"captions without a picture: {_listed(contents.lonely)}"


def _is_small(shot: Shot, resolution: int) -> bool:
    return 2 * min(shot.width, shot.height) < resolution


def alike_pairs(shots: Sequence[Shot]) -> list[tuple[str, str]]:
    """Return the names of the pictures that are nearly the same, two by two."""
    hashed = [(shot.name, int(shot.phash, 16)) for shot in shots if shot.phash]
    return [
        (one, other)
        for (one, first), (other, second) in combinations(hashed, 2)
        if (first ^ second).bit_count() <= ALIKE_BITS
    ]


def _groups(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return pairs put together: of a sheet of like figures there are hundreds."""
    groups: list[list[str]] = []
    for one, other in pairs:
        group = next((each for each in groups if one in each or other in each), None)
        if group is None:
            groups.append([one, other])
        else:
            group += [name for name in (one, other) if not any(name in each for each in groups)]
    return groups


def _others(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} more"


def _many(names: Sequence[str], said: str) -> str:
    return f"{counted(len(names), 'picture')} {said}: {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
