"""What the trainer says, and where it stands by that. Pure: bytes and clock readings in.

It speaks on two streams: words on one, bars and log lines on the other, where a bar is drawn anew
after a carriage return and a log line may follow one without any break. Nothing here knows what a
thing heard should lead to; `guards` and `failures` judge.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from statistics import median
from typing import TypeAlias

FIRST_STEPS = 2
"""The first steps of a run pay for what is loaded and warmed up: they tell nothing of the pace."""
BASELINE_STEPS = 20
"""The pace at the beginning, that later ones are compared with, is the median of so many steps."""
LATE_STEPS = 50
"""The pace now is the median of so many steps."""
HEAT_FACTOR = 1.4
"""By how much hours of steps are slower than minutes of them: the machine grows hot."""
HEAT_SECONDS = 1200.0
"""After so many seconds of steps the heat is in the pace that was measured."""


class Phase(StrEnum):
    """What the trainer is doing, in the words that people are told."""

    STARTING = "the trainer starts"
    LOADING = "the trainer loads the model"
    CACHING = "the trainer prepares the pictures"
    TRAINING = "the trainer trains"
    SAVING = "the trainer saves"
    SAVED = "the trainer ends"


@dataclass(frozen=True, slots=True)
class Device:
    """The device that it will work on, told before the model is loaded."""

    name: str


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded."""


@dataclass(frozen=True, slots=True)
class Caching:
    """The pictures are being made ready."""


@dataclass(frozen=True, slots=True)
class StepsAnEpoch:
    """How long an epoch is, as the trainer counts."""

    steps: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch began; those before it are whole, and so are their states."""

    number: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of this run is done."""

    number: int
    loss: float | None
    """The moving average; None before the first of this run is known."""


@dataclass(frozen=True, slots=True)
class Saving:
    """A checkpoint is being saved under this name."""

    path: str


@dataclass(frozen=True, slots=True)
class Saved:
    """The last checkpoint was saved: the one sign of success that is said in words."""


@dataclass(frozen=True, slots=True)
class NoData:
    """It found nothing to train on, and is about to call that a good end."""


@dataclass(frozen=True, slots=True)
class NoCaptions:
    """It trains on without captions."""


@dataclass(frozen=True, slots=True)
class NanInLatents:
    """It found NaN in what it made of a picture, and trains on with zeros."""


@dataclass(frozen=True, slots=True)
class SlowOperation:
    """One operation is done by the CPU because the device does not know it."""

    name: str


Fact: TypeAlias = (
    Device
    | Loading
    | Caching
    | StepsAnEpoch
    | Epoch
    | Step
    | Saving
    | Saved
    | NoData
    | NoCaptions
    | NanInLatents
    | SlowOperation
)


class Framer:
    """Cuts one stream into segments at every line end. Its state: what no end has come for yet."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the segments that a chunk completes, without empty ones."""
        segments = re.split(r"[\r\n]", self._rest + self._decoder.decode(chunk))
        self._rest = segments.pop()
        return [segment for segment in segments if segment and not segment.isspace()]

    def close(self) -> list[str]:
        """Return what is left when the stream has ended."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [rest] if rest.strip() else []


_BAR = re.compile(
    r"steps:\s+\d+%\|[^|]*\|\s*(?P<step>\d+)/\d+\s+\[[\d:]+<[\d:?]+,\s*[\d.?]+(?:s/it|it/s)"
    r"(?:,\s*(?P<postfix>[^\]]*))?\]"
)
_BARS = "steps:"
_LOSS = re.compile(r"avr_loss=([^,\s]+)")
_SAID: tuple[tuple[re.Pattern[str], Callable[..., Fact]], ...] = (
    (re.compile(r"accelerator device: *(\S+)"), Device),
    (re.compile(r"dtype: torch\.\w+, device: (\S+)"), Device),
    (re.compile(r"loading model for process|StableDiffusion checkpoint"), Loading),
    (re.compile(r"num batches per epoch[^:]*: *(\d+)"), StepsAnEpoch),
    (re.compile(r"caching latents|prepare optimizer"), Caching),
    (re.compile(r"^\s*epoch (\d+)/\d+\s*$"), Epoch),
    (re.compile(r"saving checkpoint: *(.+)"), Saving),
    (re.compile(r"model saved\.(?:\s|$)"), Saved),
    (re.compile(r"No data found\. Please verify"), NoData),
    (re.compile(r"No caption file found for \d+ image"), NoCaptions),
    (re.compile(r"NaN found in latents"), NanInLatents),
    (re.compile(r"The operator '([^']+)' is not currently supported on the MPS"), SlowOperation),
)


def read(segment: str) -> Iterator[Fact]:
    """Yield what a segment says: a bar first, then what may follow it."""
    bar = _BAR.match(segment)
    if bar:
        yield _step(bar)
        segment = segment[bar.end() :]
        if not segment:
            return
    for pattern, fact in _SAID:
        if found := pattern.search(segment):
            yield fact(*map(_value, found.groups()))


def thinned(segments: Sequence[str]) -> Iterator[str]:
    """Yield segments without the bars that another bar replaced at once: a flood tells no more.

    A bar is drawn twice for each step, the second time with the step's own loss.
    """
    for segment, following in zip(segments, [*segments[1:], ""], strict=False):
        if not (following.startswith(_BARS) and segment.startswith(_BARS) and _is_bar(segment)):
            yield segment


def _is_bar(segment: str) -> bool:
    """Tell whether a segment is a bar and nothing more: a line may follow one without a break."""
    return segment.endswith("]")


def _value(text: str) -> int | str:
    return int(text) if text.isdecimal() else text.strip()


def _step(bar: re.Match[str]) -> Step:
    loss = _LOSS.search(bar["postfix"] or "")
    return Step(int(bar["step"]), float(loss[1]) if loss else None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long steps take, but for those that pay for what is loaded; it does not grow."""

    count: int = 0
    total_seconds: float = 0.0
    first: tuple[float, ...] = ()
    """The seconds of the first ones, in order."""
    late: tuple[float, ...] = ()
    """The seconds of the last ones, in order."""

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Pace:
        """Return the pace of steps that took so long, in order."""
        return reduce(cls.after, seconds, cls())

    def after(self, seconds: float) -> Pace:
        """Return the pace after one more step."""
        is_early = self.count < BASELINE_STEPS
        return Pace(
            count=self.count + 1,
            total_seconds=self.total_seconds + seconds,
            first=(*self.first, seconds) if is_early else self.first,
            late=(*self.late[1 - LATE_STEPS :], seconds),
        )

    def now(self) -> float | None:
        """Return how long a step takes of late."""
        return median(self.late) if self.late else None

    def baseline(self) -> float | None:
        """Return how long a step took at the beginning, once enough were done."""
        return median(self.first) if self.count >= BASELINE_STEPS else None

    def heat(self) -> float:
        """Return by how much the rest will be slower than what was measured."""
        return 1.0 if self.total_seconds >= HEAT_SECONDS else HEAT_FACTOR

    def to_go(self, steps: int) -> float | None:
        """Return how long so many steps will take, heat included."""
        now = self.now()
        return None if now is None else steps * now * self.heat()


