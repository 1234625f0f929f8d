"""What can go wrong, in words that stay the same: one code, one fate, one place.

A code is `area.reason` and never changes its meaning; `docs/errors.md` explains every one, and the
tests hold list and code together both ways. The fate says what becomes of the job, so that nobody
has to switch on codes later. This module knows no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a job that met an error."""

    FAIL = "fail"
    """It goes to `failed/`: trying again would end the same way."""
    RETRY = "retry"
    """It is tried again, at most `limits.attempts` times, then it goes to `failed/`."""
    WAIT = "wait"
    """It waits until the world has changed; that costs no attempt."""


class Code(StrEnum):
    """Every error code there is."""

    REQUEST_NOT_A_FILE = "request.not-a-file"
    REQUEST_UNREADABLE = "request.unreadable"
    REQUEST_TOO_BIG = "request.too-big"
    REQUEST_TOO_DEEP = "request.too-deep"
    REQUEST_EMPTY = "request.empty"
    REQUEST_NOT_TEXT = "request.not-text"
    REQUEST_NOT_TOML = "request.not-toml"
    REQUEST_NAME_TAKEN = "request.name-taken"
    REQUEST_BAD_NAME = "request.bad-name"
    REQUEST_UNKNOWN_KIND = "request.unknown-kind"
    REQUEST_UNKNOWN_KEY = "request.unknown-key"
    REQUEST_MISSING_KEY = "request.missing-key"
    REQUEST_BAD_VALUE = "request.bad-value"
    REQUEST_OVER_LIMIT = "request.over-limit"
    REQUEST_CONFLICT = "request.conflict"
    REQUEST_OUTSIDE = "request.outside"
    REQUEST_MISSING_FILE = "request.missing-file"
    REQUEST_BAD_PICTURE = "request.bad-picture"
    REQUEST_FOREIGN_PICTURE = "request.foreign-picture"
    REQUEST_CHANGED_MODELS = "request.changed-models"

    WORKFLOW_UNKNOWN = "workflow.unknown"
    WORKFLOW_BROKEN = "workflow.broken"
    WORKFLOW_NO_SLOT = "workflow.no-slot"
    WORKFLOW_SLOT_EMPTY = "workflow.slot-empty"
    WORKFLOW_NOT_ADOPTABLE = "workflow.not-adoptable"
    WORKFLOW_TAKEN = "workflow.taken"

    ENGINE_UNREACHABLE = "engine.unreachable"
    ENGINE_STARTING = "engine.starting"
    ENGINE_WILL_NOT_START = "engine.will-not-start"
    ENGINE_PORT_TAKEN = "engine.port-taken"
    ENGINE_NO_MODELS = "engine.no-models"
    ENGINE_TOO_OLD = "engine.too-old"
    ENGINE_WRONG_DEVICE = "engine.wrong-device"
    ENGINE_WRONG_PRECISION = "engine.wrong-precision"
    ENGINE_NOT_COMFYUI = "engine.not-comfyui"
    ENGINE_BUSY = "engine.busy"
    ENGINE_STUCK = "engine.stuck"
    ENGINE_STALLED = "engine.stalled"
    ENGINE_HUNG = "engine.hung"
    ENGINE_MISSING_NODE = "engine.missing-node"
    ENGINE_MISSING_MODEL = "engine.missing-model"
    ENGINE_BAD_VALUE = "engine.bad-value"
    ENGINE_REFUSED = "engine.refused"
    ENGINE_NODE_ERROR = "engine.node-error"
    ENGINE_OUT_OF_MEMORY = "engine.out-of-memory"
    ENGINE_INTERRUPTED = "engine.interrupted"
    ENGINE_LOST_JOB = "engine.lost-job"
    ENGINE_BAD_ANSWER = "engine.bad-answer"
    ENGINE_NO_OUTPUT = "engine.no-output"

    MEMORY_SHORT = "memory.short"
    MEMORY_NEVER_FITS = "memory.never-fits"
    MEMORY_WAITED = "memory.waited"

    DISK_SHORT = "disk.short"
    DISK_ERROR = "disk.error"
    DISK_TAKEN = "disk.taken"

    IMAGE_UNREADABLE = "image.unreadable"
    IMAGE_BLANK = "image.blank"
    IMAGE_WRONG_SIZE = "image.wrong-size"

    TRAINER_ON_BATTERY = "trainer.on-battery"
    DATASET_MISSING = "dataset.missing"
    DATASET_TOO_FEW = "dataset.too-few"
    DATASET_BAD_PICTURE = "dataset.bad-picture"
    DATASET_NO_CAPTION = "dataset.no-caption"
    DATASET_BAD_CAPTION = "dataset.bad-caption"
    DATASET_NO_TRIGGER = "dataset.no-trigger"
    DATASET_NO_FIGURES = "dataset.no-figures"
    DATASET_TOO_SMALL = "dataset.too-small"
    DATASET_BAD_FILE = "dataset.bad-file"
    DATASET_BUSY = "dataset.busy"

    TRAINER_NOT_CONFIGURED = "trainer.not-configured"
    TRAINER_NO_BASE = "trainer.no-base"
    TRAINER_NO_TOKENIZER = "trainer.no-tokenizer"
    TRAINER_MISSING_PART = "trainer.missing-part"
    TRAINER_CPU_FALLBACK = "trainer.cpu-fallback"
    TRAINER_NO_DATA = "trainer.no-data"
    TRAINER_REFUSED = "trainer.refused"
    TRAINER_CRASHED = "trainer.crashed"
    TRAINER_KILLED = "trainer.killed"
    TRAINER_OUT_OF_MEMORY = "trainer.out-of-memory"
    TRAINER_STALLED = "trainer.stalled"
    TRAINER_NAN = "trainer.nan"
    TRAINER_LEARNED_NOTHING = "trainer.learned-nothing"
    TRAINER_NO_RESULT = "trainer.no-result"
    TRAINER_BROKEN_FILE = "trainer.broken-file"

    CONFIG_BROKEN = "config.broken"
    CONFIG_LAYOUT = "config.layout"
    CONFIG_REMOTE_ENGINE = "config.remote-engine"

    DAEMON_HELD = "daemon.held"
    DAEMON_SAFE_MODE = "daemon.safe-mode"
    DAEMON_SERVICE = "daemon.service"
    DAEMON_NOT_INSTALLED = "daemon.not-installed"
    DAEMON_GUARDED = "daemon.guarded"
    DAEMON_POISON = "daemon.poison"
    DAEMON_BUG = "daemon.bug"


