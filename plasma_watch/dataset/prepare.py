"""Makes a dataset of reference sheets: reads them one by one, cuts, captions, and writes it whole.

A thin hand: what is seen on a sheet, which crops it gives and what is kept of earlier runs is
decided elsewhere. One sheet that cannot be read refuses them all, each with its reason, and nothing
is written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from PIL import Image

from plasma_watch.dataset import boxes as hand_boxes
from plasma_watch.dataset.boxes import HandBox
from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.cutting import cut
from plasma_watch.dataset.figures import Drop
from plasma_watch.dataset.framing import Subject
from plasma_watch.dataset.keeping import Verdict, free_name, judge, stem
from plasma_watch.dataset.planning import LeftOut, Planned, models, planned
from plasma_watch.dataset.record import Member, Record
from plasma_watch.dataset.sheet import Sheet, read_sheet
from plasma_watch.dataset.sighting import Sighting, look, whole
from plasma_watch.dataset.staging import Staging, staging
from plasma_watch.dataset.wishes import Wish
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.train.reading import CAPTION_SUFFIX


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen on a sheet, and what it gave."""

    name: str
    size: Size
    ground: str
    subjects: tuple[Subject, ...]
    dropped: tuple[Drop, ...]
    pictures: tuple[Planned, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run made, sheet by sheet, and what became of each file."""

    seen: tuple[Seen, ...]
    verdict: Verdict


def prepare(
    sheets: Sequence[Path], folder: Path, wish: Wish, boxes: Sequence[HandBox] = ()
) -> Outcome:
    """Make pictures of sheets and put them into a dataset's folder.

    Raises PlasmaError `dataset.bad-picture`, `dataset.bad-file`, `dataset.no-figures`,
    `dataset.too-small` or `dataset.busy`, and OSError when the disk refuses.
    """
    with staging(folder) as stage:
        record = stage.read()
        making = _Making(stage, record, wish)
        seen = [making.sheet(path, looked) for path, looked in _looked(sheets, boxes)]
        if not making.members:
            raise _too_small(seen)
        verdict = judge(record, making.members, stage.lying())
        publish(stage, record.saying(wish.said), verdict, wish.trigger)
    return Outcome(tuple(seen), verdict)


def find(sheets: Sequence[Path], boxes: Sequence[HandBox] = ()) -> list[Seen]:
    """Return what is seen on sheets; nothing is written."""
    return [_seen(looked) for _, looked in _looked(sheets, boxes)]


@dataclass(frozen=True, slots=True)
class _Looked:
    sheet: Sheet
    sighting: Sighting
    subjects: tuple[Subject, ...]
    hands: tuple[HandBox, ...]


def _looked(sheets: Sequence[Path], boxes: Sequence[HandBox]) -> Iterator[tuple[Path, _Looked]]:
    """Yield each sheet with what is seen on it; one at a time is in memory.

    When something is wrong with one, the others are still looked at, and then all is told at once.
    """
    names = [path.name for path in sheets]
    wrong: list[Problem] = []
    sizes: dict[str, Size] = {}
    for path in dict.fromkeys(sheets):
        try:
            looked = _look(read_sheet(path), hand_boxes.of_sheet(boxes, path.name, names))
        except PlasmaError as exc:
            wrong += exc.problems or (Problem(exc.code, "", exc.message, exc.hint),)
            continue
        sizes[path.name] = looked.sheet.size
        if not wrong:
            yield path, looked
    wrong += hand_boxes.problems(boxes, names, sizes)
    if wrong:
        raise gathered("nothing was written", wrong)


def _look(sheet: Sheet, hands: tuple[HandBox, ...]) -> _Looked:
    sighting = look(sheet)
    if hands:
        sighting = hand_boxes.by_hand(sighting, hands)
    if not sighting.figures and not sighting.ground.is_plain:
        return _Looked(sheet, sighting, (whole(sheet),), ())
    if not sighting.figures:
        raise PlasmaError(
            Code.DATASET_NO_FIGURES,
            f"{sheet.name} shows no figure on its {sighting.ground.kind} ground",
            "Say with --boxes where they are.",
        )
    return _Looked(sheet, sighting, tuple(sighting.subjects()), hands)


def _seen(looked: _Looked, made: Sequence[Planned | LeftOut] = ()) -> Seen:
    return Seen(
        looked.sheet.name,
        looked.sheet.size,
        str(looked.sighting.ground.kind),
        looked.subjects,
        tuple(part.why for part in looked.sighting.dropped),
        tuple(each for each in made if isinstance(each, Planned)),
        tuple(each for each in made if isinstance(each, LeftOut)),
    )


class _Making:
    """Cuts the pictures of sheets, one by one, and stages them. Its state: what it has made."""

    def __init__(self, stage: Staging, record: Record, wish: Wish) -> None:
        self._stage = stage
        self._owners = record.owners()
        self._wish = wish
        self._lying = stage.lying()
        self._sheets: set[str] = set()
        self.members: list[Member] = []

    def sheet(self, path: Path, looked: _Looked) -> Seen:
        """Make everything that a sheet gives; the same sheet gives nothing twice."""
        if looked.sheet.sha256 in self._sheets:
            return _seen(looked)
        self._sheets.add(looked.sheet.sha256)
        of_each = models(stem(path.name), looked.sighting, looked.subjects, looked.hands)
        made = [each for model in of_each for each in planned(model, self._wish)]
        for each in made:
            if isinstance(each, Planned):
                self._make(path, looked, each)
        return _seen(looked, made)

    def _make(self, path: Path, looked: _Looked, picture: Planned) -> None:
        source = str(path.expanduser().absolute())
        image = cut(looked.sheet, looked.sighting, picture.cut)
        content = png(image)
        name = free_name(picture.name, source, self._owners, self._lying)
        self._owners[name] = source
        self._stage.stage(f"{name}.png", content)
        area, touch = picture.cut.area, picture.cut.touch
        left, top, right, bottom = astuple(area)
        self.members.append(
            Member(
                file=f"{name}.png",
                sha256=hashlib.sha256(content).hexdigest(),
                pixels=pixels_sha256(image),
                caption=picture.caption,
                source=source,
                source_sha256=looked.sheet.sha256,
                framing=picture.framing,
                guessed=picture.guessed,
                view=picture.view,
                ground=str(looked.sighting.ground.kind),
                figure=picture.figure,
                box=picture.box,
                area=(round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)),
                enlarged=round(picture.enlarged, 3),
                mirrored=picture.cut.is_mirrored,
                turned=touch.turned,
                nearer=touch.nearer,
                lighter=touch.lighter,
            )
        )


def png(image: Image.Image) -> bytes:
    """Return a picture as a PNG that says nothing but its pixels."""
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pixels_sha256(image: Image.Image) -> str:
    """Return the hash of a picture's size and pixels, whatever file it is in."""
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()


def publish(stage: Staging, record: Record, verdict: Verdict, trigger: str) -> None:
    """Put into place what is to be written, and take back what is kept as it lies there."""
    for file in (*verdict.same, *verdict.edited_pictures, *verdict.removed):
        stage.forget(file)
    for file in verdict.write_captions:
        text = f"{verdict.members[file].caption}\n"
        stage.stage(f"{stem(file)}{CAPTION_SUFFIX}", text.encode())
    stage.publish(record.with_members(verdict.members.values(), trigger))


def _too_small(seen: Sequence[Seen]) -> PlasmaError:
    said = [
        f"figure {n.figure} of {each.name}: {n.framing} {n.why}"
        for each in seen
        for n in each.left_out
    ]
    return PlasmaError(
        Code.DATASET_TOO_SMALL,
        f"no crop is large enough: {'; '.join(said)}",
        "Take a larger scan or export of the sheet, or allow more with --most-enlarged.",
    )
