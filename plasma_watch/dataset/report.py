"""What the gate will say of a dataset, and what else is worth knowing, before a request is written.

The gate's own rules judge (`train.dataset`), the recipe's own numbers say how long a training is;
here they are asked, and what they do not look at is added: buckets, framings, captions that repeat,
pictures that are blurred or flat beside the others.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from plasma_watch.config import Config
from plasma_watch.dataset.buckets import Buckets
from plasma_watch.dataset.framing import Framing
from plasma_watch.dataset.measuring import measured
from plasma_watch.dataset.record import RECORD, Record, read_record
from plasma_watch.dataset.remarks import Look, Remarks, Seen
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.request import TrainRequest
from plasma_watch.train import dataset, recipe
from plasma_watch.train.checking import length_problem, wants
from plasma_watch.train.dataset import Shot, Want
from plasma_watch.train.reading import CAPTION_SUFFIX, Folder, contents_of, look

THUMB_SIDE = 256
OTHERS_PACE = (2.5, 5.0)
"""Seconds per step that others report of an M1 Pro at 512 pixels."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Length:
    """How long a training is, in steps, and in seconds from the least to the most."""

    plan: recipe.Plan
    pace: tuple[float, float]
    measured_by: str = ""
    """Whose training measured the pace here, and on what; empty when only others did."""

    def seconds(self) -> tuple[float, float]:
        """Return how long it takes, from the least to the most."""
        return self.plan.steps * self.pace[0], self.plan.steps * self.pace[1]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is said of a dataset."""

    looks: tuple[Look, ...]
    problems: tuple[Problem, ...]
    """The gate's: with any, a training is refused."""
    warnings: tuple[str, ...]
    length: Length | None = None
    resolution: int = 512
    trigger: str = ""
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Captions that several pictures have."""

    def buckets(self) -> dict[str, int]:
        """Return how many pictures each bucket gets."""
        sizes = Counter(look.seen.bucket for look in self.looks if look.seen)
        return {f"{wide}x{high}": count for (wide, high), count in sorted(sizes.items())}

    def framings(self) -> dict[str, int]:
        """Return how many pictures show how much of the character."""
        found = Counter(look.framing for look in self.looks if look.seen)
        named = {str(framing): found[framing] for framing in Framing if found[framing]}
        return named | ({"unknown": found[None]} if found[None] else {})


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per step, from the least to the most, and whose training measured them."""

    least: float = OTHERS_PACE[0]
    most: float = OTHERS_PACE[1]
    measured_by: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dataset is looked at for; without a trigger, as regularization."""

    request: TrainRequest
    has_trigger: bool = True

    def want(self, config: Config) -> Want:
        """Return what the gate asks of it."""
        own = next(wants(self.request, config, {}))
        return own if self.has_trigger else replace(own, least=1, trigger="")


def report(folder: Folder, asked: Asked, config: Config, pace: Pace) -> Report:
    """Look at every picture of a dataset, decoded whole, and judge it.

    Raises PlasmaError `dataset.missing`, `dataset.bad-file` or `request.outside`.
    """
    request, want = asked.request, asked.want(config)
    seeing = _Seeing(folder, buckets_of(request))
    contents = contents_of(folder, seeing.look)
    usable = contents.usable()
    problems = list(dataset.problems(contents, want))
    if usable and (error := length_problem(request, usable, config)):
        problems += error.problems
    remarks = Remarks(contents, seeing.seen, _record(folder), want)
    return Report(
        looks=tuple(remarks.look(shot) for shot in contents.shots),
        problems=tuple(problems),
        warnings=(*dataset.warnings(contents, request.resolution), *remarks.warnings()),
        length=_length(request, usable, pace) if usable else None,
        resolution=request.resolution,
        trigger=want.trigger,
        repeated=remarks.repeated,
    )


def buckets_of(request: TrainRequest) -> Buckets:
    """Return the buckets that the trainer will be told to form."""
    plan = recipe.plan(request, 1, with_regularization=False)
    (table,) = recipe.dataset_table(request, plan, Path(), {})["datasets"]
    return Buckets(
        table["resolution"],
        table["min_bucket_reso"],
        table["max_bucket_reso"],
        table["bucket_reso_steps"],
    )


def measured_pace(loras: Path, resolution: int) -> Pace:
    """Return the pace of the newest real training of a resolution here, or what others report."""
    manifests = sorted(loras.glob("*/manifest.toml"), key=lambda path: path.stat().st_mtime)
    for manifest in reversed(manifests):
        with contextlib.suppress(OSError, ValueError):
            match tomllib.loads(manifest.read_text("utf-8")):
                case {
                    "resolution": size,
                    "result": {"seconds_per_step": float(pace), "sandbox": False, **result},
                } if size == resolution:
                    on = f"{manifest.parent.name} on {result.get('device', 'an unknown device')}"
                    return Pace(pace, pace, on)
    return Pace()


def _length(request: TrainRequest, images: int, pace: Pace) -> Length:
    is_doubled = request.regularization is not None
    plan = recipe.plan(request, images, with_regularization=is_doubled)
    return Length(plan, (pace.least, pace.most), pace.measured_by)


def _record(folder: Folder) -> Record:
    try:
        return read_record(folder.read(RECORD))
    except PlasmaError as exc:
        if exc.code is Code.REQUEST_MISSING_FILE:
            return Record()
        raise


class _Seeing:
    """Decodes pictures one by one. Its state: what is kept of each, which is small."""

    def __init__(self, folder: Folder, buckets: Buckets) -> None:
        self._folder = folder
        self._buckets = buckets
        self.seen: dict[str, Seen] = {}

    def look(self, name: str) -> Shot:
        """Return a picture as the gate has it."""
        found = look(self._folder, name)
        if found.image:
            bucket = self._buckets.of(*found.image.size)
            thumb = found.image.copy()
            thumb.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
            measure = measured(found.image, bucket)
            self.seen[name] = Seen(bucket, measure, thumb, self._has_bom(name))
        return found.shot

    def _has_bom(self, name: str) -> bool:
        with contextlib.suppress(PlasmaError):
            caption = self._folder.read(f"{name.rpartition('.')[0]}{CAPTION_SUFFIX}")
            return caption.startswith(_BOM)
        return False
