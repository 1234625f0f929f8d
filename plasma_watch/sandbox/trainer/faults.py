"""Which faults a run is to have, as words: the one grammar in which tests ask for them.

    nan@300                     one fault: what, and where
    slow@20:6,kill@saving#2     several, each with what it needs to know

    fault  = kind ["@" place] [":" value]
    place  = a step of this run, as its bar counts it | phase ["#" how manieth time]

It only reads; `mischief` does what is asked here.
"""

from dataclasses import dataclass

PHASES = (
    "imports",  # before the first word
    "dataset",
    "model",  # in the long silence while the model is loaded
    "latents",
    "network",
    "resume",
    "training",  # before the first step
    "saving",  # half of a checkpoint is written; the last one is `final`
    "state",  # half of a state's optimizer.bin is written, and no random_states_0.pkl
    "final",
    "end",  # all is saved and said
)

KINDS = {
    "alloc": "model",  # the CPU cannot allocate memory
    "crash": "1",  # "Type: message", raised
    "deaf": "imports",  # SIGTERM is ignored from here on
    "device": "imports",  # what is claimed to be trained on: cpu or mps
    "disk-full": "saving",  # the file that is being written stays cut short
    "exit": "1",  # with this code, silently
    "flood": "1",  # so many refreshes of the bar
    "garbage": "1",  # bytes that are no UTF-8, on both streams
    "inf": "1",  # the loss, from this step on
    "kill": "1",  # by itself, with this signal
    "nan": "1",  # the loss from this step on, and all weights that are saved after it
    "no-data": "dataset",  # as if the folder were empty
    "oom": "1",  # MPS is out of memory
    "orphan": "training",  # a child that ignores SIGTERM and holds the pipes for so many seconds
    "say": "1",  # this, on standard error
    "slow": "1",  # each step from here on takes so many times as long
    "stall": "1",  # silence, for so many seconds or for good
    "truncated": "final",  # the checkpoint is cut short, and nobody notices
    "zero": "imports",  # all that was learned is nothing
}
"""Every kind, with the place that is meant where none is named."""

MUST_HAVE_VALUE = frozenset({"crash", "device", "say"})


class FaultError(ValueError):
    """Nobody knows what is asked for; a test that asks so must not pass by mistake."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong at one place."""

    kind: str
    place: str
    """A step's number or a phase."""
    nth: int = 1
    """The how manieth time that this phase comes."""
    value: str = ""

    def number(self, otherwise: float) -> float:
        """Give the value as a number."""
        return float(self.value) if self.value else otherwise


def parse(text: str) -> tuple[Fault, ...]:
    """Read what is asked for."""
    return tuple(_fault(part.strip()) for part in text.split(",") if part.strip())


def _fault(text: str) -> Fault:
    head, _, value = text.partition(":")
    kind, _, place = head.partition("@")
    if kind not in KINDS:
        raise FaultError(f"no such fault: {kind!r}; there are {', '.join(KINDS)}")
    if kind in MUST_HAVE_VALUE and not value:
        raise FaultError(f"{kind} needs a value, as in {kind}:VALUE")
    phase, _, nth = (place or KINDS[kind]).partition("#")
    if not phase.isdecimal() and phase not in PHASES:
        raise FaultError(f"no such place: {phase!r}; a step, or one of {', '.join(PHASES)}")
    return Fault(kind, phase, int(nth or 1), value.strip())