FATES: dict[Code, Fate] = {
    Code.REQUEST_UNREADABLE: Fate.WAIT,
    Code.ENGINE_UNREACHABLE: Fate.WAIT,
    Code.ENGINE_STARTING: Fate.WAIT,
    Code.ENGINE_WILL_NOT_START: Fate.WAIT,
    Code.ENGINE_PORT_TAKEN: Fate.WAIT,
    Code.ENGINE_NO_MODELS: Fate.WAIT,
    Code.ENGINE_TOO_OLD: Fate.WAIT,
    Code.ENGINE_WRONG_DEVICE: Fate.WAIT,
    Code.ENGINE_WRONG_PRECISION: Fate.WAIT,
    Code.ENGINE_NOT_COMFYUI: Fate.WAIT,
    Code.ENGINE_BUSY: Fate.WAIT,
    Code.ENGINE_STUCK: Fate.WAIT,
    Code.MEMORY_SHORT: Fate.WAIT,
    Code.DISK_SHORT: Fate.WAIT,
    Code.TRAINER_ON_BATTERY: Fate.WAIT,
    Code.DISK_ERROR: Fate.WAIT,
    Code.DAEMON_HELD: Fate.WAIT,
    Code.ENGINE_STALLED: Fate.RETRY,
    Code.ENGINE_OUT_OF_MEMORY: Fate.RETRY,
    Code.ENGINE_INTERRUPTED: Fate.RETRY,
    Code.ENGINE_LOST_JOB: Fate.RETRY,
    Code.ENGINE_BAD_ANSWER: Fate.RETRY,
    Code.ENGINE_NO_OUTPUT: Fate.RETRY,
    Code.IMAGE_UNREADABLE: Fate.RETRY,
    Code.IMAGE_BLANK: Fate.RETRY,
    Code.IMAGE_WRONG_SIZE: Fate.RETRY,
    Code.TRAINER_CRASHED: Fate.RETRY,
    Code.TRAINER_KILLED: Fate.RETRY,
    Code.TRAINER_OUT_OF_MEMORY: Fate.RETRY,
    Code.TRAINER_STALLED: Fate.RETRY,
    Code.TRAINER_NO_RESULT: Fate.RETRY,
    Code.TRAINER_BROKEN_FILE: Fate.RETRY,
}
"""The fate of each code that is not simply `FAIL`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file: where, what, and the way out."""

    code: Code
    field: str
    message: str
    hint: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        field = f"{self.field} " if self.field else ""
        return f"{where}{field}{self.message}"


class PlasmaError(Exception):
    """An error with a stable code, a message that names the thing, and a hint: the way out.

    `problems` holds every single thing that is wrong if there are several; the code is the first's.
    """

    def __init__(
        self, code: Code, message: str, hint: str = "", problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.problems = problems

    @property
    def fate(self) -> Fate:
        """What becomes of the job that met this error."""
        return FATES.get(self.code, Fate.FAIL)


def gathered(subject: str, problems: list[Problem]) -> PlasmaError:
    """Make one error of all the problems of a file, in the order of its lines."""
    ordered = tuple(sorted(problems, key=lambda p: (not p.line, p.line, p.field)))
    return PlasmaError(
        ordered[0].code,
        f"{subject}: " + "; ".join(str(problem) for problem in ordered),
        _ways_out(ordered),
        ordered,
    )


def _ways_out(problems: tuple[Problem, ...]) -> str:
    """Return each hint once; where there are several problems, behind the fields it is for."""
    fields: dict[str, list[str]] = {}
    for problem in problems:
        if problem.hint:
            fields.setdefault(problem.hint, []).append(problem.field)
    if len(problems) == 1:
        return problems[0].hint
    return " ".join(
        f"{', '.join(names)}: {hint}" if all(names) else hint for hint, names in fields.items()
    )
