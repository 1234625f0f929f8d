"""Why a trainer ended. Pure: exit code, last words and what was seen in, an error or None out.

Its exit code alone proves nothing: without data it ends with 0, with NaN too. Every error has the
trainer's own last words in it, so that nobody has to look for a log to learn them.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from plasma_watch.errors import Code, PlasmaError

TAIL_LINES = 200
"""How many of the last segments are looked at."""
_MOST_SHOWN = 300
_RAISED = re.compile(
    r"^\s*[A-Za-z_][\w.]*?(?:Error|Exception|Interrupt|Invalid|Exit)(?::.*)?$|^\w+\.py: error: "
)
_LAUNCHER = re.compile(r'^\s*File ".*/bin/accelerate"')
_SIGNALLED = re.compile(r"died with <Signals\.(\w+):")
_MEMORY = re.compile(
    r"MPS backend out of memory|Invalid buffer size|total bytes of NDArray"
    r"|DefaultCPUAllocator: can't allocate|out of memory|Cannot allocate memory"
    r"|DataLoader worker .* is killed by signal: Killed"
)
_SHELL_SIGNAL = 128


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trainer ended, and what is known of it."""

    exit_code: int
    """Negative for a signal, as the system tells it."""
    last: Sequence[str]
    """The last segments that it said, in order."""
    was_saved: bool
    """Whether it said that the model is saved."""
    found_no_data: bool = False
    killed_for_memory: bool | None = None
    """Whether the system ended it for want of memory; None where the system does not tell."""
    trouble: str = ""
    """What showed that memory was short, shortly before."""


def problem(ended: Ended) -> PlasmaError | None:
    """Return why it ended badly, or None when it said and showed that it ended well."""
    if ended.found_no_data:
        return PlasmaError(
            Code.TRAINER_NO_DATA,
            "the trainer found no pictures in the copy of the dataset",
            "Please report it with the trainer's log.",
        )
    if number := _signal(ended):
        return _killed(number, ended)
    if ended.exit_code:
        return _said(last_error(ended.last), ended.exit_code)
    if not ended.was_saved:
        return PlasmaError(
            Code.TRAINER_NO_RESULT,
            f"the trainer ended with exit code 0 and saved no model{_words(ended.last)}",
            "Its log in the job's folder says more.",
        )
    return None


def is_kill(exit_code: int) -> bool:
    """Tell whether an exit code says that somebody ended it by SIGKILL."""
    return exit_code in (-signal.SIGKILL, _SHELL_SIGNAL + signal.SIGKILL)


def _signal(ended: Ended) -> int:
    """Return the number of the signal that ended it, directly or below a launcher, or 0."""
    if ended.exit_code < 0:
        return -ended.exit_code
    if ended.exit_code > _SHELL_SIGNAL:
        return ended.exit_code - _SHELL_SIGNAL
    names = [found[1] for text in ended.last if (found := _SIGNALLED.search(text))]
    return int(signal.Signals[names[-1]]) if names and ended.exit_code else 0


def _killed(number: int, ended: Ended) -> PlasmaError:
    name = _name(number)
    if number == signal.SIGABRT and (said := _memory(ended.last)):
        return _out_of_memory(said)
    if number == signal.SIGKILL and ended.killed_for_memory:
        return _out_of_memory("the system ended it for want of memory")
    if number == signal.SIGKILL and ended.killed_for_memory is None and ended.trouble:
        return _out_of_memory(f"it was ended ({name}) while {ended.trouble}")
    return PlasmaError(
        Code.TRAINER_KILLED,
        f"the trainer was ended from outside ({name})",
        "It goes on from the last whole epoch. To stop a training for good: `plasma-watch cancel`.",
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _memory(last: Sequence[str]) -> str:
    return next((text for text in reversed(last) if _MEMORY.search(text)), "")


def _out_of_memory(said: str) -> PlasmaError:
    return PlasmaError(
        Code.TRAINER_OUT_OF_MEMORY,
        f"the trainer ran out of memory: {_short(said)}",
        "Close other programs, or train at a lower resolution or dim.",
    )


def last_error(last: Sequence[str]) -> str:
    """Return the line that says what was raised: the last one, before a launcher's own trace."""
    ends = [n for n, text in enumerate(last) if _LAUNCHER.match(text)]
    own = last[: ends[0]] if ends else last
    raised = [text.strip() for text in own if _RAISED.match(text)]
    return raised[-1] if raised else ""


def _said(raised: str, exit_code: int) -> PlasmaError:
    """Return the error that the trainer's own words mean."""
    if _MEMORY.search(raised):
        return _out_of_memory(raised)
    for pattern, code, said, hint in _KNOWN:
        if pattern.search(raised):
            return PlasmaError(code, f"{said}: {_short(raised)}", hint)
    words = _short(raised) or "it did not say why"
    return PlasmaError(
        Code.TRAINER_CRASHED,
        f"the trainer ended with exit code {exit_code}: {words}",
        "Its log in the job's folder says more.",
    )


_KNOWN: tuple[tuple[re.Pattern[str], Code, str, str], ...] = (
    (
        re.compile(r"No space left|StorageFull|quota exceeded|inline_container.*unexpected pos"),
        Code.DISK_SHORT,
        "the disk was full when the trainer saved",
        "Make room; the training goes on from the last whole epoch.",
    ),
    (
        re.compile(r"NaN detected in latents"),
        Code.TRAINER_NAN,
        "the trainer found NaN in what its VAE made of a picture",
        "Look whether the base model is whole, or train on another one.",
    ),
    (
        re.compile(
            r"neither a valid local path|Cannot load model|model is not cached locally"
            r"|deserializing header|HeaderTooLarge|MetadataIncompleteBuffer|'time_embed"
        ),
        Code.TRAINER_NO_BASE,
        "the trainer cannot load the base model",
        "It must be a whole SD 1.5 checkpoint in ComfyUI's models/checkpoints.",
    ),
    (
        re.compile(
            r"expected str, bytes or os\.PathLike object, not NoneType|huggingface\.co"
            r"|MaxRetryError|ConnectionError|[Tt]okenizer"
        ),
        Code.TRAINER_NO_TOKENIZER,
        "the trainer has no tokenizer, and fetches nothing from the network",
        "Set comfyui.dir to a ComfyUI with comfy/sd1_tokenizer, or run the trainer once online.",
    ),
    (
        re.compile(r"^(?:ImportError|ModuleNotFoundError)"),
        Code.TRAINER_MISSING_PART,
        "the trainer's Python lacks something",
        "Install it into the Python that kohya.python names.",
    ),
    (
        re.compile(
            r"^(?:\w+\.py: error|AssertionError|AttributeError|KeyError|NameError|TypeError"
            r"|ValueError|UnicodeDecodeError|ZeroDivisionError|FileNotFoundError|NotImplementedError|SyntaxError"
            r"|voluptuous|toml\.|TomlDecodeError|\w*\.?MultipleInvalid)"
            r"|expected m1 and m2 to have the same dtype"
        ),
        Code.TRAINER_REFUSED,
        "the trainer refused what it was given",
        "Trying again would end the same. Its log in the job's folder says more.",
    ),
)


def _words(last: Sequence[str]) -> str:
    return f": {_short(last[-1])}" if last else ""


def _short(text: str) -> str:
    """Return words on one line, without their second language and not too long."""
    words = " ".join(text.split())
    return words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}…"
