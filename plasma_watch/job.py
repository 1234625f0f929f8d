"""A job on its way through the folders: its states, its journal, and the ids that follow from them.

The state of a job is the folder that its request lies in; `LEGAL` is the law of the moves. The
journal (`job.toml`, beside the request) holds what recovery needs and nothing that can be derived.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from plasma_watch import toml_text
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.words import pasted, visible


class State(StrEnum):
    """The same word in code, log, folder and Finder."""

    WAITING = "waiting"
    """In `inbox/`."""
    RUNNING = "running"
    """Begun; in `running/`."""
    DONE = "done"
    """Ended well; its outputs lie whole in their places."""
    FAILED = "failed"
    """Ended badly; `why.txt` says why."""
    CANCELLED = "cancelled"
    """Ended because somebody asked for it."""


ENDS = frozenset({State.DONE, State.FAILED, State.CANCELLED})

LEGAL: dict[State, frozenset[State]] = {
    # Also a refusal goes through `running`, with its ending already in the journal: so that every
    # end is reached by one rename of a folder that is complete.
    State.WAITING: frozenset({State.RUNNING}),
    State.RUNNING: frozenset({State.WAITING, *ENDS}),
    # What ended stays, until a person moves the request back into the inbox.
    State.DONE: frozenset({State.WAITING}),
    State.FAILED: frozenset({State.WAITING}),
    State.CANCELLED: frozenset({State.WAITING}),
}

JOURNAL = "job.toml"
WHY = "why.txt"
_FORMAT = 1
_ID = re.compile(r"\d{8}T\d{6}-[^/\0]+", re.ASCII | re.DOTALL)
_IDS = uuid.UUID("6f1d1f0e-8a5b-5f0c-9d3e-9b0c5a1e7a42")


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a job made: its path as it is told to people, and its content's sha256."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a job: which attempt asked for it last, and what came of it."""

    number: int
    seed: int
    changes: dict[str, Any] = field(default_factory=dict)
    """What a sweep changes for this picture, by request key: `cfg`, `lora.strength`."""
    asked: int = 0
    """How often the engine was asked for it; so every attempt has a number of its own."""
    attempt: int = 0
    """The attempt that counts, from 1: the last, or an earlier one that the engine still holds."""
    is_over: bool = False
    """Whether that attempt ended without a picture, so that the next is due."""
    images: int = 0
    """How many files the engine made of it, once that is known; nearly always one."""
    placing: str = ""
    """The name under which a file is being placed; after a crash it is looked for there."""
    made: tuple[Made, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything of it lies in its place."""
        return 0 < self.images <= len(self.made)


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer's process as it was written down when it started; it may outlive the daemon."""

    pid: int
    mark: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """How far a training is. What its attempts learned lies in their folders."""

    attempt: int = 0
    """How many attempts were started; each has a folder of its own."""
    done_epochs: int = 0
    """How many whole epochs the last one went on from."""
    trainer: Trainer | None = None
    """The process of the last one, until it is known to be gone."""
    is_trained: bool = False
    """Whether the trainer ended well, so that only its files are still to be placed."""
    made: tuple[Made, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that a sweep ends with, on its way to its place."""

    placing: str = ""
    """The name under which it is being placed; after a crash it is looked for there."""
    made: Made | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended, decided before its folder moves."""

    state: State
    why: str
    code: str = ""
    hint: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted request; its TOML form is the journal."""

    id: str
    name: str
    file: str
    """The request's file name as it lay in the inbox."""
    kind: str
    dropped: datetime
    sha256: str
    urgent: bool = False
    request: dict[str, Any] | None = None
    """The request as it was resolved: every default filled in, the seed drawn."""
    seed_was_drawn: bool = False
    failures: int = 0
    """How many attempts in a row failed while the daemon lived to see it."""
    spoiled: int = 0
    """How many of those brought a bad picture."""
    pictures: tuple[Picture, ...] = ()
    training: Training | None = None
    sheet: Sheet = Sheet()
    ending: Ending | None = None

    def to_toml(self) -> str:
        """Return the journal's text."""
        table = {"format": _FORMAT, **_without_none(_journals().dump_python(self))}
        return toml_text.dumps(table)

    @staticmethod
    def from_toml(text: str) -> Job:
        """Read a journal.

        Raises ValueError when the text is not one.
        """
        table = tomllib.loads(text)
        if table.pop("format", None) != _FORMAT:
            raise ValueError("a journal of another format, or none")
        return _journals().validate_python(table)

    @property
    def is_out(self) -> bool:
        """Whether the engine may hold an attempt of it that is to be collected."""
        return any(p.attempt and not (p.is_over or p.is_whole) for p in self.pictures)

    @property
    def was_begun(self) -> bool:
        """Whether the engine was asked for anything of it, or a training was prepared."""
        return self.training is not None or any(picture.attempt for picture in self.pictures)

    def with_picture(self, picture: Picture) -> Job:
        """Return the job with one of its pictures replaced."""
        pictures = tuple(picture if p.number == picture.number else p for p in self.pictures)
        return replace(self, pictures=pictures)

    def outputs(self) -> list[str]:
        """Return what was made: pictures, their sheet, then the manifests; or what was trained."""
        made = [item.path for picture in self.pictures for item in picture.made]
        made += [self.sheet.made.path] if self.sheet.made else []
        trained = [item.path for item in self.training.made] if self.training else []
        return made + [manifest_of(path) for path in made] + trained


def manifest_of(picture: str) -> str:
    """Return the path of a picture's manifest."""
    return picture.removesuffix(".png") + ".toml"


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }


@cache
def _journals() -> TypeAdapter[Job]:
    """Return what checks a journal; making it takes as long as a command's own work."""
    return TypeAdapter(Job)


TAKEN_OUT = Ending(State.CANCELLED, "its file was taken out of running/")


def ended_by(error: PlasmaError) -> Ending:
    """Return the ending that an error brings."""
    problems = tuple(_in_full(problem) for problem in error.problems)
    return Ending(State.FAILED, error.message, str(error.code), error.hint, problems)


def _in_full(problem: Problem) -> str:
    return f"{problem}. {problem.hint}".strip() if problem.hint else f"{problem}"


def ended_by_bug(name: str, bug: Exception) -> Ending:
    """Return the ending of a job on which a bug of ours was met."""
    said = f"{name}: a bug in Plasma Watch: {type(bug).__name__}: {bug}"
    hint = "Please report it with status/daemon.log."
    return ended_by(PlasmaError(Code.DAEMON_BUG, said, hint))


def poisoned(name: str, step: str, deaths: int) -> Ending:
    """Return the ending of a job whose own content keeps killing the daemon."""
    return Ending(
        State.FAILED,
        f"{name}: the daemon died {deaths} times in a row in the step '{step}' on this file",
        str(Code.DAEMON_POISON),
        "The other jobs go on. Please report it with the file; what it names may be damaged.",
    )


def prompt_id(job: Job, number: int, attempt: int) -> str:
    """Return the id under which the engine is asked: canonical, lowercase, the same every time.

    The instant of the drop is part of it: two homes may give the same job id in one second.
    """
    return str(uuid.uuid5(_IDS, f"{job.id}/{job.dropped.isoformat()}/{number}/{attempt}"))


def job_id(name: str, when: datetime, is_taken: Callable[[str], bool]) -> str:
    """Return an id that is not taken: `YYYYMMDDTHHMMSS-name`, with a suffix where needed."""
    base = f"{when.astimezone(UTC):%Y%m%dT%H%M%S}-{name}"
    candidates = chain([base], (f"{base}-{n}" for n in count(2)))
    return next(candidate for candidate in candidates if not is_taken(candidate))


def is_job_id(text: str) -> bool:
    """Tell whether a text has the form of an id, and so may name a job's folder."""
    return _ID.fullmatch(text) is not None


def same_name(name: str) -> str:
    """Return the form in which names are compared: NFC, then case-folded."""
    return unicodedata.normalize("NFC", name).casefold()


def why_text(job: Job, ending: Ending, home: Path) -> str:
    """Return the text of `why.txt`: what happened, where, what to do, in plain words.

    The command in it names the home, so that it may be pasted wherever a shell stands.
    """
    parts = [_what_happened(job, ending)]
    if ending.code:
        parts.append(f"Code: {ending.code} (explained in docs/errors.md)\nJob:  {job.id}")
    again = f"To try again, move {job.file} back into the inbox, or run:"
    parts.append(f"{again}\n  {pasted('retry', home, job.name)}")
    return visible("\n\n".join(parts) + "\n")


def _what_happened(job: Job, ending: Ending) -> str:
    if ending.problems:
        listed = "\n".join(f"  - {problem}" for problem in ending.problems)
        return f"{job.file} was not made. To mend:\n\n{listed}"
    hint = f"\n\nWhat to do:\n  {ending.hint}" if ending.hint else ""
    return f"{job.file} was not made: {ending.why}{hint}"
