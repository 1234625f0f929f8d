"""Makes any picture a member of a dataset: a page of ours, a drawing from elsewhere, a photograph.

It is checked and fitted to its bucket, padded where it stands on a plain ground and cut where it
does not, captioned from what is known of it, and never taken twice. A picture that cannot be taken
is named and skipped; the others are taken.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from plasma_watch.dataset.buckets import Size
from plasma_watch.dataset.cutting import Cut, cut
from plasma_watch.dataset.framing import Area, Crop, Framing, covered, enlarged, fitted
from plasma_watch.dataset.keeping import Lying, Verdict, free_name, judge
from plasma_watch.dataset.prepare import pixels_sha256, png, publish
from plasma_watch.dataset.record import RECORD, Member, Record
from plasma_watch.dataset.sheet import Sheet, read_sheet
from plasma_watch.dataset.sighting import look
from plasma_watch.dataset.staging import Staging, staging
from plasma_watch.dataset.wishes import Fit, Wish
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.outputs.manifest import Manifest
from plasma_watch.outputs.picture import TEXT_KEY, request_in, texts
from plasma_watch.train.dataset import holds
from plasma_watch.train.reading import CAPTION_SUFFIX


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that was not taken, and why; one that is in already is no failure."""

    name: str
    why: str
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What was taken, and what was not."""

    verdict: Verdict
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a picture's own files tell of it."""

    caption: str = ""
    made: Mapping[str, Any] | None = None
    """For a page of ours: where its manifest lies, and what made it."""


def add(pictures: Sequence[Path], folder: Path, wish: Wish) -> Added:
    """Take pictures into a dataset's folder.

    Raises PlasmaError `dataset.bad-file` or `dataset.busy`, and OSError when the disk refuses.
    """
    with staging(folder) as stage:
        record = stage.read()
        taking = _Taking(stage, record, wish)
        for path in dict.fromkeys(pictures):
            taking.take(path)
        verdict = judge(record, taking.members, stage.lying())
        if taking.members:
            publish(stage, record, verdict, wish.trigger)
    return Added(verdict, tuple(taking.skipped))


class _Taking:
    """Takes pictures one by one, and stages them. Its state: what it has taken and skipped."""

    def __init__(self, stage: Staging, record: Record, wish: Wish) -> None:
        self._stage = stage
        self._wish = wish
        self._lying = stage.lying()
        self._owners = record.owners()
        self._known = _known(record, self._lying)
        self.members: list[Member] = []
        self.skipped: list[Skipped] = []

    def take(self, path: Path) -> None:
        """Take a picture, or say why not."""
        try:
            sheet = read_sheet(path)
            if sheet.sha256 in self._known:
                self._skip(path, self._known[sheet.sha256])
            else:
                self._make(path, sheet, origin(path))
        except PlasmaError as exc:
            self._skip(path, exc.message.removeprefix(f"{path} "), exc.code)

    def _skip(self, path: Path, why: str, code: Code | None = None) -> None:
        self.skipped.append(Skipped(str(path), why, code))

    def _make(self, path: Path, sheet: Sheet, origin_: Origin) -> None:
        caption = _caption(self._wish, origin_)
        fitted_ = _fit(sheet, self._wish)
        pixels = pixels_sha256(fitted_.image)
        if pixels in self._known:
            self._skip(path, self._known[pixels])
            return
        source = str(path.expanduser().absolute())
        name = free_name(path.stem, source, self._owners, self._lying)
        content = png(fitted_.image)
        self._stage.stage(f"{name}.png", content)
        self._owners[name] = source
        self._known |= dict.fromkeys((sheet.sha256, pixels), _is_in(f"{name}.png"))
        self.members.append(
            Member(
                file=f"{name}.png",
                sha256=hashlib.sha256(content).hexdigest(),
                pixels=pixels,
                caption=caption,
                source=source,
                source_sha256=sheet.sha256,
                made=dict(origin_.made or {}),
                **fitted_.told(),
            )
        )