class Course:
    """Where one run of the trainer stands. Its state: all that it was told so far."""

    def __init__(
        self,
        now: float,
        *,
        steps_an_epoch: int,
        epochs: int,
        done_epochs: int = 0,
        is_calibration: bool = False,
    ) -> None:
        self.phase = Phase.STARTING
        self.device = ""
        self.epochs = epochs
        self.whole_epochs = done_epochs
        """How many epochs are behind it, those of earlier runs included."""
        self.steps_an_epoch = steps_an_epoch
        self.run_step = 0
        """The step as the trainer counts: from nothing in every run."""
        self.loss: float | None = None
        self.was_saved = False
        self.slow_operations: set[str] = set()
        self.pace = Pace()
        self.heard_at = now
        self._done_before = done_epochs
        self._is_calibration = is_calibration
        self._last_step_at: float | None = None

    @property
    def step(self) -> int:
        """The step that is done, counted over all runs."""
        return self._done_before * self.steps_an_epoch + self.run_step

    @property
    def steps(self) -> int:
        """All the steps there are."""
        return self.epochs * self.steps_an_epoch

    @property
    def loss_is_bad(self) -> bool:
        """Whether the loss is no number any more."""
        return self.loss is not None and not math.isfinite(self.loss)

    def heard(self, now: float) -> None:
        """Remember that it said something, whatever it was."""
        self.heard_at = now

    def take(self, fact: Fact, now: float) -> None:
        """Go on by one fact."""
        self.phase = _phase(self.phase, fact)
        match fact:
            case Device():
                self.device = fact.name
            case StepsAnEpoch() if not self._is_calibration:  # which ends within the first
                self.steps_an_epoch = fact.steps
            case Epoch():
                self.whole_epochs = max(self.whole_epochs, fact.number - 1)
            case Step():
                self._step(fact, now)
            case Saving():
                self._last_step_at = None  # the next step's time would hold the saving
            case Saved():
                self.was_saved = True
            case SlowOperation():
                self.slow_operations.add(fact.name)
            case _:
                pass

    def _step(self, fact: Step, now: float) -> None:
        if fact.loss is not None:
            self.loss = fact.loss
        if fact.number <= self.run_step:
            return
        if self._last_step_at is not None and self.run_step >= FIRST_STEPS:
            each = (now - self._last_step_at) / (fact.number - self.run_step)
            self.pace = self.pace.after(each)
        self.run_step, self._last_step_at = fact.number, now


def _phase(before: Phase, fact: Fact) -> Phase:
    """Return the phase after a fact; the last bar is drawn when all is saved already."""
    if before is Phase.SAVED:
        return before
    after = _PHASES.get((None, type(fact))) or _PHASES.get((before, type(fact)))
    return after or before


_PHASES: dict[tuple[Phase | None, type[Fact]], Phase] = {
    (None, Saved): Phase.SAVED,
    (None, Saving): Phase.SAVING,
    (None, Step): Phase.TRAINING,
    (Phase.STARTING, Device): Phase.LOADING,
    (Phase.STARTING, Loading): Phase.LOADING,
    (Phase.LOADING, Caching): Phase.CACHING,
}
"""Phase and fact to the next phase; None is any phase. What is not listed changes nothing."""
