"""What a benchmark means: each claim is kept, broken, or nobody can tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plasma_watch.benchmark.reference import LIMIT_SECONDS
from plasma_watch.benchmark.watching import Seen
from plasma_watch.outputs.likeness import Alike, Likeness

GPU_ACTIVE_PERCENT = 20
"""A GPU that is never busier than this does not make the picture."""


class Mark(StrEnum):
    """What a claim came to."""

    PASS = "PASS"  # noqa: S105 - a word, no secret
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Run:
    """One picture of the reference run."""

    name: str
    state: str
    why: str
    started: str
    ended: str
    elapsed_seconds: float
    """From the drop to the end, with whatever was waited for."""
    seconds: float | None
    """What the engine took, model loading included; None when there is no picture."""
    seconds_per_step: float | None
    picture: str
    is_blank: bool | None
    seen: Seen


@dataclass(frozen=True, slots=True)
class Again:
    """One of several pictures of one seed, held against the first of them."""

    picture: str
    why: str
    likeness: Likeness | None
    """None when there is no picture, or none to hold it against."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim, what it came to, and by what."""

    claim: str
    mark: Mark
    why: str


def verdicts(
    runs: Sequence[Run], engine: Mapping[str, Any], again: Sequence[Again] = ()
) -> list[Verdict]:
    """Return what every claim came to; the last one is about the whole."""
    claims = [_fast(runs), _device(engine), _gpu(runs, engine), _not_blank(runs)]
    claims += [_reproducible(again)] if again else []
    return [*claims, whole(claims)]


def whole(claims: Sequence[Verdict]) -> Verdict:
    """Return the verdict on everything: as bad as the worst claim."""
    marks = {claim.mark for claim in claims}
    worst = next((m for m in (Mark.FAIL, Mark.UNKNOWN) if m in marks), Mark.PASS)
    lost = [claim.claim for claim in claims if claim.mark is worst and worst is not Mark.PASS]
    return Verdict("the whole", worst, ", ".join(lost) or "every claim is kept")


def _reproducible(again: Sequence[Again]) -> Verdict:
    claim = f"one seed makes one picture, {len(again)} times"
    if missing := [each for each in again if each.likeness is None]:
        return Verdict(claim, Mark.UNKNOWN, missing[0].why)
    words = [str(each.likeness.verdict) for each in again if each.likeness]
    mark = Mark.FAIL if Alike.DIFFERENT in words else Mark.PASS
    return Verdict(claim, mark, ", ".join(words[1:]))


def _fast(runs: Sequence[Run]) -> Verdict:
    claim = f"a picture in less than {LIMIT_SECONDS:.0f} s"
    if missing := [run for run in runs if run.seconds is None]:
        return Verdict(claim, Mark.FAIL, f"{missing[0].name}: {missing[0].why}")
    slowest = max(runs, key=lambda run: run.seconds or 0)
    mark = Mark.PASS if (slowest.seconds or 0) < LIMIT_SECONDS else Mark.FAIL
    return Verdict(claim, mark, f"{slowest.seconds:.1f} s at most ({slowest.name})")


def _device(engine: Mapping[str, Any]) -> Verdict:
    claim = "made by Metal (device mps)"
    if engine.get("is_sandbox"):
        return Verdict(claim, Mark.UNKNOWN, "the sandbox draws, it needs no device")
    device = str(engine.get("device", "unknown"))
    if device == "unknown":
        return Verdict(claim, Mark.UNKNOWN, "the engine did not say")
    return Verdict(claim, Mark.PASS if device == "mps" else Mark.FAIL, f"device {device}")


def _gpu(runs: Sequence[Run], engine: Mapping[str, Any]) -> Verdict:
    claim = "the GPU was at work"
    used = [run.seen.gpu_most for run in runs if run.seen.gpu_most is not None]
    if engine.get("is_sandbox") or not used:
        return Verdict(claim, Mark.UNKNOWN, "its use could not be read")
    mark = Mark.PASS if max(used) >= GPU_ACTIVE_PERCENT else Mark.FAIL
    return Verdict(claim, mark, f"{max(used)} % at most")


def _not_blank(runs: Sequence[Run]) -> Verdict:
    claim = "no picture is blank"
    if blank := [run.name for run in runs if run.is_blank]:
        return Verdict(claim, Mark.FAIL, ", ".join(blank))
    if any(run.is_blank is None for run in runs):
        return Verdict(claim, Mark.UNKNOWN, "not every picture was made")
    return Verdict(claim, Mark.PASS, f"{len(runs)} looked at")