def _known(record: Record, lying: Lying) -> dict[str, str]:
    """Return by sha256, of files and of pixels, why a picture is not taken again.

    A member is where its content lies, also under another name; else it was taken out by hand.
    """
    names = {digest: name for name, digest in lying.pictures.items()}
    inside, outside = dict[str, str](), dict[str, str]()
    for member in record.picture:
        lies = member.file if member.file in lying.pictures else names.get(member.sha256)
        told = _is_in(lies) if lies else _is_out(member.file)
        (inside if lies else outside).update(
            dict.fromkeys((member.source_sha256, member.pixels), told)
        )
    return outside | {digest: _is_in(name) for digest, name in names.items()} | inside


def _is_in(file: str) -> str:
    return f"is in already, as {file}"


def _is_out(file: str) -> str:
    return f"was taken out by hand; delete {file} from {RECORD} to have it again"


@dataclass(frozen=True, slots=True)
class _Fit:
    """A picture in its bucket, and how it came there."""

    image: Image.Image
    area: Area
    times: float
    ground: str

    def told(self) -> dict[str, Any]:
        """Return it as the record has it."""
        edges = (round(edge, 2) for edge in astuple(self.area))
        return {"ground": self.ground, "area": tuple(edges), "enlarged": round(self.times, 3)}


def _fit(sheet: Sheet, wish: Wish) -> _Fit:
    """Bring a picture into its bucket.

    Raises PlasmaError `dataset.too-small` when it would have to be enlarged too much.
    """
    sighting = look(sheet)
    area, size = _fitted(sheet.size, wish, is_plain=sighting.ground.is_plain)
    times = enlarged(area, size)
    if times > wish.most_enlarged:
        said = f"would be enlarged {times:.2f} times; at most {wish.most_enlarged:g}"
        raise PlasmaError(Code.DATASET_TOO_SMALL, said)
    image = cut(sheet, sighting, Cut(area, size))
    return _Fit(image, area, times, str(sighting.ground.kind))


def _fitted(size: Size, wish: Wish, *, is_plain: bool) -> tuple[Area, Size]:
    """Return what of a picture becomes its bucket: all, with ground added, or its middle."""
    bucket = wish.buckets.square() if wish.fit is Fit.SQUARE else wish.buckets.of(*size)
    crop = Crop(Framing.PANEL, Area(0, 0, *size))
    return (fitted if is_plain else covered)(crop, bucket), bucket


def _caption(wish: Wish, origin_: Origin) -> str:
    """Return what is known of a picture, with the trigger before it unless it is there.

    Raises PlasmaError `dataset.no-caption`: a caption that says nothing teaches nothing.
    """
    said = wish.said or origin_.caption
    if not said:
        raise PlasmaError(
            Code.DATASET_NO_CAPTION, "has no caption: say --caption, or put a .txt beside it"
        )
    return said if not wish.trigger or holds(said, wish.trigger) else f"{wish.trigger}, {said}"


def origin(path: Path) -> Origin:
    """Return what a picture's caption, manifest and own text tell of it."""
    made, prompt = _made(path)
    caption = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = path.with_suffix(CAPTION_SUFFIX).read_text("utf-8-sig").splitlines()
        caption = next((line.strip() for line in lines if line.strip()), "")
    return Origin(caption or prompt, made)


def _made(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Return where a page of ours tells how it was made, and its prompt."""
    manifest = path.with_suffix(".toml")
    with contextlib.suppress(OSError, ValueError):
        found = Manifest.from_toml(manifest.read_text("utf-8"))
        told = {"manifest": str(manifest.absolute()), **_facts(found.request)}
        return told | {"sandbox": bool(found.result.get("sandbox"))}, _prompt(found.request)
    with contextlib.suppress(OSError, PlasmaError):
        content = path.read_bytes()
        if TEXT_KEY in texts(content):
            request = request_in(content, path.name)
            return _facts(request), _prompt(request)
    return None, ""


def _facts(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: request[key] for key in ("seed", "checkpoint", "workflow") if key in request}


def _prompt(request: Mapping[str, Any]) -> str:
    prompt = request.get("prompt")
    return " ".join(prompt.split()) if isinstance(prompt, str) else ""
