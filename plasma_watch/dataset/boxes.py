"""Boxes said by hand: which figures a sheet has, where the guess is wrong or not good enough. Pure.

    [[figure]]
    sheet = "spyke.png"              # may be left out when there is one sheet
    box = [120, 80, 620, 1480]       # left, top, right, bottom in pixels, as the sheet is seen
    shows = "full"                   # full, bust, face or panel
    face = [250, 70, 470, 290]       # may be left out: then by proportion
    view = "back"

`dataset prepare --boxes-to FILE` writes what was found in this form, to be mended and handed back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from plasma_watch import toml_check, toml_text
from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.figures import Box, Drop, Dropped, Figure, Outline
from plasma_watch.dataset.framing import Area, Crop, Framing, Subject, crops
from plasma_watch.dataset.sighting import Sighting
from plasma_watch.errors import Code, PlasmaError, Problem, gathered

_SAME_SHARE = 0.5
"""A found figure is the one of a box when they overlap by so much of both together."""


def _box(values: Box) -> Box:
    left, top, right, bottom = values
    if not (0 <= left < right and 0 <= top < bottom):
        raise ValueError("left, top, right, bottom, in pixels", "Right and bottom are the larger.")
    return values


Edges = Annotated[Box, AfterValidator(_box)]


class HandBox(BaseModel):
    """One figure that somebody boxed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    box: Edges
    sheet: str = ""
    shows: Framing = Framing.FULL
    face: Edges | None = None
    bust: Edges | None = None
    view: str = ""
    mirror: bool = False
    caption: str = ""


class BoxesFile(BaseModel):
    """A file of boxes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: tuple[HandBox, ...]


def read_boxes(raw: bytes, subject: str) -> tuple[HandBox, ...]:
    """Read a file of boxes.

    Raises PlasmaError `dataset.bad-file` with every problem and its line.
    """
    try:
        text = toml_check.decode(raw, subject)
        table = toml_check.parse(text, subject)
    except PlasmaError as exc:
        raise PlasmaError(Code.DATASET_BAD_FILE, exc.message, exc.hint) from exc
    try:
        return BoxesFile.model_validate(table).figure
    except ValidationError as exc:
        problems = toml_check.problems_of(exc, BoxesFile, toml_check.line_numbers(text))
        raise bad_file(subject, problems) from exc


def bad_file(subject: str, problems: Sequence[Problem]) -> PlasmaError:
    """Return the error of a file that people may edit."""
    return gathered(subject, [replace(p, code=Code.DATASET_BAD_FILE) for p in problems])


def of_sheet(boxes: Sequence[HandBox], name: str, sheets: Sequence[str]) -> tuple[HandBox, ...]:
    """Return the boxes that are meant for a sheet; without a name they are for the only one."""
    return tuple(b for b in boxes if b.sheet == name or (not b.sheet and len(sheets) == 1))


def problems(
    boxes: Sequence[HandBox], sheets: Sequence[str], sizes: Mapping[str, Size]
) -> list[Problem]:
    """Return what is wrong with boxes, now that the sheets are known."""
    found = []
    for number, each in enumerate(boxes, 1):
        field = f"figure {number}"
        if not each.sheet and len(sheets) > 1:
            said = "names no sheet, and there are several"
            found.append(_problem(field, said, f'Write sheet = "{sheets[0]}", for instance.'))
        elif each.sheet and each.sheet not in sheets:
            near = toml_check.nearest(each.sheet, sheets) or sheets[0]
            said = f"names the sheet {toml_check.shown(each.sheet)}, which is none of those given"
            found.append(_problem(field, said, f"Did you mean '{near}'?"))
        elif (name := each.sheet or sheets[0]) in sizes and not _lies_in(each.box, sizes[name]):
            wide, high = sizes[name]
            said = f"reaches out of {name}, which has {wide}x{high} pixels"
            found.append(_problem(field, said, "Boxes are in the pixels of the upright sheet."))
    return found


def _problem(field: str, said: str, hint: str) -> Problem:
    return Problem(Code.DATASET_BAD_FILE, field, said, hint)


def _lies_in(box: Box, size: Size) -> bool:
    return box[2] <= size[0] and box[3] <= size[1]


def by_hand(sighting: Sighting, boxes: Sequence[HandBox]) -> Sighting:
    """Return a sighting whose figures are those of the boxes; what else was found is in the way."""
    figures, rest = [], list(sighting.figures)
    for each in boxes:
        small = _small(each.box, sighting.scale)
        same = max(rest, key=lambda figure: overlap(figure.box, small), default=None)
        if same is not None and overlap(same.box, small) >= _SAME_SHARE:
            rest.remove(same)
            figures.append(Figure(small, same.outline))
        else:
            figures.append(Figure(small, _filled(small)))
    dropped = [
        Dropped(figure.box, Drop.BESIDE) for figure in rest if not _is_covered(figure.box, figures)
    ]
    return replace(sighting, figures=tuple(figures), dropped=(*sighting.dropped, *dropped))


def overlap(one: Box, other: Box) -> float:
    """Return how much two boxes have in common, of what both cover."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0, wide) * max(0, high)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (both - common)


def _is_covered(box: Box, figures: Sequence[Figure]) -> bool:
    return any(overlap(box, figure.box) for figure in figures)


def _small(box: Box, scale: int) -> Box:
    left, top, right, bottom = box
    return left // scale, top // scale, -(-right // scale), -(-bottom // scale)


def _filled(box: Box) -> Outline:
    left, top, right, bottom = box
    rows = bottom - top
    return Outline(top, (left,) * rows, (right - 1,) * rows, (right - left,) * rows)


def boxed_crops(hand: HandBox, of: Subject, heads: float) -> list[Crop]:
    """Return the crops of a figure boxed by hand: what was said is no guess."""
    said = {Framing.FACE: hand.face, Framing.BUST: hand.bust}
    crops_ = []
    for crop in crops(replace(of, box=hand.box, shows=hand.shows), heads):
        box = said.get(crop.framing)
        if box is not None and crop.framing is not hand.shows:
            crops_.append(Crop(crop.framing, Area(*box), guessed=False))
        else:
            crops_.append(replace(crop, guessed=crop.framing is not hand.shows))
    return crops_


def boxes_text(found: Sequence[tuple[str, Sequence[Subject]]], heads: float) -> str:
    """Return what was found on sheets as a file of boxes."""
    tables = [_table(name, of, heads) for name, subjects in found for of in subjects]
    return toml_text.dumps({"figure": tables})


def _table(name: str, of: Subject, heads: float) -> dict[str, Any]:
    guesses = {
        str(crop.framing): [round(edge) for edge in _edges(crop.area)]
        for crop in crops(of, heads)
        if crop.framing is not of.shows
    }
    return {"sheet": name, "box": list(of.box), "shows": str(of.shows), **guesses, "view": ""}


def _edges(area: Area) -> tuple[float, float, float, float]:
    return max(0, area.left), max(0, area.top), area.right, area.bottom
