"""What happens in one round, drawn from a seed: the same seed and number, the same round. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum, auto

SECONDS = 5.0
"""How long the killing of one round lasts; then everything is let run to its end."""
NAMES = [f"p{n:03d}" for n in range(8)]
_SIZE = 'workflow = "txt2img"\nwidth = 64\nheight = 64\n'
_BAD = [
    b"kind = ",
    b"\xff\xfe\x00",
    b'kind = "generate"\nprompt = 3\n',
    b'kind = "generate"\nprompt = "x"\nstepz = 4\n',
    b'kind = "generate"\nprompt = "x"\nwidth = 4096\n',
    b'kind = "generate"\nprompt = "x"\noutput = "../x"\n',
    b'kind = "sculpt"\nprompt = "x"\n',
    b"\0" * 100,
]


class Deed(Enum):
    """What somebody does to the inbox, or to the engine."""

    DROP = auto()
    """A request renamed into the inbox, over what waits there under its name."""
    CANCEL = auto()
    PAUSE = auto()
    RESUME = auto()
    URGENT = auto()
    """A waiting request moved to urgent/."""
    RETRY = auto()
    """A failed request moved back."""
    KILL_ENGINE = auto()


@dataclass(frozen=True, slots=True)
class Act:
    """One deed at one time of a round."""

    at: float
    deed: Deed
    name: str = ""
    content: bytes = b""
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """How long one daemon lives, and whether it is asked to end rather than killed."""

    seconds: float
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One round."""

    number: int
    acts: tuple[Act, ...]
    lives: tuple[Life, ...]

    @property
    def engine_deaths(self) -> int:
        """How often the engine is killed."""
        return sum(act.deed is Deed.KILL_ENGINE for act in self.acts)


def drawn(seed: int, number: int) -> Plan:
    """Draw a round."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
    acts = [_drop(rng, number, n) for n in range(rng.randint(10, 26))]
    acts += [_other(rng) for _ in range(rng.randint(4, 12))]
    acts += [Act(rng.uniform(0.3, SECONDS), Deed.KILL_ENGINE) for _ in range(_deaths(rng))]
    return Plan(number, tuple(sorted(acts, key=lambda act: act.at)), tuple(_lives(rng)))


def _deaths(rng: random.Random) -> int:
    """Half of the rounds leave the engine alone: then it must be asked exactly once."""
    return rng.choice([0, 0, 0, 4, 6, 8])


def _lives(rng: random.Random) -> list[Life]:
    lives: list[Life] = []
    while sum(life.seconds for life in lives) < SECONDS:
        seconds = rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.1, 0.8)])
        lives.append(Life(seconds, is_asked=rng.random() < 1 / 8))
    return lives


def _drop(rng: random.Random, number: int, n: int) -> Act:
    name = rng.choice(NAMES)
    at = rng.uniform(0.0, SECONDS)
    mark = f'note = "round {number}, request {n}"\n'.encode()
    if rng.random() < 1 / 5:
        return Act(at, Deed.DROP, name, rng.choice(_BAD) + b"\n# " + mark)
    text = f'kind = "generate"\nprompt = "a cloak"\nsteps = {rng.randint(1, 6)}\n{_SIZE}'
    text += f"seed = {rng.randrange(2**32)}\ncount = {rng.choice([1, 1, 1, 2])}\n"
    text += rng.choice(["", f"chapter = 1\npage = {rng.randint(1, 3)}\n", 'output = "studies/x"\n'])
    return Act(at, Deed.DROP, name, text.encode() + mark, is_good=True)


def _other(rng: random.Random) -> Act:
    deeds = [Deed.CANCEL, Deed.CANCEL, Deed.PAUSE, Deed.RESUME, Deed.RESUME]
    deed = rng.choice([*deeds, Deed.URGENT, Deed.URGENT, Deed.RETRY])
    return Act(rng.uniform(0.0, SECONDS), deed, rng.choice(NAMES))
