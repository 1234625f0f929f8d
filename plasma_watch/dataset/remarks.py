"""What is said of the pictures of a dataset, one by one and together. Pure.

The gate's rules are asked, never repeated here; what is added stops nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from plasma_watch.dataset.buckets import Size, trimmed
from plasma_watch.dataset.captions import framing_of
from plasma_watch.dataset.framing import Framing
from plasma_watch.dataset.measuring import Measure, behind
from plasma_watch.dataset.record import Record, drawn_by_sandbox
from plasma_watch.errors import Code
from plasma_watch.train import dataset
from plasma_watch.train.dataset import Contents, Shot, Want

_FEW_SHARE = 0.1
"""A framing that fewer than this share of the pictures have is worth a word."""
_CUT_SHARE = 0.08
"""What the trainer cuts off a picture is worth a word from this share on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of a decoded picture: the bucket it gets, two numbers, and a small copy."""

    bucket: Size
    measure: Measure
    thumb: Image.Image
    has_bom: bool = False
    """Whether its caption begins with a byte order mark."""


@dataclass(frozen=True, slots=True)
class Look:
    """One picture as the report has it."""

    shot: Shot
    seen: Seen | None = None
    """None of a picture that cannot be decoded."""
    framing: Framing | None = None
    is_guessed: bool = False
    """Whether nobody has looked yet if that is what it shows."""
    notes: tuple[str, ...] = ()
    """What is to be said of it."""


class Remarks:
    """What is said of pictures. Its state: what all of them have in common."""

    def __init__(
        self, contents: Contents, seen: Mapping[str, Seen], record: Record, want: Want
    ) -> None:
        self._seen = seen
        self._want = want
        self._members = record.by_file()
        self._good = [shot for shot in contents.shots if not shot.problem]
        measures = [(shot.name, seen[shot.name].measure) for shot in self._good]
        self.blurred = behind({name: each.sharpness for name, each in measures})
        self.flat = behind({name: each.contrast for name, each in measures})
        self.repeated = _repeated(self._good)
        self._alike = dataset.alike_pairs(self._good)

    def look(self, shot: Shot) -> Look:
        """Return a picture with all that is said of it."""
        return Look(
            shot,
            self._seen.get(shot.name),
            self._framing(shot),
            self._is_guessed(shot),
            tuple(self._notes(shot)),
        )

    def _framing(self, shot: Shot) -> Framing | None:
        """Return a picture's framing: as its caption says it now, else as it was made."""
        member = self._members.get(shot.name)
        return framing_of(shot.caption or "") or (member.framing if member else None)

    def _is_guessed(self, shot: Shot) -> bool:
        """Tell whether a framing rests on proportions and its caption was never edited."""
        member = self._members.get(shot.name)
        return member is not None and member.guessed and shot.caption == member.caption

    def _notes(self, shot: Shot) -> Iterator[str]:
        alone = Contents((shot,))
        for problem in dataset.problems(alone, replace(self._want, least=0)):
            yield _BRIEFLY.get(problem.code, problem.message)
        if shot.problem:
            return
        if shot.oddity:
            yield shot.oddity
        yield from self._cut(shot)
        if self._seen[shot.name].has_bom:
            yield "caption begins with a byte order mark"
        for names, said in ((self.blurred, "blurred"), (self.flat, "little contrast")):
            if shot.name in names:
                yield said
        if near := [pair[pair[0] == shot.name] for pair in self._alike if shot.name in pair]:
            more = f" and {len(near) - 1} more" if len(near) > 1 else ""
            yield f"nearly the same as {near[0]}{more}"

    def _cut(self, shot: Shot) -> Iterator[str]:
        across, down = trimmed((shot.width, shot.height), self._seen[shot.name].bucket)
        share = max(across / shot.width, down / shot.height)
        if share >= _CUT_SHARE:
            yield f"{share:.0%} cut off by its bucket"

    def warnings(self) -> Iterator[str]:
        """Yield what is said of the dataset as a whole."""
        for names, said in ((self.blurred, "blurred"), (self.flat, "of little contrast")):
            if names:
                yield f"{said} beside the others: {', '.join(names)}"
        for caption, sharing in self.repeated.items():
            yield f"{len(sharing)} pictures have one caption, '{caption}': say what differs"
        members = (self._members.get(shot.name) for shot in self._good)
        if said := drawn_by_sandbox(filter(None, members)):
            yield said
        found = Counter(self._framing(shot) for shot in self._good)
        known = len(self._good) - found[None]
        for framing in (Framing.FACE, Framing.BUST, Framing.FULL):
            if known and found[framing] < _FEW_SHARE * known:
                yield f"few pictures show the {framing}: {found[framing]} of {known}"


_BRIEFLY = {
    Code.DATASET_NO_CAPTION: "no caption",
    Code.DATASET_BAD_CAPTION: "caption empty or not UTF-8",
    Code.DATASET_NO_TRIGGER: "caption without the trigger",
}


def _repeated(shots: Sequence[Shot]) -> dict[str, tuple[str, ...]]:
    by_caption: dict[str, list[str]] = {}
    for shot in shots:
        if shot.caption and not shot.caption_problem:
            by_caption.setdefault(shot.caption, []).append(shot.name)
    return {said: tuple(names) for said, names in by_caption.items() if len(names) > 1}
